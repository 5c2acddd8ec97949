"""`boneseg train`: a folder of cases in, a checkpoint of one stage out."""

from __future__ import annotations

from pathlib import Path

import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.inference.device import choose_device, choose_precision
from BoneSegLib.inference.loading import load_model
from BoneSegLib.models.network import build_network
from BoneSegLib.training.cases import list_cases
from BoneSegLib.training.loop import LoopOptions, Progress, Trainer
from BoneSegLib.training.sampling import Sampler, WholeFieldSampler, WindowSampler
from BoneSegLib.training.stage import STAGES, StagePlan
from BoneSegLib.training.synthesis.tissue import CLASS_COUNT
from BoneSegLib.training.tensorboard import tensorboard_in
from BoneSegLib.training.transfer import trained_network
from BoneSegLib.training.widen import only_wider


def run(
    cases: Path,
    folder: Path,
    *,
    stage: str,
    options: LoopOptions | None = None,
    threads: int = 1,
    case_spacing: float = 1.5,
    patch: tuple[int, int, int] | None = None,
    fine_tune: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    tensorboard: bool = False,
) -> Progress:
    """Trains a stage on the cases of a folder, going on from the checkpoint in ``folder`` if there is one.

    Cases that come while it trains are used as well. ``patch``: smaller windows than the plan's, which are cheaper.
    ``fine_tune``: a model folder of the same networks, whose weights this training begins with. ``device`` and
    ``precision`` as everywhere; ``tensorboard``: curves for TensorBoard too. Raises `ModelError`, `UsageError`.
    """
    torch.set_num_threads(threads)
    options = options or LoopOptions()
    torch.manual_seed(options.seed)
    plan = STAGES[stage]
    if fine_tune is None:
        network = build_network(plan.architecture, in_channels=plan.in_channels(CLASS_COUNT), heads=CLASS_COUNT)
    else:
        network = _network_of(fine_tune, plan)
    runs_on = choose_device(device)
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
            device=runs_on,
            precision=choose_precision(precision, runs_on),
            on_report=board.losses if board else None,
        )
        return trainer.run()


def _network_of(model: Path, plan: StagePlan) -> torch.nn.Module:
    stage = load_model(model).stages.get(plan.name)
    ends = (plan.in_channels(CLASS_COUNT), CLASS_COUNT)
    fits = stage is not None and (stage.in_channels, stage.dataset.heads) == ends
    if stage is None or not fits or not only_wider(stage.configuration.architecture, plan.architecture):
        raise ModelError(
            f"The model in '{model.name}' has no network like '{plan.name}' of the bundled one.",
            remedy="Start from the bundled model, from a version of it, or from nothing.",
        )
    return trained_network(stage, wider=plan.architecture)
