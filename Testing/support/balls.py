"""Data sets that a small network learns in seconds: bright balls in soft tissue, CT-like or MR-like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

CT, MR = "CT", "MR"


def ball_arrays(
    seed: int, *, shape: tuple[int, int, int] = (20, 24, 24), channel: str = CT
) -> tuple[np.ndarray, np.ndarray]:
    """An image (int16 kji) and its labels: 1 a large ball, 2 a smaller, brighter one on its other side."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    labels = np.zeros(shape, np.uint8)
    extent = np.array(shape)
    for label, share, radius in ((1, 0.31, 0.25), (2, 0.74, 0.19)):
        center = extent * (0.5, 0.5, share) + rng.uniform(-1.5, 1.5, 3)
        distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, center, strict=True)))
        labels[distance < radius * extent.min() * rng.uniform(0.9, 1.1)] = label
    air, body, levels = (-1000.0, 40.0, (220.0, 450.0)) if channel == CT else (5.0, 200.0, (500.0, 900.0))
    image = np.where(abs(grid[1] - extent[1] / 2) < 0.44 * extent[1], body, air)
    for label, level in enumerate(levels, start=1):
        image[labels == label] = level
    image += rng.normal(0, 12, shape)
    if channel == MR:
        image = np.clip(image * rng.uniform(0.6, 1.6), 1, None)  # the scale of an MR means nothing
    return image.astype(np.int16), labels


def write_image(path: Path, array: np.ndarray, *, spacing=(2.0, 2.0, 2.0), orientation: str = "LPS") -> None:
    """``array`` is kji on an LPS grid; the file stores it in another ``orientation``."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-30.0, -20.0, 10.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.DICOMOrient(image, orientation), str(path))


def write_pairs(
    folder: Path,
    count: int,
    *,
    channel: str = CT,
    values: tuple[int, int] = (1, 2),
    first: int = 0,
    slices: int = 20,
    every: int = 1,
) -> Path:
    """Cases x_image.nii.gz and x_labels.nii.gz, the labels with any two values; of the ``slices`` of 2 mm ``every``
    second, third, ... one."""
    table = np.array([0, *values], np.uint16)
    spacing = (2.0, 2.0, 2.0 * every)
    for number in range(first, first + count):
        image, labels = ball_arrays(number, shape=(slices, 24, 24), channel=channel)
        write_image(folder / f"case{number}_image.nii.gz", image[::every], spacing=spacing)
        write_image(folder / f"case{number}_labels.nii.gz", table[labels[::every]], spacing=spacing)
    return folder
