"""Real bone in its own map: HU that were measured where a label map's bones lie, in place of made-up ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from BoneSegLib.errors import InputError
from BoneSegLib.training.synthesis.anatomy_map import AnatomyMap

_CENSORED_BELOW_HU = 200
_REACH_MM = 4.5


def load_bone_hu(folder: Path, anatomy: AnatomyMap) -> NDArray[np.int16] | None:
    """HU of the bones of a map from ``NAME_hu_ge200.nrrd`` in ``folder``; None where there is none for this map.

    The file holds HU from 200 on and 0 elsewhere. Raises `InputError` where its grid is not the map's.
    """
    path = folder / f"{anatomy.name}_hu_ge{_CENSORED_BELOW_HU}.nrrd"
    if not path.exists():
        return None
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    measured = sitk.GetArrayFromImage(image)
    if measured.shape != anatomy.labels.shape:
        raise InputError(
            f"'{path.name}' has {measured.shape} voxels (kji), the label map {anatomy.labels.shape}.",
            remedy="Bone HU must lie on the grid of the label map of the same name.",
        )
    return complete(measured.astype(np.int16), anatomy)


def complete(measured: NDArray[np.int16], anatomy: AnatomyMap) -> NDArray[np.int16]:
    """Fills what was censored: spongy bone below 200 HU within, and around the bones the HU of the nearest rim.

    What is around is needed because a surface that is drawn a little wider must find bone there.
    """
    rng = np.random.default_rng(0)
    known = measured >= _CENSORED_BELOW_HU
    inside = anatomy.targets > 0
    shape = measured.shape
    grain = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.8) * 3.2
    filled = np.where(known, measured, np.clip(110 + 45 * grain, -50, 195)).astype(np.int16)
    around = ~inside & (anatomy.depth > -_REACH_MM)
    nearest = ndimage.distance_transform_edt(~(inside & known), return_distances=False, return_indices=True)
    filled[around] = measured[tuple(axis[around] for axis in nearest)]
    return filled
