"""Model folders on disk: complete, incomplete, tampered with and hostile."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import pytest
import torch

from BoneSegLib.errors import ModelError
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import model_hash, sha256, verify_files
from BoneSegLib.models.network import build_network, load_weights
from Testing.support.nnunet_folder import DATASET_JSON, plans_json, write_folder


@pytest.fixture(scope="module")
def a_folder(tmp_path_factory):
    pytest.importorskip("nnunetv2", reason="nnunetv2, the oracle, is not installed (make setup)")
    from Testing.support.nnunet_folder import train_small_network

    plans = plans_json()
    weights = train_small_network(plans, seed=0, steps=0)
    return write_folder(tmp_path_factory.mktemp("model"), plans, DATASET_JSON, {"0": weights, "1": weights})


@pytest.fixture
def a_copy(a_folder, tmp_path):
    return shutil.copytree(a_folder, tmp_path / a_folder.name)


@pytest.fixture
def a_bundle(a_folder, tmp_path):
    """The same network as a BoneSeg model folder with its manifest."""
    folder = tmp_path / "bundle"
    shutil.copytree(a_folder, folder / "nnUNetTrainer__nnUNetPlans__3d_fullres")
    dataset = {**DATASET_JSON, "labels": {"background": 0, "sacrum": 1, "other_bone": 2}}
    (folder / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "dataset.json").write_text(json.dumps(dataset))
    files = {p.relative_to(folder).as_posix(): sha256(p) for p in folder.rglob("*") if p.is_file()}
    manifest = {
        "name": "small",
        "version": "1",
        "orientation": "LPS",
        "padding": "air",
        "structures": {"sacrum": 1},
        "stages": {"fast": ["3d_fullres"], "full": ["3d_fullres"]},
        "step": {"fast": 1.0},
        "files": files,
    }
    (folder / "boneseg.json").write_text(json.dumps(manifest))
    return folder


def test_a_trained_folder_is_read(a_folder):
    model = read_model(a_folder)
    assert [structure.id for structure in model.structures] == ["ball", "box"]
    assert model.stages_of("full")[0].folds == ("0", "1")
    assert not model.canonical
    assert not model.pads_with_air
    assert model.step_of("fast") == model.step_of("full") == 0.5, "as nnU-Net runs it"


def test_the_folder_above_is_as_good(a_folder):
    assert read_model(a_folder.parent).folder == a_folder


def test_a_bundle_says_which_bones_its_labels_are(a_bundle):
    model = read_model(a_bundle)
    verify_files(model)
    assert [structure.label for structure in model.structures] == [3]
    assert model.network_labels == {"sacrum": 1}
    assert model.canonical
    assert model.pads_with_air
    assert model.step_of("fast") == 1.0
    assert model.step_of("full") == 0.5


def test_labels_count_by_their_values_wherever_they_stand_in_the_file(a_copy):
    data = json.loads((a_copy / "dataset.json").read_text())
    (a_copy / "dataset.json").write_text(json.dumps({**data, "labels": {"box": 2, "background": 0, "ball": 1}}))
    assert list(read_model(a_copy).stages["3d_fullres"].dataset.labels.items()) == [("ball", 1), ("box", 2)]


def test_stages_that_see_the_image_in_different_orders_of_axes_are_refused(a_bundle):
    names = ("3d_fullres", "other")
    first, second = (a_bundle / f"nnUNetTrainer__nnUNetPlans__{name}" for name in names)
    shutil.copytree(first, second)
    plans = json.loads((second / "plans.json").read_text())
    plans["configurations"]["other"] = plans["configurations"]["3d_fullres"]
    (second / "plans.json").write_text(json.dumps({**plans, "transpose_forward": [1, 0, 2]}))
    manifest = json.loads((a_bundle / "boneseg.json").read_text())
    stages = {"fast": ["3d_fullres"], "full": ["other"]}
    (a_bundle / "boneseg.json").write_text(json.dumps({**manifest, "stages": stages}))
    with pytest.raises(ModelError, match="order of the image's axes"):
        read_model(a_bundle)


@pytest.mark.parametrize("step", [0, 0.05, 1.5, -1, "1", None, True, [1.0]])
def test_a_step_that_makes_no_sense_is_refused(a_bundle, step):
    manifest = json.loads((a_bundle / "boneseg.json").read_text())
    (a_bundle / "boneseg.json").write_text(json.dumps({**manifest, "step": {"fast": step}}))
    with pytest.raises(ModelError, match="step"):
        read_model(a_bundle)


def test_the_hash_tells_the_weights(a_copy):
    before = model_hash(read_model(a_copy))
    shutil.rmtree(a_copy / "fold_1")
    assert model_hash(read_model(a_copy)) != before


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
def test_an_incomplete_folder_is_refused(a_copy, name):
    shutil.rmtree(a_copy / "fold_1")
    (a_copy / name).unlink()
    with pytest.raises(ModelError, match=r"incomplete|not a model folder"):
        read_model(a_copy)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "[" * 100_000, "\x00"])
def test_a_damaged_text_is_refused(a_copy, text):
    (a_copy / "plans.json").write_text(text)
    with pytest.raises(ModelError):
        read_model(a_copy)


def test_a_file_that_was_changed_is_found(a_bundle):
    checkpoint = next(a_bundle.rglob("checkpoint_final.pth"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="tampered"):
        verify_files(read_model(a_bundle))


def test_weights_that_the_manifest_does_not_list_are_refused(a_bundle):
    extra = a_bundle / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_7"
    extra.mkdir()
    shutil.copy(next(a_bundle.rglob("checkpoint_final.pth")), extra)
    with pytest.raises(ModelError, match="does not list"):
        verify_files(read_model(a_bundle))


@pytest.mark.parametrize("outside", ["../secret", "/etc/hostname"])
def test_a_manifest_that_leads_out_of_the_folder_is_refused(a_bundle, outside):
    manifest = json.loads((a_bundle / "boneseg.json").read_text())
    manifest["files"] = {outside: "0"}
    (a_bundle / "boneseg.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="outside"):
        verify_files(read_model(a_bundle))


class _Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


@pytest.mark.parametrize("save", [torch.save, lambda data, path: path.write_bytes(pickle.dumps(data))])
def test_a_checkpoint_that_holds_code_is_refused_and_not_run(tmp_path, save):
    path = tmp_path / "checkpoint_final.pth"
    save({"network_weights": {}, "extra": _Hostile(tmp_path / "marker")}, path)
    with pytest.raises(ModelError):
        load_checkpoint(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04broken"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint_final.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load_checkpoint(path)


def test_a_genuine_checkpoint_with_numpy_numbers_is_read(a_folder):
    checkpoint = load_checkpoint(a_folder / "fold_0" / "checkpoint_final.pth")
    assert checkpoint.configuration == "3d_fullres"
    assert checkpoint.mirror_axes == (0, 1, 2)


def test_the_logits_are_those_of_nnunets_own_network(a_folder):
    """DynUNet with the mapped weights is the same function as PlainConvUNet, whatever the biases before the norms."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    stage = read_model(a_folder).stages_of("full")[0]
    checkpoint = load_checkpoint(stage.checkpoint("0"))
    ours = build_network(stage.configuration.architecture, in_channels=1, heads=3)
    load_weights(ours, checkpoint.weights, stage.configuration.architecture)
    described = plans_json()["configurations"]["3d_fullres"]["architecture"]
    theirs = get_network_from_plans(
        described["network_class_name"],
        described["arch_kwargs"],
        described["_kw_requires_import"],
        1,
        3,
        deep_supervision=False,
    )
    theirs.load_state_dict(checkpoint.weights)
    image = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = (ours.eval()(image) - theirs.eval()(image)).abs().max()
    assert float(difference) < 1e-4


def test_weights_of_another_network_are_refused(a_folder):
    stage = read_model(a_folder).stages_of("full")[0]
    checkpoint = load_checkpoint(stage.checkpoint("0"))
    other = build_network(stage.configuration.architecture, in_channels=1, heads=5)
    with pytest.raises(ModelError, match="do not fit"):
        load_weights(other, checkpoint.weights, stage.configuration.architecture)
