"""The runtime starts where there is no Slicer, stays out of the way where there is, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.errors import InputError
from BoneSegLib.volume import Geometry, LabelMap, Volume

GEOMETRY = Geometry.from_spacing((24, 22, 20), (1, 1, 2))


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess:
    """Runs code in a process of its own, with its temporary files in ``folder``."""
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_starting_is_quiet_and_leaves_no_file_behind(tmp_path):
    done = run_python(
        "from BoneSegLib.headless import ensure_runtime\n"
        "slicer = ensure_runtime(); assert ensure_runtime() is slicer\n"
        "import pathlib, tempfile; assert not list(pathlib.Path(tempfile.gettempdir()).iterdir())\n"
        "slicer.util.addVolumeFromArray(__import__('numpy').zeros((4, 4, 4)))\n",
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_was_read_leaves_no_file_behind(tmp_path):
    done = run_python(
        "from BoneSegLib.headless import ensure_runtime\n"
        "from BoneSegLib.headless.scenes import read_scene, write_scene\n"
        "slicer = ensure_runtime()\n"
        "slicer.util.addVolumeFromArray(__import__('numpy').zeros((4, 4, 4), 'int16'), name='CT')\n"
        f"write_scene({str(tmp_path / 'a.mrb')!r}); read_scene({str(tmp_path / 'a.mrb')!r}, clear=True)\n"
        "assert slicer.util.getNode('CT'); raise SystemExit(3)\n",
        tmp_path,
    )
    assert done.returncode == 3, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a.mrb"]


def test_the_real_application_is_left_alone(tmp_path):
    done = run_python(
        "import slicer, slicer.util\n"
        "slicer.app = object()\n"
        "from BoneSegLib.headless.runtime import ensure_runtime, is_application\n"
        "before = slicer.app\n"
        "assert ensure_runtime().app is before and not hasattr(slicer, 'mrmlScene') and is_application()\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_rooms_loads_no_mrml(tmp_path):
    done = run_python(
        "import sys, BoneSegLib, BoneSegLib.scene, BoneSegLib.headless, BoneSegLib.headless.read\n"
        "assert not {'slicer', 'vtk', 'SimpleITK', 'torch'} & set(sys.modules)\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_the_helpers_of_slicer_work(a_scene, tmp_path):
    import slicer

    node = slicer.util.addVolumeFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5), name="CT")
    assert slicer.util.saveNode(node, str(tmp_path / "ct.nrrd"))
    assert np.array_equal(
        slicer.util.array(slicer.util.loadVolume(str(tmp_path / "ct.nrrd")).GetID()), slicer.util.array("CT")
    )
    labels = slicer.util.loadLabelVolume(str(tmp_path / "ct.nrrd"))
    assert labels.IsA("vtkMRMLLabelMapVolumeNode")
    assert slicer.modules.segmentations.logic() and slicer.app.applicationLogic()


@pytest.mark.parametrize("suffix", [".mrml", ".mrb"])
def test_a_scene_is_saved_and_loaded_with_its_transform(a_scene, tmp_path, suffix):
    import slicer

    from BoneSegLib.headless.scenes import read_scene, write_scene
    from BoneSegLib.scene.labels import labelmap_from_segmentation
    from BoneSegLib.scene.volume_node import add_volume_node
    from BoneSegLib.scene.write import provenance, write_segmentation

    labels = np.zeros(GEOMETRY.shape, np.uint8)
    labels[4:9, 5:9, 6:12] = 3
    volume = add_volume_node(Volume(labels.astype(np.int16) * 100, GEOMETRY, name="CT"))
    transform = a_scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    node = write_segmentation(LabelMap(labels, GEOMETRY, info={"model": "m"}), volume, name="Bones")
    if suffix == ".mrml":
        for one, name in ((volume, "ct.nrrd"), (node, "bones.seg.nrrd"), (transform, "moved.h5")):
            assert slicer.util.saveNode(one, str(tmp_path / name))
    write_scene(tmp_path / f"scene{suffix}")
    read_scene(tmp_path / f"scene{suffix}", clear=True)
    loaded = slicer.util.getNode("Bones")
    assert np.array_equal(labelmap_from_segmentation(loaded).array, labels)
    assert loaded.GetParentTransformNode().GetName() == "Moved"
    assert provenance(loaded) == {"model": "m"}
    assert list(Path(slicer.app.temporaryPath).rglob("*.nrrd")) == []


def test_errors_that_are_only_printed_become_errors_with_their_cause(a_scene, capfd):
    import slicer
    import vtk

    from BoneSegLib.headless.messages import capture_messages, errors_raised

    with pytest.raises(InputError, match=r"It failed\..*nowhere"), errors_raised("It failed."):
        slicer.modules.volumes.logic().AddArchetypeVolume("/nowhere/ct.nrrd", "CT", 0)
    with capture_messages() as messages:
        vtk.vtkPolyDataReader().Update()
    assert messages.errors
    assert capfd.readouterr().err == ""


def resident_mb() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux' /proc")
def test_thirty_cases_in_a_row_leave_no_memory_behind(a_scene, tmp_path):
    from BoneSegLib.headless.read import read_volume_node
    from BoneSegLib.headless.write import write_labelmap
    from BoneSegLib.headless.write import write_segmentation as save_segmentation
    from BoneSegLib.scene.read import volume_from_node
    from BoneSegLib.scene.statistics import compute_statistics
    from BoneSegLib.scene.write import write_segmentation

    big = Geometry.from_spacing((112, 112, 80), (1, 1, 1))
    array = np.zeros(big.shape, np.uint8)
    array[20:60, 30:80, 40:90] = 3
    write_labelmap(LabelMap(array, big), tmp_path / "ct.nii.gz")

    def one_case() -> None:
        node = read_volume_node(tmp_path / "ct.nii.gz")
        volume = volume_from_node(node)
        segmentation = write_segmentation(LabelMap(volume.array.astype(np.uint8), volume.geometry), node)
        compute_statistics(segmentation, node)
        save_segmentation(segmentation, tmp_path / "out.seg.nrrd")
        save_segmentation(segmentation, tmp_path / "out.nii.gz")
        a_scene.Clear(0)

    for _warming_up in range(5):
        one_case()
    before = resident_mb()
    for _case in range(30):
        one_case()
    # One case that stayed would be 30 times 2 MB for the image alone.
    assert resident_mb() - before < 20
