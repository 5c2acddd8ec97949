"""Which cases a person should look at first, and why."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass

from BoneSegLib.batch.cohort import Bone, Cohort, outlying
from BoneSegLib.flags import kinds

ASYMMETRY = 0.2
LOW_DICE = 0.8
_USUAL = 0.5
_WEIGHTS = {kinds.SIDE: 3, kinds.ORDER: 3, kinds.HEAD: 3, kinds.APART: 2, kinds.LARGE: 2, kinds.SMALL: 2}
_OTHER_FLAG = 1
RULES = (
    "A bone counts when its side, its order or its level is doubtful, a hip bone holds the femoral head, the networks "
    "were not sure of it, its size is implausible or far from the cohort's (more than 3.5 robust standard deviations), "
    f"left and right differ by more than {ASYMMETRY:.0%}, it is in pieces, it was not found though half of the cases "
    f"have it, or its Dice is below {LOW_DICE:g} or far from the others. Bones that are cut are not judged by their "
    "size."
)


@dataclass(frozen=True)
class Concern:
    """A case, how much speaks for looking at it, and the reasons, the weightiest first."""

    case: str
    weight: int
    reasons: tuple[str, ...]


def concerns_of(cohort: Cohort) -> list[Concern]:
    """The cases with any reason for concern, the weightiest first."""
    reasons: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for structure in cohort.structures:
        name, bones = str(structure["name"]), cohort.of_structure(structure["id"])
        for bone, weight, reason in [*_flagged(bones), *_of_other_size(bones), *_of_low_dice(bones)]:
            reasons[bone.case].append((weight, f"{name}: {reason}"))
    for case, bones in cohort.by_case().items():
        reasons[case] += _asymmetric(cohort, bones)
    found = []
    for case, told in reasons.items():
        if told:
            told.sort(key=lambda each: -each[0])
            found.append(Concern(case, sum(weight for weight, _ in told), tuple(reason for _, reason in told)))
    return sorted(found, key=lambda concern: -concern.weight)


def _flagged(bones: list[Bone]) -> list[tuple[Bone, int, str]]:
    is_usual = sum(bone.volume_ml > 0 for bone in bones) >= _USUAL * len(bones)
    found = []
    for bone in bones:
        for flag in bone.flags:
            if flag == kinds.NOT_FOUND:
                if is_usual:
                    found.append((bone, 2, "not found"))
            elif flag not in kinds.PARTS:
                found.append((bone, _WEIGHTS.get(flag, _OTHER_FLAG), flag))
    return found


def _of_other_size(bones: list[Bone]) -> list[tuple[Bone, int, str]]:
    whole = [bone for bone in bones if bone.is_whole]
    volumes = [bone.volume_ml for bone in whole]
    middle = statistics.median(volumes) if volumes else 0.0
    return [
        (bone, 2, f"{bone.volume_ml:.0f} ml, where the cohort's median is {middle:.0f} ml")
        for bone, is_far in zip(whole, outlying(volumes), strict=True)
        if is_far
    ]


def _of_low_dice(bones: list[Bone]) -> list[tuple[Bone, int, str]]:
    compared = [(bone, bone.dice) for bone in bones if bone.dice is not None]
    values = [dice for _, dice in compared]
    middle = statistics.median(values) if values else 1.0
    return [
        (bone, 3, f"Dice {dice:.2f}")
        for (bone, dice), is_far in zip(compared, outlying(values), strict=True)
        if dice < LOW_DICE or (is_far and dice < middle)
    ]


def _asymmetric(cohort: Cohort, bones: list[Bone]) -> list[tuple[int, str]]:
    """Pairs of whole bones of one case whose volumes differ more than those of one person do."""
    whole = {bone.id: bone.volume_ml for bone in bones if bone.is_whole}
    found = []
    for structure, left in whole.items():
        stem = structure.removesuffix("left")
        right = whole.get(stem + "right")
        if stem != structure and right is not None and abs(left - right) > ASYMMETRY * (left + right) / 2:
            larger, smaller = (structure, stem + "right") if left > right else (stem + "right", structure)
            share = abs(left - right) / min(left, right)
            found.append((2, f"{cohort.name(larger)}: {share:.0%} larger than {cohort.name(smaller).lower()}"))
    return found
