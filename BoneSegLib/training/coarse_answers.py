"""What the first network of a cascade says of cases that it was trained without: the second one's input in training.

As in nnU-Net's cascade, each fold of the first network answers for the cases that it kept; over five folds that is
every case. Its answers come from the engine, as the second network will get them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from BoneSegLib.inference.engine import segment
from BoneSegLib.options import SegmentOptions
from BoneSegLib.training.data.harmonise import StraightCase, harmonise
from BoneSegLib.training.data.read_case import read_case
from BoneSegLib.training.export import TrainedStage
from BoneSegLib.training.folds import Split
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.prepared import answer_path, open_answer, prepare_answer, prepared_path
from BoneSegLib.training.project import Project
from BoneSegLib.training.train_fold import CHECKPOINT
from BoneSegLib.training.trained_folds import fold_weights
from BoneSegLib.training.write_model import export_stages
from BoneSegLib.volume import LabelMap

logger = logging.getLogger(__name__)

_MODEL = "model"


def answer_held_out(project: Project, coarse: NetworkPlan, split: Split, *, device: str, precision: str) -> None:
    """Writes the labels that ``coarse``, trained on a fold, finds in the cases that the fold kept, beside those cases
    as the next network sees them. Answers that are younger than the training are left."""
    (fine,) = (plan for plan in project.plans if plan.previous == coarse.name)
    fold_folder = project.fold_folder(coarse, split.fold)
    trained = (fold_folder / CHECKPOINT).stat().st_mtime_ns
    missing = [
        pair
        for pair in project.source.pairs
        if pair.name in split.validation and _answered(project.prepared(fine), pair.name) < trained
    ]
    if not missing:
        return
    stage = TrainedStage(replace(coarse, following=None), {split.fold: fold_weights(project, coarse, split.fold)})
    model = export_stages(project, [stage], fold_folder / _MODEL, name=coarse.name)
    options = SegmentOptions(
        model=model, device=device, precision=precision, drop_islands=False, fill_holes=False, force=True
    )
    for pair in missing:
        image = read_case(pair, project.source).image
        found = _in_own_values(segment(image, options), project.rules.names)
        straight = harmonise(image, found, is_ct=project.is_ct)
        answer = StraightCase(pair.name, straight.image, straight.labels, straight.spacing)
        prepare_answer(answer, fine, project.prepared(fine), labels=len(project.rules.names))
    logger.info("%s, fold %s: answered for %d cases", coarse.name, split.fold, len(missing))


def _in_own_values(found: LabelMap, names: Sequence[str]) -> LabelMap:
    """Labels 1, 2, 3, ... in the order of ``names``: a model of nothing but our bones has theirs."""
    table = np.zeros(256, np.uint8)
    for structure in found.structures:
        table[structure.label] = names.index(structure.id) + 1
    return replace(found, array=table[found.array])


def _answered(folder: Path, case: str) -> int:
    """When, in ns; 0 for never."""
    answer = open_answer(prepared_path(folder, case))
    return 0 if answer is None else answer_path(folder, case).stat().st_mtime_ns
