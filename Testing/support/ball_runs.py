"""Small trainings on the balls, with the command line that a user would type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.cli import main
from Testing.support.balls import write_pairs

QUICK = ("--features", "8", "--threads", "1", "--precision", "fp32", "--device", "cpu")
HUNDRED_STEPS = ("--steps", "100", "--learning-rate", "0.01", *QUICK)
LABELS = ("--labels", "large=3", "small=70")


class Killed(Exception):
    """In the place of a kill: nothing after it runs."""


@dataclass(frozen=True)
class BallRun:
    """Five cases of two balls, drawn with the values 3 and 70, and what was trained on them in a hundred steps."""

    channel: str
    data: Path
    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"


def train_on_balls(folder: Path, channel: str, *, slices: int = 20, every: int = 1) -> BallRun:
    data = write_pairs(folder / "data", 5, channel=channel, values=(3, 70), slices=slices, every=every)
    assert main(["train", str(data), "-o", str(folder / "run"), *HUNDRED_STEPS, *LABELS]) == 0
    return BallRun(channel, data, folder / "run")
