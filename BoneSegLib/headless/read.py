"""Files into nodes and arrays: CT volumes, segmentations and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from BoneSegLib.anatomy import STRUCTURES, Structure, select_structures
from BoneSegLib.errors import InputError
from BoneSegLib.headless.dicom_slice import is_dicom
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES, read_image, require_file, require_whole_nrrd, stem
from BoneSegLib.headless.messages import Warn, log_warning
from BoneSegLib.headless.nrrd_fields import read_fields
from BoneSegLib.headless.plain_numbers import plain_numbers
from BoneSegLib.headless.runtime import ensure_runtime
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import LabelRules, refuse_totalsegmentator
from BoneSegLib.volume import LabelMap, Volume, count_labels

if TYPE_CHECKING:
    from BoneSegLib.headless.dicom_series import Series

SEGMENTATION_SUFFIXES = (".seg.nrrd", ".seg.nhdr")


def read_volume(
    path: str | Path, *, series: str | None = None, force: bool = False, warn: Warn = log_warning
) -> Volume:
    """An image file, a DICOM folder or one file of a DICOM series as a `Volume`; MRML is not needed.

    ``series``: the UID to read where a folder holds several. ``force``: take what would need a confirmation.
    Raises `InputError` (`NeedsConfirmation` for an unclear choice of series).
    """
    from BoneSegLib.headless.dicom_read import read_series

    found = find_series(path, series=series, force=force)
    if found is not None:
        return read_series(found, force=force, warn=warn)
    path = Path(path)
    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        raise InputError(f"'{path.name}' is a segmentation, not an image.", remedy="Give the CT that it belongs to.")
    return read_image(path)


def find_series(path: str | Path, *, series: str | None = None, force: bool = False) -> Series | None:
    """The DICOM series that `read_volume` would read; ``None`` for an image file of another kind.

    Raises `InputError` (`NeedsConfirmation` for an unclear choice).
    """
    from BoneSegLib.headless.dicom_series import choose_series, list_series
    from BoneSegLib.headless.dicom_slice import read_slice

    path = Path(path)
    if path.is_dir():
        return choose_series(list_series(path), uid=series, force=force)
    require_file(path)
    if path.name.lower().endswith((*SEGMENTATION_SUFFIXES, *IMAGE_SUFFIXES)) or not is_dicom(path):
        return None
    one = read_slice(path)
    return choose_series(list_series(path), uid=series or (one.uid if one else None), force=force)


def read_volume_node(path: str | Path, *, series: str | None = None, force: bool = False, warn: Warn = log_warning):
    """The same as a new scalar volume node in `slicer.mrmlScene`; the scene stays as it was on failure."""
    volume = read_volume(path, series=series, force=force, warn=warn)
    ensure_runtime()
    from BoneSegLib.scene.volume_node import add_volume_node

    return add_volume_node(volume)


@plain_numbers()
def read_segmentation(path: str | Path, *, warn: Warn = log_warning):
    """A ``.seg.nrrd`` file, a DICOM segmentation, or a label map with our values, as a new segmentation node.

    Raises `InputError`; the scene is then as it was.
    """
    path = require_file(path)
    slicer = ensure_runtime()
    from BoneSegLib.headless.messages import errors_raised
    from BoneSegLib.scene.new_nodes import new_nodes_removed
    from BoneSegLib.scene.write import PROVENANCE, write_labels

    if not path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        return write_labels(read_labelmap(path, warn=warn), name=stem(path))
    trouble, remedy = f"'{path.name}' cannot be read as a segmentation.", "Give a .seg.nrrd file or a label map."
    # MRML ends the whole process on some damaged files, so ITK looks at it first.
    require_whole_nrrd(path)
    with new_nodes_removed(only_on_failure=True):
        with errors_raised(trouble, remedy=remedy):
            node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(str(path), True, stem(path))
        if node is None:
            raise InputError(trouble, remedy=remedy)
        for name, value in read_fields(path, PROVENANCE).items():
            node.SetAttribute(name, value)
    return node


def read_labelmap(
    path: str | Path,
    *,
    structures: Sequence[Structure] = STRUCTURES,
    rules: LabelRules | None = None,
    warn: Warn = log_warning,
) -> LabelMap:
    """A ``.seg.nrrd`` file, a DICOM segmentation or a label map as a `LabelMap`, on the file's own grid.

    ``rules`` say which values of a label map stand for which of ``structures`` (``None``: their own label values);
    segments go by their names. Values that stand for none become background, and ``warn`` is told. Raises `InputError`
    for an image that is no label map, and where the values are plainly TotalSegmentator's and no ``rules`` say so;
    `UsageError` for rules that name another structure.
    """
    path = require_file(path)
    if path.name.lower().endswith(SEGMENTATION_SUFFIXES):
        ensure_runtime()
        from BoneSegLib.scene.labels import labelmap_from_segmentation
        from BoneSegLib.scene.new_nodes import new_nodes_removed

        with new_nodes_removed():
            return labelmap_from_segmentation(read_segmentation(path), structures=structures)
    if not path.name.lower().endswith(IMAGE_SUFFIXES) and is_dicom(path):
        from BoneSegLib.dicom_seg.read import read_dicom_seg

        return read_dicom_seg(path, structures=structures, warn=warn)
    volume = read_image(path)
    labels = _as_labels(volume.array, path.name, _meaning_of_values(structures, rules), warn, told=rules is not None)
    return LabelMap(labels, volume.geometry, structures=tuple(structures))


def _meaning_of_values(structures: Sequence[Structure], rules: LabelRules | None) -> dict[int, int]:
    """Value of a label map -> label of its structure."""
    if rules is None:
        return {structure.label: structure.label for structure in structures}
    return rules.values_of(select_structures(rules.names, known=structures))


def _as_labels(array: np.ndarray, name: str, meaning: dict[int, int], warn: Warn, *, told: bool) -> np.ndarray:
    whole = array.dtype.kind in "iu" or bool(np.array_equal(array, np.rint(array)))
    if not whole or array.min() < 0 or array.max() > 255:
        raise InputError(
            f"'{name}' is not a label map.",
            cause=f"Its values go from {array.min():g} to {array.max():g}.",
            remedy="Give a label map, or a .seg.nrrd file.",
        )
    labels = array.astype(np.uint8)
    present = [int(value) for value in np.flatnonzero(count_labels(labels)) if value]
    unknown = [value for value in present if value not in meaning]
    if not told:
        refuse_totalsegmentator(
            unknown, f"'{name}'", remedy=f"Say so: --reference-labels {TOTALSEGMENTATOR} (of a test: --test-labels)."
        )
    if unknown:
        named = ", ".join(map(str, unknown[:8])) + (", …" if len(unknown) > 8 else "")
        warn(f"'{name}': values {named} stand for no structure and were left out.")
    if all(meaning.get(value) == value for value in present):
        return labels
    table = np.zeros(256, np.uint8)
    for value in present:
        table[value] = meaning.get(value, 0)
    return table[labels]
