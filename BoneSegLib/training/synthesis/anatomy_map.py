"""An anatomy map made ready for synthesis: labels, how deep each voxel lies in its bone, where the body ends.

Everything that needs a distance transform is computed here, once per map, and then warped along with the labels.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.errors import InputError
from BoneSegLib.headless.atomic import replacing
from BoneSegLib.training.synthesis.tissue import target_table

DEPTH_LIMIT_MM = 30.0
_DISC_REACH_MM = 8.0
_BODY_STEP = 2
_CUBIC_MM = 0.01
_GIVE_MAPS = "Give label maps with cubic voxels and the values of TotalSegmentator's task 'total'."


@dataclass(frozen=True)
class AnatomyMap:
    """Arrays in kji order of an LPS grid (k superior, j posterior, i left), cubic voxels of ``spacing`` mm.

    ``labels``: anatomy values (uint8). ``depth``: signed distance in mm to the surface of the bone the voxel is in or
    next to, positive inside, each bone on its own (two bones that touch have a surface between them). ``body``: signed
    distance in mm to the envelope of everything labelled, negative inside. ``gap``: 0/1, soft tissue within reach of
    two bones, hence discs and joints.
    """

    name: str
    spacing: float
    labels: NDArray[np.uint8]
    depth: NDArray[np.float16]
    body: NDArray[np.float16]
    gap: NDArray[np.uint8]

    @property
    def targets(self) -> NDArray[np.uint8]:
        """Training labels 0-11."""
        return target_table()[self.labels]


def load_anatomy_map(path: Path, *, cache: Path | None = None) -> AnatomyMap:
    """The map of a label file, from ``cache`` (a folder) if it was prepared before.

    Raises `InputError` for a file that is no such map.
    """

    def prepare() -> AnatomyMap:
        image = sitk.DICOMOrient(_read(path), "LPS")
        labels = sitk.GetArrayFromImage(image)
        _require_map(labels, image.GetSpacing(), path.name)
        return prepare_anatomy(name, labels.astype(np.uint8), image.GetSpacing()[0])

    name = path.name.split(".")[0]
    stat = path.stat()
    return cached(name, prepare, cache=cache, origin=f"{stat.st_size} {stat.st_mtime_ns}")


def _read(path: Path) -> sitk.Image:
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"'{path.name}' cannot be read.", remedy=_GIVE_MAPS) from error


def _require_map(labels: NDArray, spacing: Sequence[float], name: str) -> None:
    """Raises `InputError` for a CT, for labels that mean something else and for voxels that are no cubes."""
    low, high = labels.min(), labels.max()
    if low < 0 or high > 255 or (labels.dtype.kind == "f" and (labels % 1).any()):
        raise InputError(
            f"'{name}' is no label map.", cause=f"Its values go from {low:g} to {high:g}.", remedy=_GIVE_MAPS
        )
    if not target_table()[np.unique(labels).astype(np.uint8)].any():
        raise InputError(f"'{name}' holds no value of a bone.", remedy=_GIVE_MAPS)
    if max(spacing) - min(spacing) > _CUBIC_MM:
        told = " x ".join(f"{step:.3g}" for step in spacing)
        raise InputError(f"'{name}' has voxels of {told} mm, not cubes.", remedy=_GIVE_MAPS)


def cached(name: str, make: Callable[[], AnatomyMap], *, cache: Path | None, origin: str) -> AnatomyMap:
    """What ``make`` returns, from the folder ``cache`` if it was made before.

    ``origin`` tells what it is made of: of another origin, or half written, it is made again.
    """
    stored = cache / f"{name}.npz" if cache else None
    if stored and (found := _read_stored(stored, name, origin)):
        return found
    made = make()
    if stored:
        stored.parent.mkdir(parents=True, exist_ok=True)
        with replacing(stored) as temporary:
            np.savez_compressed(temporary, origin=origin, spacing=made.spacing, labels=made.labels, depth=made.depth,
                                body=made.body, gap=made.gap)  # fmt: skip
    return made


def _read_stored(stored: Path, name: str, origin: str) -> AnatomyMap | None:
    """What `cached` kept; None where that is nothing, of another origin, or broken."""
    try:
        with np.load(stored) as arrays:
            if str(arrays["origin"]) != origin:
                return None
            return AnatomyMap(name=name, spacing=float(arrays["spacing"]),
                              **{key: arrays[key] for key in ("labels", "depth", "body", "gap")})  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def prepare_anatomy(
    name: str, labels: NDArray[np.uint8], spacing: float, *, envelope: NDArray[np.bool_] | None = None
) -> AnatomyMap:
    """Computes the distances of an anatomy map; seconds to a minute, once per map.

    ``envelope``: voxels that lie inside the body although nothing is labelled there.
    """
    # S1 belongs to the sacrum: no surface may appear between the two.
    bones = np.where(labels == 26, np.uint8(25), labels)
    bones[target_table()[labels] == 0] = 0
    return AnatomyMap(
        name=name,
        spacing=spacing,
        labels=labels,
        depth=_depth(bones, spacing).astype(np.float16),
        body=_body_distance(labels > 0 if envelope is None else (labels > 0) | envelope, spacing).astype(np.float16),
        gap=_gaps(bones, spacing),
    )


def _depth(bones: NDArray[np.uint8], spacing: float) -> NDArray[np.float32]:
    edge = np.zeros(bones.shape, bool)
    for axis in range(3):
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        differs = bones[tuple(ahead)] != bones[tuple(behind)]
        edge[tuple(ahead)] |= differs
        edge[tuple(behind)] |= differs
    inside = bones > 0
    half = spacing / 2
    depth = ndimage.distance_transform_edt(~(edge & inside), sampling=spacing).astype(np.float32) + half
    outside = ndimage.distance_transform_edt(~inside, sampling=spacing).astype(np.float32) - half
    return np.where(inside, np.minimum(depth, DEPTH_LIMIT_MM), -np.minimum(outside, DEPTH_LIMIT_MM))


def _body_distance(labelled: NDArray[np.bool_], spacing: float) -> NDArray[np.float32]:
    """Signed distance to the closed envelope, computed at half resolution: skin needs no more."""
    coarse = labelled[::_BODY_STEP, ::_BODY_STEP, ::_BODY_STEP]
    pad = 18
    padded = np.pad(coarse, pad)
    cross = ndimage.generate_binary_structure(2, 1)
    for level in padded:
        if level.any():
            level[:] = ndimage.binary_fill_holes(ndimage.binary_closing(level, cross, iterations=14))
    closed = ndimage.binary_closing(padded, iterations=4)[pad:-pad, pad:-pad, pad:-pad] | coarse
    step = spacing * _BODY_STEP
    outside = ndimage.distance_transform_edt(~closed, sampling=step)
    inside = ndimage.distance_transform_edt(closed, sampling=step)
    distance = torch.from_numpy((outside - inside).astype(np.float32))[None, None]
    return torch.nn.functional.interpolate(distance, size=labelled.shape, mode="trilinear")[0, 0].numpy()


def _gaps(bones: NDArray[np.uint8], spacing: float) -> NDArray[np.uint8]:
    reached = np.zeros(bones.shape, np.uint8)
    margin = int(np.ceil(_DISC_REACH_MM / spacing)) + 1
    for value, box in enumerate(ndimage.find_objects(bones), start=1):
        if box is None or 92 <= value <= 116:  # ribs touch everything
            continue
        near = tuple(slice(max(0, s.start - margin), s.stop + margin) for s in box)
        distance = ndimage.distance_transform_edt(bones[near] != value, sampling=spacing)
        reached[near] += distance < (_DISC_REACH_MM if value <= 50 else _DISC_REACH_MM / 2)
    return ((reached >= 2) & (bones == 0)).astype(np.uint8)
