"""A segmentation against what grows from its own cores, in one call."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.volume import Volume
from Testing.scene.comparison_cases import (
    ANISOTROPIC,
    a_label_map,
    a_segmentation,
    filled,
    forget_items,
    put_under,
    rotation,
    scene_state,
    shifted,
    translation,
)

pytestmark = pytest.mark.usefixtures("a_hierarchy")

LEFT = ((4, 20), (4, 14), (4, 36))
RIGHT = ((4, 20), (16, 26), (4, 36))


@pytest.fixture
def a_hierarchy(a_scene):
    yield
    forget_items()


def run(*arguments, **options):
    from BoneSegLib.baselines.seeds import SeedOptions
    from BoneSegLib.scene.comparison_baseline import compare_with_grow_from_seeds

    seeds = SeedOptions(core_mm=2.0, gap_mm=1.5, shell_mm=1.0)
    return compare_with_grow_from_seeds(*arguments, seed_options=seeds, **options)


def an_image():
    """Two bright boxes in dark surroundings."""
    from BoneSegLib.scene.volume_node import add_volume_node

    array = np.where(filled(ANISOTROPIC, {1: LEFT, 2: RIGHT}) > 0, 700, -50).astype(np.int16)
    return add_volume_node(Volume(array, ANISOTROPIC, name="CT"))


def test_grown_bones_come_into_a_second_segmentation_and_agree_with_the_image(a_scene):
    volume = an_image()
    given = a_segmentation(ANISOTROPIC, {"hip_left": LEFT, "hip_right": RIGHT}, name="Network")
    found = run(volume, given)
    assert found.node.GetName() == "Network grown from seeds"
    assert list(found.node.GetSegmentation().GetSegmentIDs()) == ["hip_left", "hip_right"]
    assert [score.dice for score in found.comparison.scores] == [1.0, 1.0]
    assert a_scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2


def test_a_segmentation_off_the_image_differs_by_what_it_is_off():
    off = {"hip_left": shifted(LEFT, i=1), "hip_right": shifted(RIGHT, i=1)}
    comparison = run(an_image(), a_segmentation(ANISOTROPIC, off)).comparison
    assert [score.dice for score in comparison.scores] == pytest.approx([31 / 32] * 2)
    assert comparison.score("hip_left").hausdorff_mm == pytest.approx(0.5)


def test_a_label_map_of_other_structures_does_as_well():
    found = run(an_image(), a_label_map(ANISOTROPIC, {44: LEFT, 20: RIGHT}, names={44: "Stick", 20: "Stone"}))
    assert {score.structure: score.dice for score in found.comparison.scores} == {"Stick": 1.0, "Stone": 1.0}


@pytest.mark.parametrize("together", [True, False])
def test_image_and_segmentation_meet_in_the_world(together):
    matrix = rotation(20.0) @ translation(5.0, 6.0, 7.0)
    volume = put_under(an_image(), matrix)
    given = a_segmentation(ANISOTROPIC, {"hip_left": LEFT, "hip_right": RIGHT})
    if together:
        given.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    else:
        put_under(given, matrix)
    found = run(volume, given)
    assert found.node.GetTransformNodeID() == volume.GetTransformNodeID()
    assert [score.dice for score in found.comparison.scores] == [1.0, 1.0]


def test_what_cannot_grow_leaves_the_scene_as_it_was(monkeypatch):
    import BoneSegLib.scene.comparison_baseline as module

    volume = an_image()
    empty = a_segmentation(ANISOTROPIC, {"sacrum": None})
    good = a_segmentation(ANISOTROPIC, {"hip_left": LEFT})
    before = scene_state()
    with pytest.raises(InputError, match="nothing to grow"):
        run(volume, empty)
    with pytest.raises(InputError):
        run(None, good)
    with pytest.raises(InputError):
        run(volume, None)
    with pytest.raises(Cancelled):
        run(volume, good, is_cancelled=lambda: True)

    def fail(*_arguments, **_options):
        raise RuntimeError

    monkeypatch.setattr(module, "compare_labelmaps", fail)
    with pytest.raises(RuntimeError):
        run(volume, good)
    assert scene_state() == before
