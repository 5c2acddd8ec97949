"""`boneseg train`: a folder of cases in, a checkpoint of one stage out."""

from __future__ import annotations

from pathlib import Path

import torch

from BoneSegLib.models.network import build_network
from BoneSegLib.training.cases import list_cases
from BoneSegLib.training.loop import LoopOptions, Progress, Trainer
from BoneSegLib.training.sampling import Sampler, WholeFieldSampler, WindowSampler
from BoneSegLib.training.stage import STAGES
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT
from BoneSegLib.training.tensorboard import tensorboard_in


def run(
    cases: Path,
    folder: Path,
    *,
    stage: str,
    options: LoopOptions | None = None,
    threads: int = 1,
    case_spacing: float = 1.5,
    patch: tuple[int, int, int] | None = None,
    start_from: Path | None = None,
    tensorboard: bool = False,
) -> Progress:
    """Trains a stage on the cases of a folder, going on from the checkpoint in ``folder`` if there is one.

    Cases that come while it trains are used as well. ``patch``: smaller windows than the plan's, which are cheaper.
    ``start_from``: a checkpoint of another training of the same stage, whose averaged weights this one begins with.
    ``tensorboard``: curves for TensorBoard too.
    """
    torch.set_num_threads(threads)
    options = options or LoopOptions()
    torch.manual_seed(options.seed)
    plan = STAGES[stage]
    network = build_network(plan.architecture, in_channels=plan.in_channels(CLASS_COUNT), heads=CLASS_COUNT)
    if start_from is not None:
        network.load_state_dict(torch.load(start_from, weights_only=True)["averaged"])
    sampler: Sampler
    if plan.previous:
        sampler = WindowSampler(plan, case_spacing=case_spacing, patch=patch)
    else:
        sampler = WholeFieldSampler(plan, case_spacing=case_spacing, smaller=patch)
    with tensorboard_in(folder, wanted=tensorboard) as board:
        trainer = Trainer(
            network,
            sampler,
            features=plan.features,
            classes=CLASS_COUNT,
            cases=lambda: list_cases(cases),
            folder=folder,
            options=options,
            on_report=board.losses if board else None,
        )
        return trainer.run()
