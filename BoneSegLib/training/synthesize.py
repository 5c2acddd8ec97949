"""`boneseg synthesize`: anatomy maps in, numbered synthetic cases out."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.headless.atomic import check_writable, replacing
from BoneSegLib.inference.device import choose_device
from BoneSegLib.options import SYNTHESIS_DEVICES
from BoneSegLib.training.synthesis.anatomy_map import load_anatomy_map
from BoneSegLib.training.synthesis.generator import SynthesisOptions, synthesize_case
from BoneSegLib.training.synthesis.patient import Patient, find_patient
from BoneSegLib.training.synthesis.real_bone import load_bone_hu
from BoneSegLib.training.synthesis.settings import FILE, keep_settings, require_same, settings_of
from BoneSegLib.training.synthesis.shapes import load_shapes
from BoneSegLib.training.synthesis.strangers import stranger
from BoneSegLib.training.synthesis.tissue import OTHER_BONE

logger = logging.getLogger(__name__)


def run(
    maps: Path,
    output: Path,
    *,
    count: int = 100,
    first: int = 0,
    step: int = 1,
    seed: int = 1,
    exclude: Sequence[str] = ("s0006",),
    file_format: str = "nnunet",
    options: SynthesisOptions | None = None,
    shapes: Sequence[Path] = (),
    bone_hu: Path | None = None,
    device: str = "cpu",
) -> list[str]:
    """Writes cases ``first``, ``first + step``, ... below ``count`` to ``output``; returns their names.

    A case depends on ``seed`` and its number alone, so several processes (with ``first`` and ``step``) share the work
    and an interrupted run goes on: cases already there are left. `InputError` where ``output`` holds cases that were
    made with other settings, `OutputError` where nothing can be written. ``file_format``: ``nnunet`` (raw layout,
    NIfTI) or ``npy`` (memory-mapped by the training, quick to write). ``shapes``: folders of surfaces whose shapes the
    maps take on (see `load_shapes`); ``bone_hu``: a folder with measured HU of some maps (see `load_bone_hu`).
    ``device``: one of `SYNTHESIS_DEVICES` (see `synthesize_case`); a graphics card rounds differently. `MissingError`
    without it.
    """
    options = options or SynthesisOptions()
    paths = [path for path in sorted(maps.glob("*.nii.gz")) if path.name.split(".")[0] not in exclude]
    settings = settings_of(
        maps, options, seed=seed, exclude=exclude, shapes=shapes, bone_hu=bone_hu, file_format=file_format
    )
    require_same(output, settings)
    check_writable(output / FILE if output.exists() else output)  # bad input must leave no folder behind
    others = load_shapes(shapes)
    runs_on = choose_device(device, SYNTHESIS_DEVICES)
    cache = output / "anatomy"
    anatomy = once(lambda path: load_anatomy_map(path, cache=cache))

    @once
    def patient_of(path: Path) -> Patient:
        measured = load_bone_hu(bone_hu, anatomy(path)) if bone_hu else None
        return find_patient(anatomy(path), others, bone_hu=measured)

    names = []
    for number in range(first, count, step):
        name = f"synth_{number:05d}"
        names.append(name)
        if _paths(output, name, file_format)[1].exists():
            continue
        path = paths[number % len(paths)]
        rng = np.random.default_rng([seed, number])
        if rng.random() < options.strangers:
            order = rng.permutation(len(paths))
            patient = Patient(stranger((anatomy(paths[n]) for n in order), seed=seed, rng=rng, cache=cache))
        else:
            patient = patient_of(path)
        ct, labels = synthesize_case(patient, options, rng, device=runs_on)
        keep_settings(output, settings)
        _write(output, name, ct, labels, spacing=options.spacing, file_format=file_format)
        logger.info("%s from %s, %s voxels", name, patient.anatomy.name, ct.shape)
    keep_settings(output, settings)
    if file_format == "nnunet":
        _write_dataset(output)
    return names


def _write_dataset(output: Path) -> None:
    """nnU-Net's ``dataset.json``: what the labels are called. Of several processes the last one counts all cases."""
    labels = {"background": 0, **{structure.id: structure.label for structure in STRUCTURES}, "other_bone": OTHER_BONE}
    content = {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": sum(1 for path in (output / "labelsTr").glob("synth_*.nii.gz")),
        "file_ending": ".nii.gz",
    }
    write_atomically(output / "dataset.json", json.dumps(content, indent=1) + "\n")


def _paths(output: Path, name: str, file_format: str) -> tuple[Path, Path]:
    if file_format == "npy":
        return output / f"{name}_ct.npy", output / f"{name}_labels.npy"
    return output / "imagesTr" / f"{name}_0000.nii.gz", output / "labelsTr" / f"{name}.nii.gz"


def _write(
    output: Path, name: str, ct: NDArray[np.int16], labels: NDArray[np.uint8], *, spacing: float, file_format: str
) -> None:
    """The labels last and under their own name only when whole: their presence says that the case is complete.

    What a killed run leaves of them begins with a dot, which readers of folders pass over.
    """
    image_path, label_path = _paths(output, name, file_format)
    image_path.parent.mkdir(parents=True, exist_ok=True)
    label_path.parent.mkdir(parents=True, exist_ok=True)
    _save(image_path, ct, spacing=spacing)
    with replacing(label_path) as temporary:
        _save(temporary, labels, spacing=spacing)


def _save(path: Path, array: NDArray, *, spacing: float) -> None:
    if path.suffix == ".npy":
        np.save(path, array)
        return
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((spacing,) * 3)
    sitk.WriteImage(image, str(path), useCompression=True)
