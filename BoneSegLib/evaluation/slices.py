"""The slices in which two segmentations differ most, turned as a radiologist looks at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.evaluation.result import Comparison
from BoneSegLib.volume import Geometry, LabelMap, Volume, nearest_axes

MARGIN_MM = 12.0
WINDOW = (-250.0, 1000.0)
"""HU from black to white: soft tissue is still told from air, dense bone not yet all white."""

_PLANES = ("sagittal", "coronal", "axial")
_SIDES = (("R", "L"), ("A", "P"), ("S", "I"))
"""What is told at the lower and the higher end of a picture's axis, for the patient axes R, A, S."""


@dataclass(frozen=True, eq=False)
class SliceView:
    """One slice through one structure, cropped around it.

    ``reference``, ``test``: masks (rows, columns); ``others``: all other structures of the reference; ``image``: grey
    values (uint8) or ``None``. ``pixel_mm``: width and height of a pixel. ``sides``: patient directions at the left,
    right, top and bottom. ``area_mm2``: where the two differ, in this slice.
    """

    structure: str
    plane: str
    number: int
    reference: np.ndarray
    test: np.ndarray
    others: np.ndarray
    image: np.ndarray | None
    pixel_mm: tuple[float, float]
    sides: tuple[str, str, str, str]
    area_mm2: float


def worst_slices(
    comparison: Comparison, reference: LabelMap, test: LabelMap, *, image: Volume | None = None, count: int = 6
) -> list[SliceView]:
    """For the ``count`` structures of lowest Dice that are not equal, the slice with the largest differing area.

    ``test`` lies on the reference's grid; ``image`` may lie on any.
    """
    labels = {structure.id: structure.label for structure in comparison.structures}
    scores = sorted((score for score in comparison.scores if score.dice < 1), key=lambda score: score.dice)
    return [_worst_slice(score.structure, labels[score.structure], reference, test, image) for score in scores[:count]]


def _worst_slice(structure: str, label: int, reference: LabelMap, test: LabelMap, image: Volume | None) -> SliceView:
    geometry = reference.geometry
    box = _box(reference.array, test.array, label, geometry)
    ours, theirs = reference.array[box] == label, test.array[box] == label
    differs = ours != theirs
    axis, place, area = _largest_difference(differs, geometry)
    rows, columns = (other for other in range(3) if other != axis)
    turn = _Turn.of(geometry, rows, columns)
    cut: tuple[slice | int, ...] = (*[slice(None)] * axis, place)
    everything = reference.array[box][cut]
    number = box[axis].start + place
    return SliceView(
        structure=structure,
        plane=_PLANES[nearest_axes(geometry)[2 - axis]],
        number=number,
        reference=turn(ours[cut]),
        test=turn(theirs[cut]),
        others=turn((everything != 0) & (everything != label)),
        image=None if image is None else turn(_gray(image, geometry, box, axis, number)),
        pixel_mm=turn.pixel_mm,
        sides=turn.sides,
        area_mm2=area,
    )


def _box(reference: np.ndarray, test: np.ndarray, label: int, geometry: Geometry) -> tuple[slice, slice, slice]:
    """The kji box around a structure in either map, with a margin."""
    found = (reference == label) | (test == label)
    spans = []
    for axis in range(3):
        along = np.flatnonzero(found.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(MARGIN_MM / geometry.spacing[2 - axis]))
        spans.append(slice(max(0, int(along[0]) - margin), min(found.shape[axis], int(along[-1]) + 1 + margin)))
    return spans[0], spans[1], spans[2]


def _largest_difference(differs: np.ndarray, geometry: Geometry) -> tuple[int, int, float]:
    """(array axis, index, mm2) of the slice with the largest differing area, over all three axes."""
    best = (0, 0, -1.0)
    spacing = geometry.spacing[::-1]
    for axis in range(3):
        rows, columns = (other for other in range(3) if other != axis)
        areas = np.count_nonzero(differs, axis=(rows, columns)) * spacing[rows] * spacing[columns]
        if areas.max() > best[2]:
            best = (axis, int(areas.argmax()), float(areas.max()))
    return best


@dataclass(frozen=True)
class _Turn:
    """How a slice array must be transposed and flipped to be shown the usual way."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool
    pixel_mm: tuple[float, float]
    sides: tuple[str, str, str, str]

    @classmethod
    def of(cls, geometry: Geometry, rows: int, columns: int) -> _Turn:
        """For a slice whose rows and columns run along these array axes.

        Up is superior, or anterior in an axial slice; left is the patient's right, or anterior in a sagittal slice.
        """
        patient = nearest_axes(geometry)
        of_rows, of_columns = patient[2 - rows], patient[2 - columns]
        transpose = of_rows < of_columns  # the later of R, A, S is the vertical one
        if transpose:
            rows, columns, of_rows, of_columns = columns, rows, of_columns, of_rows
        directions = geometry.directions
        # Rows go down, so their axis must point away from A or S; columns must point away from R or A.
        flip_rows = bool(directions[of_rows, 2 - rows] > 0)
        flip_columns = bool(directions[of_columns, 2 - columns] > 0)
        return cls(
            transpose,
            flip_rows,
            flip_columns,
            (geometry.spacing[2 - columns], geometry.spacing[2 - rows]),
            (*_SIDES[of_columns], *_SIDES[of_rows]),
        )

    def __call__(self, array: np.ndarray) -> np.ndarray:
        turned = array.T if self.transpose else array
        turned = turned[::-1] if self.flip_rows else turned
        return np.ascontiguousarray(turned[:, ::-1] if self.flip_columns else turned)


def _gray(image: Volume, geometry: Geometry, box: tuple[slice, slice, slice], axis: int, number: int) -> np.ndarray:
    """The image at the voxel centres of a slice of another grid (nearest voxel), as grey values; air outside."""
    spans = [np.arange(span.start, span.stop) for span in box]
    spans[axis] = np.array([number])
    k, j, i = np.meshgrid(*spans, indexing="ij")
    to_image = np.linalg.inv(image.geometry.ijk_to_ras) @ geometry.ijk_to_ras
    places = [np.floor(row[0] * i + row[1] * j + row[2] * k + row[3] + 0.5).astype(int) for row in to_image[:3]]
    valid = np.ones(i.shape, dtype=bool)
    for place, n in zip(places, image.geometry.size, strict=True):
        valid &= (place >= 0) & (place < n)
    values = np.full(i.shape, WINDOW[0])
    values[valid] = image.array[tuple(places[n][valid] for n in (2, 1, 0))]
    shade = (values - WINDOW[0]) / (WINDOW[1] - WINDOW[0])
    return (np.clip(shade, 0, 1) * 255).astype(np.uint8).squeeze(axis=axis)
