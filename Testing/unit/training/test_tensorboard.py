"""`boneseg train --tensorboard`: what TensorBoard itself reads back, and what is told where it is absent."""

from __future__ import annotations

import sys

import pytest

from BoneSegLib.cli import main
from BoneSegLib.errors import MissingError
from BoneSegLib.training.tensorboard import FOLDER, require_tensorboard, tensorboard_in


def _curves(folder) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / FOLDER))
    events.Reload()
    return {tag: [(one.step, round(one.value, 6)) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def _row(step: int, loss: float) -> dict[str, float]:
    return {"step": step, "seconds": 1.0, "dice_loss": loss, "cross_entropy": 2 * loss, "learning_rate": 0.001}


def test_the_curves_are_those_of_the_tables(tmp_path):
    pytest.importorskip("tensorboard")
    with tensorboard_in(tmp_path, wanted=True) as board:
        board.losses(_row(50, 0.5))
        board.losses(_row(100, 0.25))
        board.dice({"step": 100, "dice": 0.75, "liver": 0.5, "spleen": 1.0})
    assert _curves(tmp_path) == {
        "loss/Dice": [(50, 0.5), (100, 0.25)],
        "loss/cross-entropy": [(50, 1.0), (100, 0.5)],
        "learning rate": [(50, 0.001), (100, 0.001)],
        "Dice, held out/mean": [(100, 0.75)],
        "Dice, held out/liver": [(100, 0.5)],
        "Dice, held out/spleen": [(100, 1.0)],
    }


def test_of_a_step_that_was_taken_again_the_later_value_counts(tmp_path):
    pytest.importorskip("tensorboard")
    for steps, loss in (((50, 100, 150), 0.5), ((100, 150), 0.25)):
        with tensorboard_in(tmp_path, wanted=True) as board:
            for step in steps:
                board.losses(_row(step, loss))
    assert _curves(tmp_path)["loss/Dice"] == [(50, 0.5), (100, 0.25), (150, 0.25)]


def test_where_it_is_not_wanted_nothing_is_written(tmp_path):
    with tensorboard_in(tmp_path, wanted=False) as board:
        assert board is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_tensorboard(monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("tensorboard", "torch.utils.tensorboard"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)


def test_its_absence_is_told_with_a_remedy(no_tensorboard):
    with pytest.raises(MissingError) as raised:
        require_tensorboard()
    assert "pip install tensorboard" in raised.value.remedy


def test_its_absence_is_told_before_any_image_is_read(no_tensorboard, tmp_path, capsys):
    assert main(["train", str(tmp_path / "absent"), "-o", str(tmp_path / "run"), "--tensorboard"]) == 4
    assert "needs the package 'tensorboard'" in capsys.readouterr().err
