"""The training loop: draws, steps, keeps an average of the weights, and can be killed at any moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from BoneSegLib.errors import InputError
from BoneSegLib.inference.device import autocast
from BoneSegLib.training.checkpoint import read_checkpoint, write_checkpoint
from BoneSegLib.training.coarse_names import one_hot_names
from BoneSegLib.training.curves import CURVE, append_row
from BoneSegLib.training.deep_supervision import DeepSupervision, supervised_loss
from BoneSegLib.training.sampling import Sampler

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")


@dataclass(frozen=True)
class LoopOptions:
    """``minutes`` of computing (over all resumptions) or ``steps``, whichever ends first; ``learning_rate`` falls
    polynomially over that budget."""

    minutes: float = 60.0
    steps: int = 1_000_000
    batch: int = 2
    """On a CPU, torch leaves the fast convolutions aside for a batch of one: two take 1.4 times as long as one."""
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip_norm: float = 12.0
    average: float = 0.995
    background_weight: float = 1.0
    drafted: float = 0.0
    """In a cascade's last stage, the share of steps whose names are what the network itself says with those drawn: it
    is asked again with its own draft (`SegmentOptions.drafts`), and so learns to mend it."""
    checkpoint_seconds: float = 120.0
    report_steps: int = 50
    seed: int = 1


@dataclass
class Progress:
    """Where a training stands; goes into the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    skipped: int = 0
    dice_loss: float = 1.0
    cross_entropy: float = 2.5


class Trainer:
    """Trains ``network``, a DynUNet of ``features`` per level, on examples of ``sampler``.

    Leaves ``checkpoint.pt`` and ``curve.csv`` in ``folder``. ``after_step`` is told the progress made after each step,
    ``on_report`` each row of ``curve.csv``.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        sampler: Sampler,
        *,
        features: Sequence[int],
        classes: int,
        cases: Callable[[], Sequence[Path]],
        folder: Path,
        options: LoopOptions,
        clock: Callable[[], float] = time.monotonic,
        device: torch.device = CPU,
        precision: str = "fp32",
        after_step: Callable[[Progress], None] | None = None,
        on_report: Callable[[Mapping[str, float]], None] | None = None,
    ) -> None:
        # A third faster on a CPU. torch's stubs know only the two-dimensional format.
        self.network = network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self._supervised = DeepSupervision(self.network, features=features, classes=classes).to(device)
        self._device, self._precision = device, precision
        self._after_step, self._on_report = after_step, on_report
        self.averaged = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.progress = Progress()
        self._finished = False
        self._sampler = sampler
        self._cases = cases
        self._folder = folder
        self._options = options
        self._clock = clock
        self._optimizer = torch.optim.AdamW(
            self._supervised.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        if self._checkpoint.exists():
            self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self._folder / "checkpoint.pt"

    def run(self) -> Progress:
        """Steps until the budget is spent."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options, progress = self._options, self.progress
        begun = progress.step
        last = saved = self._clock()
        while progress.step < options.steps and progress.seconds < options.minutes * 60:
            self._set_learning_rate()
            self._step()
            if self._after_step is not None:
                self._after_step(progress)
            now = self._clock()
            progress.seconds += now - last
            last = now
            if progress.step % options.report_steps == 0:
                self._report()
            if now - saved > options.checkpoint_seconds:
                self.save()
                saved = now
        if progress.step > begun and progress.step % options.report_steps:
            self._report()
        if progress.step > begun or not self._finished:
            self.save(finished=True)
        return progress

    def _fraction(self) -> float:
        done = max(self.progress.step / self._options.steps, self.progress.seconds / (60 * self._options.minutes))
        return min(1.0, done)

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.progress.step + 1) / 50)
        rate = self._options.learning_rate * warm * ((1 - self._fraction()) ** 0.9 + 0.005)
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _step(self) -> None:
        progress = self.progress
        # A generator per step: a resumed training goes on with the examples that it would have drawn.
        rng = np.random.default_rng([self._options.seed, progress.step])
        torch.manual_seed(int(rng.integers(1 << 31)))
        cases = self._cases()
        drawn = [cases[index] for index in rng.integers(0, len(cases), self._options.batch)]
        inputs, labels = self._sampler(drawn, rng)
        inputs, labels = inputs.to(self._device), labels.to(self._device)
        if rng.random() < self._options.drafted:
            # In a context of its own: older versions of torch would keep its weights, without gradients, for the step.
            with autocast(self._device, self._precision):
                inputs = _with_draft(self.network, inputs)
        with autocast(self._device, self._precision):
            outputs = self._supervised(inputs.contiguous(memory_format=torch.channels_last_3d))
        weight = self._options.background_weight
        loss, dice_loss, cross_entropy = supervised_loss(outputs, labels, background_weight=weight)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._supervised.parameters(), self._options.clip_norm)
        progress.step += 1
        if not torch.isfinite(norm):
            progress.skipped += 1
            return
        self._optimizer.step()
        self._average()
        progress.dice_loss += 0.05 * (float(dice_loss) - progress.dice_loss)
        progress.cross_entropy += 0.05 * (float(cross_entropy) - progress.cross_entropy)

    def _average(self) -> None:
        """Exponential mean of the weights, short at first so that it does not remember the start."""
        keep = min(self._options.average, (1 + self.progress.step) / (10 + self.progress.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.averaged[name].lerp_(value, 1 - keep)

    def _report(self) -> None:
        row = {**asdict(self.progress), "learning_rate": self._optimizer.param_groups[0]["lr"]}
        logger.info(
            "step %(step)d, %(seconds).0f s, Dice loss %(dice_loss).3f, cross-entropy %(cross_entropy).3f, "
            "skipped %(skipped)d",
            row,
        )
        append_row(self._folder / CURVE, row)
        if self._on_report is not None:
            self._on_report(row)

    def save(self, *, finished: bool = False) -> None:
        """Writes the checkpoint. ``finished``: the budget is spent; a model takes no other weights."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged,
            "heads": self._supervised.heads.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": asdict(self.progress),
            "finished": finished,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        write_checkpoint(self._checkpoint, state)

    def _resume(self) -> None:
        state = read_checkpoint(self._checkpoint)
        try:
            self.network.load_state_dict(state["network"])
            self._supervised.heads.load_state_dict(state["heads"])
        except RuntimeError as error:
            raise InputError(
                f"The checkpoint '{self._checkpoint}' is of another network.",
                cause="Its weights have other names or shapes.",
                remedy="Choose another folder; --fine-tune takes over what fits of a model.",
            ) from error
        self.averaged = {name: value.to(self._device) for name, value in state["averaged"].items()}
        self._optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self._finished = state.get("finished", True)
        spent = ", where its budget ends: a larger one goes on" if self._fraction() >= 1 else ""
        logger.info("resumed at step %d%s", self.progress.step, spent)


def _with_draft(network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """(batch, 1 + names, k, j, i): the image with the names that the network gives it now."""
    with torch.no_grad():
        logits = network(inputs.contiguous(memory_format=torch.channels_last_3d))
    names = torch.stack([one_hot_names(named, logits.shape[1]) for named in logits.argmax(1)])
    return torch.cat([inputs[:, :1], names], dim=1)
