"""The CT that is benchmarked: a real or the bundled one, brought to the size that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BoneSegLib.headless.read import read_volume
from BoneSegLib.inference.frame import make_frame
from BoneSegLib.models.folder import read_model

AIR_HU = -1024


def bench_volume(path: Path, model: Path, size: tuple[int, int, int]) -> tuple[np.ndarray, tuple[float, ...]]:
    """A CT in LPS order (int16 kji) resampled to ``size`` (ni, nj, nk) voxels, and its spacing along k, j, i in mm.

    Air is put around it first wherever the field of view is smaller than a window of a network: nnunetv2 pads with 0
    after normalisation, models may want air, and where neither pads the labels can be compared.
    """
    import SimpleITK as sitk

    volume = read_volume(path)
    frame = make_frame(volume.array, volume.geometry, canonical=True, transpose=(0, 1, 2))
    spacing = np.array(frame.spacing(volume.geometry))
    array = frame.view(volume.array).clip(AIR_HU, 3071).astype(np.int16)
    stages = read_model(model).stages.values()
    windows = [np.array(stage.configuration.patch) * stage.configuration.spacing for stage in stages]
    missing = np.maximum(np.ceil(np.max(windows, axis=0) / spacing).astype(int) + 1 - array.shape, 0)
    array = np.pad(array, [(n // 2, n - n // 2) for n in missing], constant_values=AIR_HU)
    steps = [old / new for old, new in zip(array.shape[::-1], size, strict=True)]
    begin = [(step - 1) / 2 for step in steps]
    image = sitk.GetImageFromArray(array)
    resampled = sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, begin, steps, [1, 0, 0, 0, 1, 0, 0, 0, 1])
    return sitk.GetArrayFromImage(resampled), tuple(float(a * b) for a, b in zip(spacing, steps[::-1], strict=True))
