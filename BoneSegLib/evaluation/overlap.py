"""What two label maps have in common, counted in one pass over the voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Overlap:
    """Counts and boxes for the labels that are compared.

    ``counts`` (n + 1, n + 1): voxels by number of the label in the reference (row) and the test (column), 0 = none of
    the labels. ``boxes``: for each label the kji box around it in both maps together, ``None`` where it is in neither.
    """

    labels: tuple[int, ...]
    counts: np.ndarray
    boxes: tuple[Box | None, ...]

    def of(self, label: int) -> Counts:
        number = self.labels.index(label) + 1
        return Counts(
            reference=int(self.counts[number].sum()),
            test=int(self.counts[:, number].sum()),
            both=int(self.counts[number, number]),
        )


@dataclass(frozen=True)
class Counts:
    """Voxels of one structure in the reference, in the test and in both."""

    reference: int
    test: int
    both: int

    @property
    def dice(self) -> float:
        return _ratio(2 * self.both, self.reference + self.test)

    @property
    def jaccard(self) -> float:
        return _ratio(self.both, self.reference + self.test - self.both)

    @property
    def precision(self) -> float:
        return _ratio(self.both, self.test)

    @property
    def recall(self) -> float:
        return _ratio(self.both, self.reference)

    @property
    def volume_difference_percent(self) -> float:
        return _ratio(100 * (self.test - self.reference), self.reference)


def count_overlap(reference: np.ndarray, test: np.ndarray, labels: Sequence[int]) -> Overlap:
    """Count the voxels of each pair of ``labels`` (each more than 0) in two integer arrays (kji) of one shape.

    Slice by slice: the memory is that of a slice.
    """
    n = len(labels)
    counts = np.zeros((n + 1) * (n + 1), dtype=np.int64)
    corners = np.empty((n, 2, 3), dtype=np.int64)
    corners[:, 0], corners[:, 1] = np.iinfo(np.int64).max, -1
    number_of_reference, number_of_test = _numbering(reference, labels), _numbering(test, labels)
    for k, (row, other) in enumerate(zip(reference, test, strict=True)):
        place = _box_of_nonzero(row, other)
        if place is None:
            counts[0] += row.size
            continue
        a, b = number_of_reference(row[place]), number_of_test(other[place])
        here = np.bincount((a.astype(np.intp) * (n + 1) + b).ravel(), minlength=counts.size)
        counts += here
        counts[0] += row.size - a.size
        table = here.reshape(n + 1, n + 1)
        for number in np.flatnonzero(table.sum(axis=0) + table.sum(axis=1)):
            if number:
                found = (a == number) | (b == number)
                _grow(corners[number - 1], k, found, (place[0].start, place[1].start))
    boxes = tuple(
        None if last[0] < 0 else (_span(first[0], last[0]), _span(first[1], last[1]), _span(first[2], last[2]))
        for first, last in corners
    )
    return Overlap(tuple(labels), counts.reshape(n + 1, n + 1), boxes)


def _numbering(array: np.ndarray, labels: Sequence[int]):
    """A function from values to uint16 1..n, the place in ``labels``, or 0."""
    if array.dtype == np.uint8:
        table = np.zeros(256, dtype=np.uint16)
        for number, label in enumerate(labels, start=1):
            if label < 256:
                table[label] = number
        return lambda values: table[values]

    def by_search(values: np.ndarray) -> np.ndarray:
        numbers = np.zeros(values.shape, dtype=np.uint16)
        for number, label in enumerate(labels, start=1):
            numbers[values == label] = number
        return numbers

    return by_search


def _box_of_nonzero(a: np.ndarray, b: np.ndarray) -> tuple[slice, slice] | None:
    """The box (j, i) around all that is not 0 in two slices."""
    rows = np.flatnonzero(a.any(axis=1) | b.any(axis=1))
    if not len(rows):
        return None
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(a[span].any(axis=0) | b[span].any(axis=0))
    return span, slice(int(columns[0]), int(columns[-1]) + 1)


def _grow(corners: np.ndarray, k: int, found: np.ndarray, start: tuple[int, int]) -> None:
    """Widen a label's box (2, kji: first and last voxel) by what was ``found`` (ji) in slice ``k``."""
    rows = np.flatnonzero(found.any(axis=1))
    columns = np.flatnonzero(found.any(axis=0))
    first = (k, rows[0] + start[0], columns[0] + start[1])
    last = (k, rows[-1] + start[0], columns[-1] + start[1])
    np.minimum(corners[0], first, out=corners[0])
    np.maximum(corners[1], last, out=corners[1])


def _span(first: np.integer, last: np.integer) -> slice:
    return slice(int(first), int(last) + 1)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
