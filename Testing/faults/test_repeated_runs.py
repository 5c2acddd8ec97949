"""The same answer every time, and nothing that grows from run to run."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from BoneSegLib import SegmentOptions, segment
from Testing.support.phantoms import two_blocks
from Testing.support.warm_process import Limits

CYCLES = 1000
WARM_UP = 100
LARGEST_GROWTH = 8 * 2**20
"""Bytes in 900 cycles: an array of labels leaked in every tenth cycle would already be more."""


@pytest.mark.parametrize("more", [{}, {"refine": True}, {"mirroring": True}], ids=["plain", "refined", "mirrored"])
def test_the_same_input_gives_the_same_labels_and_the_same_confidence(a_model, more):
    volume, _ = two_blocks((36, 40, 44), (1.5, 1.5, 2.0))
    options = SegmentOptions(model=a_model, device="cpu", precision="fp32", **more)
    first, second = segment(volume, options), segment(volume, options)
    assert np.array_equal(first.array, second.array)
    assert first.info["confidence"] == second.info["confidence"]
    assert len(np.unique(first.array)) > 1, "an empty result would say nothing"


def test_the_number_of_threads_changes_hardly_a_voxel(a_model):
    volume, _ = two_blocks((36, 40, 44), (1.5, 1.5, 2.0))
    options = SegmentOptions(model=a_model, device="cpu", precision="fp32")
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(segment(volume, options).array)
    finally:
        torch.set_num_threads(before)
    assert (found[0] == found[1]).mean() >= 0.999


def cycles(model: str, folder: str, count: int) -> dict[str, list[float]]:
    """A trial: image into the scene, segmented, measured, written, read, removed; memory and open files as it goes."""
    import slicer

    from BoneSegLib.headless.read import read_segmentation, read_volume_node
    from BoneSegLib.headless.write import write_segmentation
    from BoneSegLib.scene.run import segment_node
    from BoneSegLib.scene.statistics import compute_statistics
    from Testing.faults.conftest import write_image

    torch.set_num_threads(1)
    image = write_image(Path(folder) / "ct.nii.gz", (32, 32, 32))
    options = SegmentOptions(model=Path(model), device="cpu", precision="fp32", force=True)
    memory, files, nodes = [], [], []
    for _ in range(count):
        volume_node = read_volume_node(image)
        segmentation_node = segment_node(volume_node, None, options)
        compute_statistics(segmentation_node, volume_node)
        again = read_segmentation(write_segmentation(segmentation_node, Path(folder) / "bones.seg.nrrd"))
        for node in (again, segmentation_node, volume_node):
            slicer.mrmlScene.RemoveNode(node)
        slicer.mrmlScene.Clear(0)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory.append(float(pages * resource.getpagesize()))
        files.append(float(len(list(Path("/proc/self/fd").iterdir()))))
        nodes.append(float(slicer.mrmlScene.GetNumberOfNodes()))
    return {"memory": memory, "files": files, "nodes": nodes}


def _judge(grown: dict[str, list[float]], warm_up: int) -> None:
    assert grown["files"][-1] == grown["files"][warm_up]
    assert grown["nodes"][-1] == grown["nodes"][warm_up]
    middle = len(grown["memory"]) // 2
    assert max(grown["memory"][middle:]) - max(grown["memory"][warm_up:middle]) < LARGEST_GROWTH


def test_ten_cycles_leave_no_node_and_no_open_file(a_warm_process, a_place, a_model):
    arguments = (str(a_model), str(a_place.folder), 10)
    ended = a_warm_process.call(f"{__name__}:cycles", *arguments, environment=a_place.environment)
    assert ended.value is not None, ended.stderr
    _judge(ended.value, 3)


@pytest.mark.slow
def test_a_thousand_cycles_take_no_more_memory_than_a_hundred(
    a_warm_process, a_place, a_model, record_testsuite_property
):
    arguments = (str(a_model), str(a_place.folder), CYCLES)
    limits = Limits(seconds=7200)
    ended = a_warm_process.call(f"{__name__}:cycles", *arguments, limits=limits, environment=a_place.environment)
    assert ended.value is not None, ended.stderr
    memory = ended.value["memory"]
    sizes = [round(size / 2**20, 1) for size in (*memory[:: CYCLES // 10], memory[-1])]
    record_testsuite_property("resident_memory_mb", sizes)
    _judge(ended.value, WARM_UP)
