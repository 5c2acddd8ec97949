"""Frames of a sequence read one by one, and their segmentations written as a sequence."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import InputError
from BoneSegLib.volume import LabelMap
from Testing.support.sequences import add_volume_sequence

SACRUM = BY_ID["sacrum"]


@pytest.fixture
def a_volume_over_time(a_scene):
    """Three frames; each is bright in one slice more."""
    return add_volume_sequence([_filled(number) for number in (1, 2, 3)])


def _filled(slices: int) -> np.ndarray:
    array = np.full((8, 7, 6), -100, np.int16)
    array[:slices] = 600
    return array


def _labels(frames, number: int) -> LabelMap:
    volume = frames.volume(number)
    array = np.where(volume.array > 200, SACRUM.label, 0).astype(np.uint8)
    return LabelMap(array, volume.geometry, (SACRUM,), {"frame": number})


def _frames(node):
    from BoneSegLib.scene.sequence import frames_of

    return frames_of(node)


def _voxels(node) -> int:
    from BoneSegLib.scene.labels import labelmap_from_segmentation

    return int(np.count_nonzero(labelmap_from_segmentation(node).array))


def test_a_volume_that_shows_a_sequence_knows_all_its_frames(a_volume_over_time):
    frames = _frames(a_volume_over_time)
    assert frames.count == 3
    assert [int((frames.volume(number).array == 600).sum()) // 42 for number in range(3)] == [1, 2, 3]
    assert frames.volume(1).geometry.spacing == (2.0, 2.0, 2.0)


def test_an_ordinary_volume_has_no_frames(a_scene):
    import slicer

    assert _frames(slicer.util.addVolumeFromArray(_filled(1))) is None


def test_the_segmentations_follow_the_browser(a_volume_over_time):
    from BoneSegLib.scene.sequence import write_frames

    frames = _frames(a_volume_over_time)
    frames.show(1)
    node = write_frames(frames, [_labels(frames, number) for number in range(3)], name="bones")
    assert frames.shown == 1
    counts = []
    for number in (1, 0, 2):
        frames.show(number)
        counts.append((_voxels(node) // 42, node.GetAttribute("BoneSeg.frame")))
    assert counts == [(2, "1"), (1, "0"), (3, "2")]
    sequence = frames.browser.GetSequenceNode(node)
    assert [sequence.GetNthIndexValue(number) for number in range(3)] == ["0", "0.5", "1"]
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is a_volume_over_time


def test_a_failure_leaves_no_node_and_the_frame_that_was_shown(a_scene, a_volume_over_time):
    from BoneSegLib.scene.sequence import write_frames

    frames = _frames(a_volume_over_time)
    before = a_scene.GetNumberOfNodes()
    wrong = LabelMap(np.zeros((8, 7, 6), np.float32), frames.volume(2).geometry, (SACRUM,))
    with pytest.raises(Exception, match="uint8"):
        write_frames(frames, [_labels(frames, 0), _labels(frames, 1), wrong], name="bones")
    assert a_scene.GetNumberOfNodes() == before
    assert frames.shown == 0


def test_a_sequence_that_was_removed_meanwhile_is_told(a_scene, a_volume_over_time):
    from BoneSegLib.scene.sequence import write_frames

    frames = _frames(a_volume_over_time)
    labels = [_labels(frames, number) for number in range(3)]
    a_scene.RemoveNode(frames.sequence)
    with pytest.raises(InputError, match="changed during the run"):
        write_frames(frames, labels, name="bones")
