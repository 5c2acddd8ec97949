"""Bone that the last network is not quite sure of is taken for bone where the CT has the last word on edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.inference import stage
from BoneSegLib.inference.bones import without_hesitation
from BoneSegLib.inference.loading import LoadedStage
from BoneSegLib.inference.restore import LogitsBlock

SACRUM, HEADS = 3, 12


def test_only_background_loses_and_the_planes_that_blocks_share_lose_once():
    logits = torch.zeros((HEADS, 5, 4, 4))
    blocks = [
        LogitsBlock(logits[:, :3], (0, 0, 0), (5, 4, 4)),
        LogitsBlock(logits[:, 2:], (2, 0, 0), (5, 4, 4), repeated=1),
    ]
    for block in without_hesitation(blocks):
        assert (block.logits[0] == -1).all()
        assert (block.logits[1:] == 0).all()
    assert (logits == 0).all()


@pytest.fixture
def a_second_network_that_hesitates(request, monkeypatch):
    """Both see sacrum in all that is bright; the second calls it background by as much as the test says."""

    def load(of: stage.Stage, *_: object) -> LoadedStage:
        limit = (200 - of.intensity.mean) / of.intensity.std

        def network(batch: torch.Tensor) -> torch.Tensor:
            is_first = of.configuration.previous_stage is None
            logits = torch.full((len(batch), HEADS, *batch.shape[2:]), -9.0)
            logits[:, 0] = torch.where(batch[:, 0] > limit, 0.0 if is_first else request.param, 9.0)
            logits[:, SACRUM] = torch.where(batch[:, 0] > limit, 1.0 if is_first else 0.0, 0.0)
            return logits

        return LoadedStage((network,), ())

    monkeypatch.setattr(stage, "load_stage", load)


def _sacrum(**options: object) -> int:
    array = np.full((40, 40, 40), -50, np.int16)
    array[10:30, 10:30, 10:30] = 500
    volume = Volume(array, Geometry.from_spacing((40, 40, 40), (2.0, 2.0, 2.0)))
    plain = SegmentOptions(device="cpu", precision="fp32", force=True, discs=False, second_look=False, drafts=0,
                           **options)  # fmt: skip
    return int((segment(volume, plain).array == SACRUM).sum())


@pytest.mark.usefixtures("a_second_network_that_hesitates")
@pytest.mark.parametrize(
    ("a_second_network_that_hesitates", "refine", "is_found"),
    [(0.9, True, True), (1.1, True, False), (0.9, False, False), (-0.1, False, True)],
    indirect=["a_second_network_that_hesitates"],
)
def test_it_may_hesitate_a_little_where_edges_are_moved(refine, is_found):
    assert (_sacrum(refine=refine) > 0.9 * 20**3) == is_found
