"""An exported model folder is nnU-Net's: strict loading into PlainConvUNet, equal logits, plans that are read back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from BoneSegLib.models.architecture import Architecture
from BoneSegLib.models.checkpoint import load_checkpoint
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import verify_files
from BoneSegLib.models.network import build_network, load_weights
from BoneSegLib.training.card import BONES
from BoneSegLib.training.export import ModelContent, TrainedStage, bone_content, export_model, plain_conv_unet_weights
from BoneSegLib.training.planning.network_plan import plan_of_model, plan_of_stage
from BoneSegLib.training.plans import plans_json
from BoneSegLib.training.stage import CASCADE, LOWRES

CLASSES = 12
STAGES = {
    LOWRES.name: replace(LOWRES, patch=(16, 16, 16), features=(4, 8, 8)),
    CASCADE.name: replace(CASCADE, patch=(16, 16, 16), features=(4, 8, 12)),
}


def _network(plan):
    torch.manual_seed(1)
    network = build_network(plan.architecture, in_channels=plan.in_channels(CLASSES), heads=CLASSES)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


@pytest.fixture(scope="module")
def networks():
    return {name: _network(plan) for name, plan in STAGES.items()}


@pytest.fixture(scope="module")
def folder(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    stages = [
        TrainedStage(plan_of_stage(STAGES[name]), {"0": network.state_dict()}) for name, network in networks.items()
    ]
    export_model(folder, stages, bone_content(cases=3), BONES, half=False)
    return folder


def test_the_engine_reads_the_folder_and_its_hashes_hold(folder):
    model = read_model(folder)
    verify_files(model)
    assert model.qualities == dict.fromkeys(("fast", "full"), (LOWRES.name, CASCADE.name))
    assert model.pads_with_air
    assert model.stages[CASCADE.name].in_channels == CLASSES
    assert json.loads((folder / "boneseg.json").read_text())["not_for_clinical_use"] is True


@pytest.mark.parametrize("name", STAGES)
def test_the_exported_weights_come_back_exactly(folder, networks, name):
    plan = STAGES[name]
    again = build_network(plan.architecture, in_channels=plan.in_channels(CLASSES), heads=CLASSES).eval()
    checkpoint = load_checkpoint(folder / f"nnUNetTrainer__nnUNetPlans__{name}" / "fold_0" / "checkpoint_final.pth")
    load_weights(again, checkpoint.weights, plan.architecture)
    image = torch.randn(1, plan.in_channels(CLASSES), 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(again(image), networks[name](image))


@pytest.mark.parametrize("name", STAGES)
def test_plain_conv_unet_loads_them_strictly_and_answers_alike(folder, networks, name):
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    plan = STAGES[name]
    stage = folder / f"nnUNetTrainer__nnUNetPlans__{name}"
    arguments = json.loads((stage / "plans.json").read_text())["configurations"][name]["architecture"]["arch_kwargs"]
    arguments |= {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    oracle = unet.PlainConvUNet(plan.in_channels(CLASSES), num_classes=CLASSES, deep_supervision=True, **arguments)
    weights = torch.load(stage / "fold_0" / "checkpoint_final.pth", weights_only=True)["network_weights"]
    oracle.load_state_dict(weights, strict=True)
    oracle.decoder.deep_supervision = False
    image = torch.randn(1, plan.in_channels(CLASSES), 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(oracle.eval()(image), networks[name](image), atol=1e-4, rtol=1e-4)


def test_kernels_that_differ_are_plain_conv_unets_at_every_level():
    """As plans have them for slices thicker than pixels."""
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    kernels = ((1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3))
    network = Architecture((4, 6, 8, 10), kernels, ((1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2)))
    plan = replace(plan_of_stage(STAGES[LOWRES.name]), architecture=network)
    ours = _network(plan)
    arguments = plans_json([plan], name="thick", median_size_mm=(90.0, 90.0, 90.0))["configurations"][plan.name]
    arguments = arguments["architecture"]["arch_kwargs"]
    arguments |= {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    oracle = unet.PlainConvUNet(1, num_classes=CLASSES, deep_supervision=True, **arguments)
    oracle.load_state_dict(plain_conv_unet_weights(network, ours.state_dict(), half=False), strict=True)
    oracle.decoder.deep_supervision = False
    image = torch.randn(1, 1, 8, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(oracle.eval()(image), ours(image), atol=1e-4, rtol=1e-4)


def test_a_model_of_other_anatomy_keeps_its_names_folds_and_mirrors(tmp_path):
    plan = replace(plan_of_stage(STAGES[LOWRES.name]), air=False, normalization="ZScoreNormalization")
    states = {fold: build_network(plan.architecture, in_channels=1, heads=3).state_dict() for fold in ("0", "3")}
    content = ModelContent(
        labels={"liver": 1, "tumour": 2}, channel="T2", cases=2, median_size_mm=(90.0, 90.0, 90.0), mirror_axes=(0, 2)
    )
    export_model(tmp_path / "model", [TrainedStage(plan, states)], content, replace(BONES, name="liver"))
    model = read_model(tmp_path / "model")
    verify_files(model)
    stage = model.stages[plan.name]
    assert [(structure.id, structure.label) for structure in model.structures] == [("liver", 1), ("tumour", 2)]
    assert (stage.folds, stage.configuration.normalizations) == (("0", "3"), ("ZScoreNormalization",))
    assert (model.canonical, model.pads_with_air, model.dataset.is_ct) == (True, False, False)
    assert load_checkpoint(stage.checkpoint("3")).mirror_axes == (0, 2)


def test_images_are_resampled_as_the_network_was_trained_to_see_them(folder):
    stages = read_model(folder).stages
    orders = {name: stage.configuration.data_resampling.order for name, stage in stages.items()}
    assert orders == {LOWRES.name: 1, CASCADE.name: 3}
    assert plan_of_model(stages[LOWRES.name], air=True).image_order == 1
