"""The ways in which a network is shown a window, and which models are looked at twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.loading import load_model
from BoneSegLib.inference.looks import mirrored_looks, second_looks
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


@pytest.mark.parametrize("second_look", [False, True])
def test_with_a_second_look_a_mirrored_patient_gets_the_mirrored_answer(second_look):
    model = load_model(None)
    looks = second_looks(model, SegmentOptions(second_look=second_look))
    rng = np.random.default_rng(0)
    image = np.kron(rng.normal(100, 300, (8, 8, 8)), np.ones((5, 5, 5))).astype(np.float32)

    def logits(array: np.ndarray) -> torch.Tensor:
        stage = model.stages_of("full")[0]
        task = StageTask(stage=stage, image=array, spacing=(6.0, 6.0, 6.0), folds=stage.folds, wanted=(1,),
                         device=torch.device("cpu"), precision="fp32", mirroring=False, pads_with_air=True,
                         everywhere=True, more_looks=looks)  # fmt: skip
        blocks = run_stage(task, None, clock=Clock(), on_window=lambda done, total: None, is_cancelled=lambda: False)
        (block,) = blocks
        return block.logits.log_softmax(0).clone()

    (swap,) = second_looks(model, SegmentOptions())
    one, other = logits(image), logits(np.ascontiguousarray(image[:, :, ::-1]))
    assert torch.allclose(one, other.flip(3)[list(swap.heads)], atol=1e-3) == second_look
