"""The curves of a training for TensorBoard, beside those that are always kept as CSV and PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from BoneSegLib.errors import MissingError

FOLDER = "tensorboard"

_LOSSES = {"dice_loss": "loss/Dice", "cross_entropy": "loss/cross-entropy", "learning_rate": "learning rate"}


def require_tensorboard() -> Any:
    """torch's writer of TensorBoard's files. Raises `MissingError` where the package ``tensorboard`` is absent."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingError(
            "--tensorboard needs the package 'tensorboard'.",
            cause=str(error),
            remedy='Install it with: pip install "boneseg[tensorboard]" or pip install tensorboard. Without the option '
            "the curves are kept as CSV and PNG all the same.",
        ) from error
    return SummaryWriter


class TensorBoard:
    """Writes event files into ``folder``/tensorboard, beside those that are there.

    A training that was killed takes some steps again: what the older files tell of them is hidden.
    """

    def __init__(self, folder: Path) -> None:
        self._open = partial(require_tensorboard(), str(folder / FOLDER))
        self._writer: Any = None

    def losses(self, row: Mapping[str, float]) -> None:
        """One row of curve.csv: the running means of the losses, and the learning rate."""
        self._tell(int(row["step"]), {title: row[name] for name, title in _LOSSES.items()})

    def dice(self, row: Mapping[str, float]) -> None:
        """One row of validation.csv: Dice on held-out windows by label; ``dice`` is their mean."""
        named = {"mean" if name == "dice" else name: value for name, value in row.items() if name != "step"}
        self._tell(int(row["step"]), {f"Dice, held out/{name}": value for name, value in named.items()})

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _tell(self, step: int, values: Mapping[str, float]) -> None:
        if self._writer is None:
            self._writer = self._open(purge_step=step)
        for title, value in values.items():
            self._writer.add_scalar(title, value, step)
        self._writer.flush()  # a training may be killed at any moment


@contextmanager
def tensorboard_in(folder: Path, *, wanted: bool) -> Iterator[TensorBoard | None]:
    """The curves for TensorBoard, or ``None`` where they are not wanted."""
    board = TensorBoard(folder) if wanted else None
    try:
        yield board
    finally:
        if board is not None:
            board.close()
