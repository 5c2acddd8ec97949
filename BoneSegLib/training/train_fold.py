"""One fold of one network on prepared cases: from random or transferred weights to a checkpoint and its curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from BoneSegLib.inference.device import choose_device, choose_precision
from BoneSegLib.inference.loading import load_model
from BoneSegLib.models.network import build_network
from BoneSegLib.training.curves import VALIDATION, append_row, draw_curves
from BoneSegLib.training.folds import Split
from BoneSegLib.training.held_out import HeldOutWindows
from BoneSegLib.training.loop import LoopOptions, Progress, Trainer
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.prepared import prepared_path
from BoneSegLib.training.project import Project
from BoneSegLib.training.tensorboard import TensorBoard, tensorboard_in
from BoneSegLib.training.transfer import trained_network, transfer
from BoneSegLib.training.window_sampler import PreparedWindows, WindowOptions

CHECKPOINT = "checkpoint.pt"

Report = Callable[[float, Progress], None]
"""Called after each step with the share done and the progress made."""


@dataclass(frozen=True, kw_only=True)
class FoldOptions:
    """``loop``: budget, batch (0: as planned), learning rate. ``validate_steps``: how often held-out windows are looked
    at. ``device`` and ``precision`` as everywhere. ``tensorboard``: curves for TensorBoard too."""

    loop: LoopOptions = field(default_factory=LoopOptions)
    validate_steps: int = 250
    device: str = "auto"
    precision: str = "auto"
    tensorboard: bool = False


def train_fold(
    project: Project, plan: NetworkPlan, split: Split, folder: Path, options: FoldOptions, *, report: Report
) -> Progress:
    """Trains until the budget is spent, going on from the checkpoint in ``folder`` if there is one."""
    torch.manual_seed(options.loop.seed)
    names = project.rules.names
    network = build_network(plan.architecture, in_channels=plan.in_channels(len(names)), heads=len(names) + 1)
    if project.options.fine_tune is not None and not (folder / CHECKPOINT).exists():
        _start_from(project, plan, network)
    device = choose_device(options.device)
    precision = choose_precision(options.precision, device)
    held_out = _held_out(project, plan, split)

    def look(progress: Progress, board: TensorBoard | None) -> None:
        if held_out is not None and progress.step % options.validate_steps == 0:
            row = {"step": progress.step, **held_out.dice(network, device=device, precision=precision)}
            append_row(folder / VALIDATION, row)
            draw_curves(folder, title=f"{plan.name}, fold {split.fold}")
            if board is not None:
                board.dice(row)
        report(_share(progress, options.loop), progress)

    training = [prepared_path(project.prepared(plan), name) for name in split.training]
    with tensorboard_in(folder, wanted=options.tensorboard) as board:
        trainer = Trainer(
            network,
            _sampler(project, plan, WindowOptions()),
            features=plan.architecture.features,
            classes=len(names) + 1,
            cases=lambda: training,
            folder=folder,
            options=replace(options.loop, batch=options.loop.batch or plan.batch),
            device=device,
            precision=precision,
            after_step=lambda progress: look(progress, board),
            on_report=board.losses if board else None,
        )
        progress = trainer.run()
    draw_curves(folder, title=f"{plan.name}, fold {split.fold}")
    return progress


def _sampler(project: Project, plan: NetworkPlan, options: WindowOptions) -> PreparedWindows:
    coarser = next((other for other in project.plans if other.name == plan.previous), None)
    return PreparedWindows(
        plan, labels=len(project.rules.names), mirroring=project.mirroring, coarser=coarser, options=options
    )


def _held_out(project: Project, plan: NetworkPlan, split: Split) -> HeldOutWindows | None:
    if not split.validation:
        return None
    cases = [prepared_path(project.prepared(plan), name) for name in split.validation]
    return HeldOutWindows(_sampler(project, plan, WindowOptions(augment=False)), cases, labels=project.rules.names)


def _start_from(project: Project, plan: NetworkPlan, network: torch.nn.Module) -> None:
    stage = load_model(project.options.fine_tune).stages[plan.name]
    before = trained_network(stage).state_dict()
    transfer(network, before, labels=list(project.rules.names), labels_before=list(stage.dataset.labels))


def _share(progress: Progress, loop: LoopOptions) -> float:
    return min(1.0, max(progress.step / loop.steps, progress.seconds / (60 * loop.minutes)))
