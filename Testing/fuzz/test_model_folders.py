"""Model folders from anywhere: refused with a reason or read, no code run, nothing written, no memory taken."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import sha256, verify_files
from Testing.support.nnunet_folder import DATASET_JSON, write_quick_folder
from Testing.support.warm_process import Limits, WarmProcess

LIMITS = Limits(headroom=600 * 2**20, seconds=150)


@pytest.fixture(scope="module")
def a_bundle(tmp_path_factory) -> Path:
    """A BoneSeg model folder: manifest, plans, dataset, checkpoint."""
    folder = tmp_path_factory.mktemp("bundle")
    inner = folder / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    shutil.copytree(write_quick_folder(tmp_path_factory.mktemp("trained")), inner)
    dataset = {**DATASET_JSON, "labels": {"background": 0, "sacrum": 1, "other_bone": 2}}
    (inner / "dataset.json").write_text(json.dumps(dataset))
    manifest = {
        "name": "small",
        "version": "1",
        "orientation": "LPS",
        "padding": "air",
        "structures": {"sacrum": 1},
        "stages": {"fast": ["3d_fullres"], "full": ["3d_fullres"]},
    }
    (folder / "boneseg.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def a_copy(a_bundle, tmp_path) -> Path:
    return shutil.copytree(a_bundle, tmp_path / "copy")


def read_all(process: WarmProcess, source: Path, first: int, count: int) -> None:
    ended = process.call("Testing.fuzz.mutations:read_damaged_models", str(source), first, count, limits=LIMITS)
    assert ended.code == 0, ended.stderr[-3000:]
    assert sum(ended.value.values()) == count


def test_a_damaged_model_folder_is_read_or_refused(a_warm_process, a_copy):
    read_all(a_warm_process, a_copy, 0, 100)


@pytest.mark.slow
def test_each_of_thousands_of_damaged_model_folders_is_read_or_refused(a_warm_process, a_copy):
    for first in range(1000, 7000, 300):
        read_all(a_warm_process, a_copy, first, 300)


HOSTILE_PLANS = {
    "a window of terabytes": ("patch_size", [40_000, 40_000, 40_000]),
    "a window of zero": ("patch_size", [0, 32, 32]),
    "voxels of a nanometre, a grid of petabytes": ("spacing", [1e-6, 1e-6, 1e-6]),
    "voxels of a kilometre": ("spacing", [1e6, 1e6, 1e6]),
    "a configuration that inherits from itself": ("inherits_from", "3d_fullres"),
}


@pytest.mark.parametrize(("field", "value"), HOSTILE_PLANS.values(), ids=HOSTILE_PLANS)
def test_plans_that_ask_for_the_impossible_are_refused(a_copy, field, value):
    path = next(a_copy.rglob("plans.json"))
    plans = json.loads(path.read_text())
    plans["configurations"]["3d_fullres"][field] = value
    path.write_text(json.dumps(plans))
    with pytest.raises(ModelError):
        read_model(a_copy)


@pytest.mark.parametrize("features", [[10**9] * 3, [8, 16, 10**6]])
def test_a_network_of_terabytes_is_refused(a_copy, features):
    path = next(a_copy.rglob("plans.json"))
    plans = json.loads(path.read_text())
    plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["features_per_stage"] = features
    path.write_text(json.dumps(plans))
    with pytest.raises(ModelError, match="impossible size"):
        read_model(a_copy)


def test_a_long_chain_of_inheritance_is_no_trap(a_copy):
    path = next(a_copy.rglob("plans.json"))
    plans = json.loads(path.read_text())
    configurations = plans["configurations"]
    for number in range(3000):
        configurations[f"c{number}"] = {"inherits_from": f"c{number + 1}"}
    configurations["c3000"] = configurations["3d_fullres"]
    configurations["3d_fullres"] = {"inherits_from": "c0"}
    path.write_text(json.dumps(plans))
    with pytest.raises(ModelError):
        read_model(a_copy)


@pytest.mark.parametrize("escape", ["../../escaped", "/escaped", "..\\..\\escaped"])
def test_a_checkpoint_with_entries_outside_of_itself_writes_nothing(a_copy, escape):
    """A checkpoint is a zip; nothing of it is ever unpacked to the disk."""
    checkpoint = next(a_copy.rglob("*.pth"))
    with zipfile.ZipFile(checkpoint, "a") as archive:
        archive.writestr(escape, b"escaped")
        archive.writestr(f"archive/data/{escape}", b"escaped")
    before = set(a_copy.parent.rglob("*"))
    try:
        load_checkpoint(checkpoint)
    except ModelError as error:
        assert error.message
    assert set(a_copy.parent.rglob("*")) == before
    assert not Path(os.sep, "escaped").exists()


class Touching:
    """Pickles as a call that would leave a file behind."""

    def __init__(self, call, *arguments) -> None:
        self._reduced = (call, arguments)

    def __reduce__(self):
        return self._reduced


@pytest.mark.parametrize("call", [os.system, eval, exec, os.mkdir, torch.load])
def test_a_hostile_pickle_anywhere_in_a_checkpoint_is_refused_and_not_run(a_copy, call):
    marker = a_copy.parent / "marker"
    texts = {os.system: f"touch {marker}", os.mkdir: str(marker), torch.load: str(marker)}
    bomb = Touching(call, texts.get(call, f"__import__('os').mkdir({str(marker)!r})"))
    checkpoint = next(a_copy.rglob("*.pth"))
    genuine = torch.load(checkpoint, weights_only=False)
    hiding_places = ({"logging": bomb}, {"network_weights": {"w": bomb}}, {"init_args": {"plans": [bomb]}})
    for change in hiding_places:
        torch.save({**genuine, **change}, checkpoint)
        with pytest.raises(ModelError, match="refused"):
            load_checkpoint(checkpoint)
        assert not marker.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files", {"../outside": "0"}),
        ("files", {"\0": "0"}),
        ("files", {"a" * 5000: "0"}),
        ("files", ["boneseg.json"]),
        ("stages", {"fast": ["../../x"], "full": ["../../x"]}),
        ("stages", {"fast": ["\0"], "full": ["\0"]}),
        ("stages", {"fast": ["a" * 5000], "full": ["a" * 5000]}),
        ("structures", {"sacrum": [1]}),
        ("structures", {"sacrum": 10**30}),
    ],
)
def test_a_manifest_with_nonsense_is_refused(a_copy, field, value):
    path = a_copy / "boneseg.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(ModelError):
        verify_files(read_model(a_copy))


def test_a_link_that_leads_out_of_the_folder_is_refused_where_files_are_listed(a_copy, tmp_path):
    checkpoint = next(a_copy.rglob("*.pth"))
    outside = tmp_path / "outside.pth"
    checkpoint.rename(outside)
    checkpoint.symlink_to(outside)
    path = a_copy / "boneseg.json"
    listed = {checkpoint.relative_to(a_copy).as_posix(): sha256(outside)}
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": listed}))
    with pytest.raises(ModelError, match="outside"):
        verify_files(read_model(a_copy))
