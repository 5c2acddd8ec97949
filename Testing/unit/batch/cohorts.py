"""A cohort of records with known numbers, as a batch of adults would leave it."""

from __future__ import annotations

import numpy as np

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.batch.record import DONE, Record
from BoneSegLib.evaluation.result import Score, mean_of
from BoneSegLib.flags.kinds import CUT


def a_record(case: str, volumes: dict[str, float], *, dice: dict[str, float] | None = None, **flags: str) -> Record:
    """A case with these volumes (ml; the other bones are absent), remarks by structure id, and maybe a comparison."""
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "voxels": round(volumes.get(one.id, 0) * 100),
            "volume_cm3": volumes.get(one.id, 0),
            "hu_mean": 350.0 if one.id in volumes else None,
        }
        for one in STRUCTURES
    ]
    told = {one.id: ["not found"] for one in STRUCTURES if one.id not in volumes}
    told.update({structure: [flag] for structure, flag in flags.items()})
    return Record(
        case=case,
        status=DONE,
        image=f"{case}.nii.gz",
        output=f"{case}.seg.nrrd",
        seconds_total=21.5,
        structures=[{"id": one.id, "name": one.name, "color": list(one.color)} for one in STRUCTURES],
        statistics=rows,
        flags=told,
        comparison=None if dice is None else _comparison(volumes, dice),
        info={"model": "boneseg-bones-1", "quality": "full", "device": "cpu", "precision": "fp32", "date": "today"},
    )


def _comparison(volumes: dict[str, float], dice: dict[str, float]) -> dict[str, object]:
    scores = tuple(
        Score(structure=each, dice=value, volume_reference_ml=volumes[each] * 1.02, volume_test_ml=volumes[each])
        for each, value in dice.items()
    )
    rows = [
        {"structure": one.structure, "dice": one.dice, "volume_reference_ml": one.volume_reference_ml} for one in scores
    ]
    return {"structures": rows, "mean": {"dice": mean_of(scores).dice}}


def adults(count: int, *, seed: int = 0, with_dice: bool = False) -> list[Record]:
    """Persons of different size, left and right nearly alike, femurs cut by the field of view."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        size = rng.normal(1.0, 0.08)
        volumes = {
            one.id: float(np.mean(one.volume_ml) * 0.8 * size * rng.normal(1.0, 0.015))
            for one in STRUCTURES
            if one.volume_ml
        }
        dice = {each: float(rng.normal(0.95, 0.01)) for each in volumes} if with_dice else None
        records.append(a_record(f"p{number:03d}", volumes, dice=dice, femur_left=CUT, femur_right=CUT))
    return records
