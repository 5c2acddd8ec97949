"""The model that ships inside: whole, at home in nnunetv2 too, and good enough on the sample and on real CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.headless.read import read_labelmap, read_volume
from BoneSegLib.models.catalogue import bundled_models
from BoneSegLib.models.folder import read_model
from BoneSegLib.models.integrity import verify_files
from BoneSegLib.resources import resources_folder
from BoneSegLib.volume import LabelMap

SAMPLE = resources_folder() / "SampleData"

# What the data set of the real CT calls our bones (TotalSegmentator v2, task "total"; S1 belongs to the sacrum).
TOTAL_LABELS = {77: 1, 78: 2, 25: 3, 26: 3, 75: 4, 76: 5, 31: 6, 30: 7, 29: 8, 28: 9, 27: 10}


@pytest.fixture(scope="module")
def model():
    (folder, *_) = bundled_models()
    return read_model(folder)


def dice_of(reference: LabelMap, test: LabelMap) -> dict[str, float]:
    return {score.structure: score.dice for score in compare_labelmaps(reference, test).rows}


def real_labels(path) -> LabelMap:
    volume = read_volume(path)
    labels = np.zeros(volume.array.shape, np.uint8)
    for theirs, ours in TOTAL_LABELS.items():
        labels[volume.array == theirs] = ours
    return LabelMap(labels, volume.geometry)


def test_every_file_of_the_model_is_as_it_was_when_it_was_made(model):
    verify_files(model)
    read_by_the_engine = {path.name for path in model.folder.rglob("*") if path.suffix in (".json", ".pth")}
    assert {path.rsplit("/")[-1] for path in model.manifest["files"]} == read_by_the_engine - {"boneseg.json"}
    assert model.manifest["not_for_clinical_use"] is True
    assert model.manifest["attribution"]


def test_the_model_segments_all_ten_bones(model):
    assert [structure.label for structure in model.structures] == list(range(1, 11))
    assert sum(path.stat().st_size for path in model.folder.rglob("*")) < 60e6


def test_the_sample_ct_is_segmented_as_well_as_make_demo_asks():
    volume = read_volume(SAMPLE / "sample_ct.nii.gz")
    dice = dice_of(read_labelmap(SAMPLE / "sample_labels.nii.gz"), segment(volume))
    assert dice["mean"] >= 0.89, dice
    assert min(dice.values()) > 0.8, dice


@pytest.mark.parametrize("stage", ["3d_lowres"])
def test_the_model_gives_the_same_labels_in_nnunetv2(model, stage):
    torch = pytest.importorskip("torch")
    predict = pytest.importorskip("nnunetv2.inference.predict_from_raw_data", reason="make setup installs the oracle")
    volume = read_volume(SAMPLE / "sample_ct.nii.gz")
    # nnunetv2 pads windows with 0 and this model wants air: with air all around, neither pads.
    spacing = np.array(volume.geometry.spacing[::-1])
    wanted = np.array(model.stages[stage].configuration.patch) * model.stages[stage].configuration.spacing / spacing
    missing = np.maximum(np.ceil(wanted).astype(int) + 1 - volume.array.shape, 0)
    array = np.pad(volume.array, [(n // 2, n - n // 2) for n in missing], constant_values=-1024)
    predictor = predict.nnUNetPredictor(
        use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
    )
    predictor.initialize_from_trained_model_folder(str(model.stages[stage].folder), use_folds=(0,))
    theirs = predictor.predict_single_npy_array(array[None].astype(np.float32), {"spacing": list(spacing)})
    theirs[theirs == model.dataset.labels["other_bone"]] = 0
    geometry = Geometry.from_spacing(
        array.shape[::-1], volume.geometry.spacing, directions=volume.geometry.directions.round()
    )
    options = SegmentOptions(
        model=model.stages[stage].folder,
        precision="fp32",
        device="cpu",
        drop_islands=False,
        fill_holes=False,
        second_look=False,
        drafts=0,
        discs=False,
        drop_unnamed=False,
        drop_lifted=False,
        refine=False,
    )
    ours = segment(Volume(array, geometry), options).array
    union = (ours > 0) | (theirs > 0)
    assert union.sum() > 10_000
    assert (ours == theirs).mean() >= 0.999
    assert (ours == theirs)[union].mean() >= 0.999


def test_a_graphics_card_gives_the_labels_of_the_processor():
    torch = pytest.importorskip("torch")
    cards = [name for name, module in (("cuda", torch.cuda), ("mps", torch.mps)) if module.is_available()]
    if not cards:
        pytest.skip("this computer has no graphics card that torch can use")
    volume = read_volume(SAMPLE / "sample_ct.nii.gz")
    there, here = (segment(volume, SegmentOptions(device=device, precision="fp32")) for device in (cards[0], "cpu"))
    assert there.info["device"].startswith(cards[0])
    assert (there.array == here.array).mean() >= 0.999


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("quality", "hip", "sacrum", "vertebra"), [("fast", 0.92, 0.84, 0.80), ("full", 0.94, 0.90, 0.86)]
)
def test_the_bones_of_a_real_ct_are_found_and_on_their_side(shared_data, quality, hip, sacrum, vertebra):
    volume = read_volume(shared_data / "ct" / "lumbar_sacrum_s0009_ct.nii.gz")
    reference = real_labels(shared_data / "ct" / "lumbar_sacrum_s0009_labels.nii.gz")
    dice = dice_of(reference, segment(volume, SegmentOptions(quality=quality)))
    assert min(dice["hip_left"], dice["hip_right"]) > hip, dice
    assert dice["sacrum"] > sacrum, dice
    assert min(dice[f"vertebra_L{level}"] for level in range(1, 6)) > vertebra, dice


@pytest.mark.real_data
@pytest.mark.parametrize("slices", [2, 3, 4])
def test_vertebrae_keep_their_names_in_a_real_ct_of_thick_slices(shared_data, slices):
    """Slices of 3, 4.5 and 6 mm, each the mean of as many thin ones."""
    volume = read_volume(shared_data / "ct" / "lumbar_sacrum_s0009_ct.nii.gz")
    reference = real_labels(shared_data / "ct" / "lumbar_sacrum_s0009_labels.nii.gz")
    count = len(volume.array) // slices * slices
    means = volume.array[:count].reshape(-1, slices, *volume.array.shape[1:]).mean(1)
    thick = replace(volume, array=volume.array.copy())
    thick.array[:count] = np.repeat(means, slices, axis=0).round()
    dice = dice_of(reference, segment(thick, SegmentOptions(quality="fast")))
    assert min(dice[f"vertebra_L{level}"] for level in range(1, 6)) > 0.65, dice


@pytest.mark.real_data
@pytest.mark.parametrize("quality", ["fast", "full"])
@pytest.mark.parametrize("name", ["negative_chest_cmbcrc", "negative_neck_s0002"])
def test_little_bone_is_found_where_there_is_none_of_ours(shared_data, name, quality):
    volume = read_volume(shared_data / "ct" / f"{name}_ct.nii.gz")
    labels = segment(volume, SegmentOptions(quality=quality, force=True))
    assert np.count_nonzero(labels.array) * volume.geometry.voxel_volume / 1000 < 5, "ml of false bone"
