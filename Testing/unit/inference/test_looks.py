"""The ways in which a network is shown a window, and which models are looked at twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.loading import load_model
from BoneSegLib.inference.looks import last_looks, mirrored_looks, second_looks
from BoneSegLib.inference.stage import StageTask, run_stage
from BoneSegLib.options import SegmentOptions


def test_mirrored_looks_are_all_combinations_of_the_axes():
    assert [look.axes for look in mirrored_looks(())] == [()]
    assert [look.axes for look in mirrored_looks((0, 2))] == [(), (0,), (2,), (0, 2)]


def test_the_second_look_at_bones_swaps_what_has_a_side_and_nothing_else():
    model = load_model(None)
    labels = model.dataset.labels
    (look,) = second_looks(model, SegmentOptions())
    assert look.axes == (2,)
    swapped = {labels[name]: labels[name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")]
               for name in labels}  # fmt: skip
    assert look.heads == tuple(swapped.get(label, label) for label in range(len(labels) + 1))
    assert look.heads != tuple(range(len(labels) + 1))


@pytest.mark.parametrize("other", ["switched off", "one network", "not turned to LPS"])
def test_other_models_are_looked_at_once(other):
    model, options = load_model(None), SegmentOptions(second_look=other != "switched off")
    if other == "one network":
        model = replace(model, qualities={"full": model.qualities["full"][:1]})
    elif other == "not turned to LPS":
        model = replace(model, canonical=False)
    assert second_looks(model, options) == ()
    if other == "not turned to LPS":
        assert last_looks(model, replace(options, mirroring=True)) == ()


@pytest.mark.parametrize("quality", ["fast", "full"])
def test_with_test_time_augmentation_the_last_network_of_bones_looks_twice(quality):
    model = load_model(None)
    assert last_looks(model, SegmentOptions(quality=quality)) == ()
    assert last_looks(model, SegmentOptions(quality=quality, mirroring=True)) == second_looks(model, SegmentOptions())


@pytest.mark.parametrize("stage_number", [0, 1], ids=["names the bones", "finds their edges"])
@pytest.mark.parametrize("twice", [False, True])
def test_seen_twice_a_mirrored_patient_gets_the_mirrored_answer(stage_number, twice):
    model = load_model(None)
    stage = model.stages_of("full")[stage_number]
    (swap,) = last_looks(model, SegmentOptions(mirroring=True))
    rng = np.random.default_rng(0)
    image = np.kron(rng.normal(100, 300, (8, 8, 8)), np.ones((5, 5, 5))).astype(np.float32)
    named = np.kron(rng.integers(0, 12, (8, 8, 8)), np.ones((5, 5, 5))).astype(np.uint8)
    table = np.array(swap.heads, np.uint8)

    def logits(array: np.ndarray, names: np.ndarray) -> torch.Tensor:
        task = StageTask(stage=stage, image=array, spacing=stage.configuration.spacing, folds=stage.folds, wanted=(1,),
                         device=torch.device("cpu"), precision="fp32", mirroring=False, pads_with_air=True,
                         everywhere=True, more_looks=(swap,) if twice else ())  # fmt: skip
        blocks = run_stage(task, names if stage_number else None, clock=Clock(),
                           on_window=lambda done, total: None, is_cancelled=lambda: False)  # fmt: skip
        (block,) = blocks
        return block.logits.log_softmax(0).clone()

    one = logits(image, named)
    other = logits(np.ascontiguousarray(image[:, :, ::-1]), np.ascontiguousarray(table[named[:, :, ::-1]]))
    assert torch.allclose(one, other.flip(3)[list(swap.heads)], atol=1e-3) == twice
