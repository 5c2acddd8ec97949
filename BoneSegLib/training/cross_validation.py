"""What a fold's model reaches on the cases that it did not see: segmented in full, as a user would."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.inference.engine import segment
from BoneSegLib.json_input import read_json
from BoneSegLib.options import SegmentOptions
from BoneSegLib.training.data.read_case import read_case
from BoneSegLib.training.folds import Split, split_of
from BoneSegLib.training.project import Project
from BoneSegLib.training.trained_folds import fold_weights, is_begun

_FOLDER = "validation"


def validate_fold(project: Project, split: Split, model: Path, *, device: str, precision: str) -> dict[str, float]:
    """Mean Dice of each label and over labels (``mean``); all numbers go to ``validation/fold_N.csv``."""
    options = SegmentOptions(model=model, folds=(split.fold,), device=device, precision=precision, force=True)
    comparisons = {}
    for pair in project.source.pairs:
        if pair.name in split.validation:
            case = read_case(pair, project.source)
            found = segment(case.image, options)
            comparisons[pair.name] = compare_labelmaps(case.labels(project.rules), found, options=CompareOptions())
    cohort = Cohort.of(comparisons)
    folder = project.folder / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    cohort.to_csv(folder / f"fold_{split.fold}.csv")
    dice = {one.structure: one.mean for one in cohort.distributions("dice") if one.n}
    dice["mean"] = math.fsum(dice.values()) / len(dice) if dice else math.nan
    figures = {"judged": _judged(project, split.fold), "dice": dice}
    write_atomically(folder / f"fold_{split.fold}.json", json.dumps(figures, indent=2) + "\n")
    return dice


def read_dice(project: Project) -> dict[str, dict[str, float]]:
    """Fold -> label -> mean Dice, of all folds that were validated so far and have not changed since."""
    found = {}
    for path in sorted((project.folder / _FOLDER).glob("fold_*.json")):
        fold, figures = path.stem.removeprefix("fold_"), read_json(path)
        if is_begun(project, fold) and figures.get("judged") == _judged(project, fold):
            found[fold] = {name: round(value, 4) for name, value in figures["dice"].items()}
    return found


def judged_cases(project: Project, folds: Sequence[str]) -> Cohort:
    """The held-out cases of these folds, compared."""
    tables = (project.folder / _FOLDER / f"fold_{fold}.csv" for fold in folds)
    return Cohort.read(path for path in tables if path.exists())


def _judged(project: Project, fold: str) -> str:
    """Tells whether weights and held-out cases of a fold are still those that were judged."""
    found = hashlib.sha256()
    for plan in project.plans:
        for _, weights in sorted(fold_weights(project, plan, fold).items()):
            found.update(weights.numpy().tobytes())
    for case in split_of(project.cases, fold).validation:
        found.update(project.hashes.get(case, "").encode())
    return found.hexdigest()
