"""An image as the engine knows it: an array and where it lies in the patient.

Arrays are in kji order (slice, row, column), as numpy and Slicer's ``arrayFromVolume`` have them. Geometry is told for
ijk index order in RAS millimetres, as Slicer does; any affine is allowed (oblique, left-handed, sheared).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from BoneSegLib.anatomy import STRUCTURES, Structure
from BoneSegLib.errors import InputError


@dataclass(frozen=True, eq=False)
class Geometry:
    """A voxel grid in space.

    ``size`` is (ni, nj, nk). ``ijk_to_ras`` is the 4x4 matrix from voxel indices (centres of voxels) to RAS mm.
    """

    size: tuple[int, int, int]
    ijk_to_ras: np.ndarray

    def __post_init__(self) -> None:
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise InputError("The image's geometry is unusable.", cause="Its matrix is not 4x4 with finite numbers.")
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_ras", matrix)
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))

    @classmethod
    def from_spacing(
        cls,
        size: tuple[int, int, int],
        spacing: tuple[float, float, float],
        *,
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
        directions: np.ndarray | None = None,
    ) -> Geometry:
        """From spacing (mm along i, j, k), RAS origin of voxel (0, 0, 0) and a 3x3 matrix with the axes as columns."""
        axes = np.eye(3) if directions is None else np.asarray(directions, dtype=float)
        matrix = np.eye(4)
        matrix[:3, :3] = axes * np.asarray(spacing, dtype=float)
        matrix[:3, 3] = origin
        return cls(size, matrix)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The array shape, kji."""
        ni, nj, nk = self.size
        return (nk, nj, ni)

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between voxel centres along i, j, k."""
        lengths = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return (float(lengths[0]), float(lengths[1]), float(lengths[2]))

    @property
    def origin(self) -> tuple[float, float, float]:
        """RAS position of the centre of voxel (0, 0, 0)."""
        x, y, z = self.ijk_to_ras[:3, 3]
        return (float(x), float(y), float(z))

    @property
    def directions(self) -> np.ndarray:
        """Columns are the unit vectors of the i, j, k axes in RAS."""
        return self.ijk_to_ras[:3, :3] / np.asarray(self.spacing)

    @property
    def voxel_volume(self) -> float:
        """mm3 of one voxel (the determinant, so right for sheared grids too)."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))

    @property
    def is_left_handed(self) -> bool:
        return bool(np.linalg.det(self.ijk_to_ras[:3, :3]) < 0)

    @property
    def shear_degrees(self) -> float:
        """The largest departure of two axes from a right angle (gantry tilt shows up here)."""
        axes = self.directions
        cosines = np.abs(axes.T @ axes - np.eye(3)).max()
        return float(np.degrees(np.arcsin(min(1.0, cosines))))

    @property
    def tilt_degrees(self) -> float:
        """The largest angle between a voxel axis and the patient axis next to it; 0 for an axis-aligned volume."""
        axes = np.abs(self.directions)
        columns = nearest_axes(self)
        cosines = [axes[row, column] for column, row in enumerate(columns)]
        return float(np.degrees(np.arccos(np.clip(min(cosines), -1.0, 1.0))))

    def matches(self, other: Geometry, *, tolerance_mm: float = 1e-3) -> bool:
        """Whether two grids have the same size and their corners lie within ``tolerance_mm`` of each other."""
        if self.size != other.size:
            return False
        return bool(np.abs(self.corners() - other.corners()).max() <= tolerance_mm)

    def corners(self) -> np.ndarray:
        """(8, 3) RAS positions of the outermost voxel centres."""
        last = np.asarray(self.size) - 1
        ijk = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])], dtype=float)
        return ijk @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]


def nearest_axes(geometry: Geometry) -> tuple[int, int, int]:
    """For each voxel axis i, j, k the patient axis (0 R, 1 A, 2 S) it runs along most nearly; each is used once."""
    best: tuple[float, tuple[int, int, int]] = (-1.0, (0, 1, 2))
    axes = np.abs(geometry.directions)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        total = float(sum(axes[row, column] for column, row in enumerate(order)))
        if total > best[0] + 1e-9:
            best = (total, order)
    return best[1]


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar image: ``array`` (kji; HU for CT) on ``geometry``. ``name`` is for messages, never for file names."""

    array: np.ndarray
    geometry: Geometry
    name: str = ""

    def __post_init__(self) -> None:
        _require_shape(self.array, self.geometry)


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Labels (uint8 kji, 0 = background) on ``geometry``; ``structures`` tells what each value means.

    ``info`` records how the labels came about: model, hash, options, device, versions, seconds per stage.
    """

    array: np.ndarray
    geometry: Geometry
    structures: tuple[Structure, ...] = STRUCTURES
    info: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_shape(self.array, self.geometry)


def count_labels(array: np.ndarray, *, largest: int = 255) -> np.ndarray:
    """The voxels of each value from 0 to ``largest``, which no label (kji, whole numbers) exceeds.

    Slice by slice, since bincount makes copies of eight bytes a voxel.
    """
    counts = np.zeros(largest + 1, dtype=np.int64)
    for plane in array:
        counts += np.bincount(plane.ravel(), minlength=largest + 1)
    return counts


def _require_shape(array: np.ndarray, geometry: Geometry) -> None:
    if tuple(array.shape) != geometry.shape:
        raise InputError(
            "The image and its geometry do not fit together.",
            cause=f"The array has shape {tuple(array.shape)} (kji), the geometry {geometry.shape}.",
        )
