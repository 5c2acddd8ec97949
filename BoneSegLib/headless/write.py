"""Segmentations and label maps into files, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from BoneSegLib.anatomy import Structure
from BoneSegLib.errors import InputError, OutputError
from BoneSegLib.headless import atomic
from BoneSegLib.headless.image_file import itk_cause
from BoneSegLib.headless.messages import Warn, capture_messages, log_warning
from BoneSegLib.headless.nifti_write import write_nifti
from BoneSegLib.headless.nrrd_fields import add_fields
from BoneSegLib.headless.plain_numbers import plain_numbers
from BoneSegLib.headless.runtime import ensure_runtime
from BoneSegLib.meshes import FORMATS
from BoneSegLib.volume import Geometry, LabelMap

SEGMENTATION_SUFFIXES = (".seg.nrrd",)
LABELMAP_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
DICOM_SUFFIXES = (".dcm",)
SHEARED_DEGREES = 0.1
# Of the volume; as much may change on another grid by rounding alone.
_LOST = 0.05
_SURFACES = "Surfaces are written with --meshes FOLDER."
OUTPUT_SUFFIXES = SEGMENTATION_SUFFIXES + LABELMAP_SUFFIXES


def check_writable(path: str | Path, *, dicom: Sequence[Path] | None = None, meshes: bool = False) -> Path:
    """The path, if a segmentation can be written there; ask before a long run. Raises `OutputError`.

    The last folder of the path is made when it is missing. ``dicom``: the files of the series that is segmented (none
    for an image that is no DICOM), where a ``.dcm`` may be asked for; it raises `InputError` without any, and
    `MissingError` without the packages for it. ``meshes``: the command has ``--meshes``, which whoever asks for a
    surface here is told.
    """
    suffixes = OUTPUT_SUFFIXES if dicom is None else OUTPUT_SUFFIXES + DICOM_SUFFIXES
    for_surfaces = meshes and Path(path).suffix.lower().removeprefix(".") in FORMATS
    path = atomic.check_writable(path, suffixes, hint=_SURFACES if for_surfaces else "")
    if dicom is not None and is_dicom_seg(path):
        from BoneSegLib.dicom_seg.write import require_source

        require_source(dicom)
    return path


def is_dicom_seg(path: Path) -> bool:
    """Whether the path's suffix asks for a DICOM segmentation."""
    return path.name.lower().endswith(DICOM_SUFFIXES)


@plain_numbers()
def write_segmentation(
    node,
    path: str | Path,
    *,
    reference: Geometry | None = None,
    structures: Sequence[Structure] | None = None,
    dicom: Sequence[Path] | None = None,
    warn: Warn = log_warning,
) -> Path:
    """Writes a segmentation node by the path's suffix and returns the path.

    ``.seg.nrrd`` keeps names, colours, codes, empty segments and how they came about. ``.nii.gz``, ``.nii``, ``.nrrd``
    and ``.mha`` become a label map (uint8) with the labels of ``structures`` (``None`` = our bones or, where there are
    none, what a model for other anatomy found) on ``reference``, or on the grid of the image that the segmentation was
    made on. ``.dcm`` becomes a DICOM segmentation with a segment for each structure that the node has; ``dicom`` are
    the files of the series it belongs to.

    The parent transform is not applied, as Slicer does not either. A file that is there is replaced on success only.
    ``warn`` is told of segments that are left out, and of what lies outside ``reference``. Raises `OutputError`,
    `ResourceError`, or `InputError` for a segmentation that lies wholly outside it.
    """
    path = check_writable(path, dicom=dicom)
    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        _write_seg_nrrd(node, path)
        return path
    from BoneSegLib.scene.labels import find_segments, labelmap_from_segmentation, structures_of
    from BoneSegLib.scene.layers import find_layers
    from BoneSegLib.scene.write import provenance

    structures = structures_of(node) if structures is None else structures
    labels = labelmap_from_segmentation(node, reference, structures=structures)
    found = find_segments(node, structures)
    if reference is not None and any(layer.image.GetNumberOfPoints() for layer in find_layers(node)):
        _tell_what_lies_outside(labels, labelmap_from_segmentation(node, structures=structures), warn)
    _tell_what_is_left_out(node, {segment_id for _, segment_id in found}, path.name, warn)
    if not is_dicom_seg(path):
        return write_labelmap(labels, path, warn=warn)
    from BoneSegLib.dicom_seg.write import write_dicom_seg

    held = tuple(structure for structure, _ in found)
    return write_dicom_seg(replace(labels, structures=held, info=provenance(node)), path, dicom or ())


