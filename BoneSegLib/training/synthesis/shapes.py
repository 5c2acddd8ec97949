"""Bones of other people, as they lie in folders: pelves, upper femurs, lumbar vertebrae."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.training.synthesis.femur_shape import FemurModel, load_femur_models
from BoneSegLib.training.synthesis.lumbar_shape import LumbarSpine, load_lumbar_spine
from BoneSegLib.training.synthesis.shape_model import ShapeModel, load_shape_model


@dataclass(frozen=True)
class Shapes:
    """What maps may be given the shapes of."""

    pelves: tuple[ShapeModel, ...] = ()
    femurs: tuple[FemurModel, ...] = ()
    spines: tuple[LumbarSpine, ...] = ()


def load_shapes(folders: Sequence[Path]) -> Shapes:
    """All that is in ``folders``: see `load_shape_model`, `load_femur_models` and `load_lumbar_spine`.

    Raises `InputError` for a folder without lumbar vertebrae that has too few pelves.
    """
    spines = {folder: load_lumbar_spine(folder) for folder in folders}
    return Shapes(
        pelves=tuple(load_shape_model(folder) for folder, spine in spines.items() if spine is None),
        femurs=tuple(model for folder in folders for model in load_femur_models(folder)),
        spines=tuple(spine for spine in spines.values() if spine is not None),
    )
