"""Images spoilt on purpose, with their reference: noise, thick slices, a smaller field of view, rotation, a mirror."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.inference.frame import resample_between, straight_geometry
from BoneSegLib.sides import mirrored_name
from BoneSegLib.training.assessment.references import Judged
from BoneSegLib.volume import Geometry, LabelMap, Volume, nearest_axes


@dataclass(frozen=True)
class Distortion:
    """``apply(case, level)``; ``levels`` are the usual ones, the first of them leaving the case as it is."""

    title: str
    levels: tuple[float, ...]
    apply: Callable[[Judged, float], Judged]


def add_noise(case: Judged, sigma: float) -> Judged:
    """Gaussian noise of ``sigma`` HU (of the image's own units, if it is no CT); the same on every call."""
    noise = np.random.default_rng(0).normal(0, 1, case.image.array.shape).astype(np.float32) * np.float32(sigma)
    array = case.image.array + noise
    array = np.rint(array) if case.image.array.dtype.kind in "iu" else array
    return replace(case, image=replace(case.image, array=array))


def thicken(case: Judged, slice_mm: float) -> Judged:
    """Slices ``slice_mm`` thick, each the mean of what lies in it, across the axis that runs to the head.

    The case as it is, if its own are as thick. The reference is read from the slice that lies nearest to the middle of
    each new one.
    """
    axis = _axis_along(case.image.geometry, 2)
    ratio = slice_mm / case.image.geometry.spacing[2 - axis]
    thin = np.moveaxis(case.image.array, axis, 0)
    count = int(len(thin) / ratio + 1e-6) if ratio > 1 else 0
    if count < 2:
        return case
    array = _means_between(thin, np.arange(count + 1) * ratio)
    drawn = np.moveaxis(case.reference.array, axis, 0)[((np.arange(count) + 0.5) * ratio).astype(int)]
    matrix = case.image.geometry.ijk_to_ras.copy()
    along = matrix[:3, 2 - axis].copy()
    matrix[:3, 3] += along * (ratio - 1) / 2
    matrix[:3, 2 - axis] = along * ratio
    array = np.rint(array) if thin.dtype.kind in "iu" else array
    image = np.ascontiguousarray(np.moveaxis(array.astype(thin.dtype), 0, axis))
    return _on(case, image, np.ascontiguousarray(np.moveaxis(drawn, 0, axis)), matrix)


def _means_between(slices: NDArray, borders: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean of ``slices`` (k first) from each of the rising ``borders`` to the next; slice k lies at k to k + 1."""
    sums = np.concatenate([np.zeros_like(slices[:1], np.float64), np.cumsum(slices, axis=0, dtype=np.float64)])
    whole = np.minimum(borders.astype(int), len(slices) - 1)
    part = (borders - whole)[:, None, None]
    up_to = sums[whole] + part * slices[whole]
    return np.diff(up_to, axis=0) / np.diff(borders)[:, None, None]


def cut_field(case: Judged, share: float) -> Judged:
    """Without ``share`` of the field of view: half of it gone at the feet, half at the head."""
    axis = _axis_along(case.image.geometry, 2)
    size = case.image.array.shape[axis]
    first = min(int(size * share / 2), (size - 2) // 2)
    window: list[slice] = [slice(None)] * 3
    window[axis] = slice(first, size - first)
    matrix = case.image.geometry.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, 2 - axis] * first
    return _on(case, case.image.array[tuple(window)], case.reference.array[tuple(window)], matrix)


def turn(case: Judged, degrees: float) -> Judged:
    """The patient turned about the long axis of the table, in an image that stays straight."""
    if not degrees:
        return case
    angle = np.radians(degrees)
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    middle = np.eye(4)
    middle[:3, 3] = case.image.geometry.corners().mean(axis=0)
    moved = middle @ rotation @ np.linalg.inv(middle) @ case.image.geometry.ijk_to_ras
    turned = Geometry(case.image.geometry.size, moved)
    box = straight_geometry(turned)
    outside = float(case.image.array.min())
    image = resample_between(case.image.array, turned, box, linear=True, fill=outside)
    drawn = resample_between(case.reference.array, turned, box, linear=False, fill=0)
    return _on(case, image, drawn, box.ijk_to_ras)


def mirror(case: Judged, level: float) -> Judged:
    """At level 1 left and right swapped, in the image and in the names: left must stay left."""
    if not level:
        return case
    axis = _axis_along(case.image.geometry, 0)
    labels = {structure.id.casefold(): structure.label for structure in case.reference.structures}
    table = np.arange(256, dtype=np.uint8)
    for structure in case.reference.structures:
        table[structure.label] = labels.get(mirrored_name(structure.id) or "", structure.label)
    image, drawn = (np.ascontiguousarray(np.flip(array, axis)) for array in (case.image.array, case.reference.array))
    return _on(case, image, table[drawn], case.image.geometry.ijk_to_ras)


DISTORTIONS: Mapping[str, Distortion] = {
    "noise": Distortion("Noise added, HU", (0, 25, 50, 100, 200), add_noise),
    "slices": Distortion("Slice thickness, mm", (0, 2, 3, 5, 8), thicken),
    "field": Distortion("Field of view cut away, share", (0, 0.2, 0.4, 0.6), cut_field),
    "rotation": Distortion("Rotation, degrees", (0, 5, 10, 20, 30), turn),
    "mirror": Distortion("Mirrored (1) or not (0)", (0, 1), mirror),
}


def _axis_along(geometry: Geometry, patient_axis: int) -> int:
    """The array axis (kji) that runs along R (0), A (1) or S (2)."""
    return 2 - nearest_axes(geometry).index(patient_axis)


def _on(case: Judged, image: np.ndarray, drawn: np.ndarray, matrix: np.ndarray) -> Judged:
    nk, nj, ni = image.shape
    grid = Geometry((ni, nj, nk), matrix)
    return Judged(
        case.name,
        Volume(image, grid, case.image.name),
        LabelMap(drawn, grid, case.reference.structures),
    )