@plain_numbers()
def write_labelmap(labels: LabelMap, path: str | Path, *, warn: Warn = log_warning) -> Path:
    """Writes labels as a label map file; MRML is not needed. Raises `OutputError` or `ResourceError`.

    ``warn`` is told of a sheared grid in NIfTI, which few programs read.
    """
    path = atomic.check_writable(path, LABELMAP_SUFFIXES)
    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        raise OutputError(f"'{path.name}' needs a segmentation node.", remedy="Use .nii.gz or .nrrd.")
    with atomic.replacing(path) as temporary:
        if path.name.lower().endswith((".nii", ".nii.gz")):
            if labels.geometry.shear_degrees > SHEARED_DEGREES:
                warn(
                    f"'{path.name}': the image's axes are not at right angles. nibabel reads such NIfTI, Slicer and "
                    "ITK straighten it, which moves the labels. Use .seg.nrrd or .nrrd with them."
                )
            write_nifti(labels.array, labels.geometry, temporary)
        else:
            _write_with_itk(labels, temporary)
    return path


def _tell_what_lies_outside(labels: LabelMap, whole: LabelMap, warn: Warn) -> None:
    """``labels``: those of ``whole`` on another grid, which may not hold all of them."""
    kept = int((labels.array > 0).sum()) * labels.geometry.voxel_volume
    all_of_it = int((whole.array > 0).sum()) * whole.geometry.voxel_volume
    if all_of_it and not kept:
        raise InputError(
            "The segmentation lies outside the image that it shall belong to.",
            remedy="Give the image, or the DICOM series, that it was made of.",
        )
    if kept < all_of_it * (1 - _LOST):
        warn(f"{1 - kept / all_of_it:.0%} of the segmentation lies outside the image that it belongs to: left out.")


def _tell_what_is_left_out(node, written: set[str], name: str, warn: Warn) -> None:
    segmentation = node.GetSegmentation()
    others = [
        segmentation.GetSegment(segment_id).GetName()
        for segment_id in segmentation.GetSegmentIDs()
        if segment_id not in written
    ]
    if others:
        warn(f"'{name}' does not hold the segments {', '.join(others)}, which have no label here: use .seg.nrrd.")


def _write_seg_nrrd(node, path: Path) -> None:
    ensure_runtime()
    from BoneSegLib.scene.write import noted

    # Not the node's own storage node: the scene must not change, nor later saves go elsewhere.
    storage = node.CreateDefaultStorageNode()
    storage.UnRegister(None)
    with atomic.replacing(path) as temporary:
        storage.SetFileName(str(temporary))
        storage.SetUseCompression(True)
        with capture_messages() as messages:
            written = storage.WriteData(node)
        if not written or messages.errors or not temporary.exists():
            raise OutputError(f"'{path.name}' could not be written.", cause=messages.cause())
        # MRML keeps a node's attributes in the scene only, and the file goes its own way.
        add_fields(temporary, noted(node))


def _write_with_itk(labels: LabelMap, path: Path) -> None:
    import numpy as np
    import SimpleITK

    geometry = labels.geometry
    image = SimpleITK.GetImageFromArray(labels.array.astype(np.uint8, copy=False))
    to_lps = np.diag([-1.0, -1.0, 1.0])
    image.SetSpacing(geometry.spacing)
    image.SetDirection((to_lps @ geometry.directions).ravel().tolist())
    image.SetOrigin((to_lps @ geometry.origin).tolist())
    try:
        SimpleITK.WriteImage(image, str(path), True)
    except RuntimeError as error:
        raise OutputError(f"'{path.name}' could not be written.", cause=itk_cause(error)) from error
