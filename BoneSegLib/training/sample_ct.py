"""The sample CT of `make demo`: one synthetic case of ordinary looks, written as a scanner would have stored it.

Its anatomy map is one that training never sees.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from BoneSegLib.training.synthesis.anatomy_map import load_anatomy_map
from BoneSegLib.training.synthesis.damage import DamageOptions
from BoneSegLib.training.synthesis.deformation import DeformationOptions
from BoneSegLib.training.synthesis.generator import SynthesisOptions, synthesize_case
from BoneSegLib.training.synthesis.lesions import LesionOptions
from BoneSegLib.training.synthesis.patient import Patient
from BoneSegLib.training.synthesis.tissue import OTHER_BONE

SAMPLE_OPTIONS = SynthesisOptions(
    largest_shape=(226, 226, 226),
    whole=1.0,
    mirror=0.0,
    table=1.0,
    arm=0.0,
    clothes=0.0,
    implant=0.0,
    hardening=0.0,
    tilt=0.0,
    damage=DamageOptions(fracture=0.0, missing=0.0),
    lesions=LesionOptions(lesions=0.0, coarse_trabeculae=0.0),
    circle=0.0,
    noise_hu=(14.0, 16.0),
    slice_mm=(2.0, 2.5),
    deformation=DeformationOptions(
        rotation=(2.0, 2.0, 2.0), log_size=0.02, log_axis_size=0.01, bend_mm=2.0, elastic=((90.0, 3.0),)
    ),
)


def run(
    anatomy: Path, folder: Path, *, seed: int = 1, spacing: tuple[float, float, float] = (2.0, 2.0, 2.5)
) -> tuple[Path, Path]:
    """Writes ``sample_ct.nii.gz`` (int16 HU) and ``sample_labels.nii.gz`` (uint8, 1-10); ``spacing`` along i, j, k."""
    case = load_anatomy_map(anatomy)
    ct, labels = synthesize_case(Patient(case), SAMPLE_OPTIONS, np.random.default_rng(seed))
    labels = np.where(labels == OTHER_BONE, np.uint8(0), labels)
    folder.mkdir(parents=True, exist_ok=True)
    image_path, label_path = folder / "sample_ct.nii.gz", folder / "sample_labels.nii.gz"
    made_at = SAMPLE_OPTIONS.spacing
    _write(image_path, ct, made_at=made_at, spacing=spacing, interpolator=sitk.sitkLinear)
    _write(label_path, labels, made_at=made_at, spacing=spacing, interpolator=sitk.sitkNearestNeighbor)
    return image_path, label_path


def _write(
    path: Path, array: NDArray, *, made_at: float, spacing: tuple[float, float, float], interpolator: int
) -> None:
    """Resamples and writes with identity direction (LPS), the middle of the image at the origin of space."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((made_at,) * 3)
    extent = [made_at * size for size in image.GetSize()]
    image.SetOrigin([-length / 2 for length in extent])
    size = [int(length / step) for length, step in zip(extent, spacing, strict=True)]
    resampled = sitk.Resample(image, size, sitk.Transform(), interpolator, image.GetOrigin(), spacing,
                              image.GetDirection(), -1024 if array.dtype == np.int16 else 0)  # fmt: skip
    sitk.WriteImage(resampled, str(path), useCompression=True)
