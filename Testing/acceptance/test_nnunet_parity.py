"""nnunetv2's own predictor is the oracle: the same folder, the same image, the same labels."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib import SegmentOptions, Volume, segment
from Testing.support.nnunet_cascade import COARSE, FINE, write_trained_cascade
from Testing.support.nnunet_folder import write_trained_folder
from Testing.support.phantoms import two_blocks

pytest.importorskip("nnunetv2", reason="nnunetv2, the oracle, is not installed (make setup)")


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory):
    return write_trained_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def trained_cascade(tmp_path_factory):
    return write_trained_cascade(tmp_path_factory.mktemp("cascade"))


def nnunet_labels(
    folder, volume: Volume, *, mirroring: bool = False, step: float = 0.5, previous: np.ndarray | None = None
) -> np.ndarray:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(
        tile_step_size=step,
        use_mirroring=mirroring,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(str(folder), use_folds=(0,))
    properties = {"spacing": list(volume.geometry.spacing[::-1])}
    shown = None if previous is None else previous[None].astype(np.int16)  # it marks what it crops with -1
    return predictor.predict_single_npy_array(volume.array[None].astype(np.float32), properties, shown)


def agreement(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Share of equal voxels: of all, and of those that are foreground in either."""
    same = ours == theirs
    union = (ours > 0) | (theirs > 0)
    return float(same.mean()), float(same[union].mean())


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        pytest.param((50, 70, 66), (1.5, 1.5, 2.0), id="on the network's own grid"),
        pytest.param((75, 110, 100), (1.0, 0.9, 1.3), id="finer"),
        pytest.param((56, 56, 60), (3.0, 3.0, 3.0), id="coarser"),
        pytest.param((24, 110, 112), (0.9, 0.9, 4.5), id="thick slices, resampled apart"),
    ],
)
def test_a_folder_gives_the_labels_that_nnunetv2_gives(trained_folder, shape, spacing):
    volume, _ = two_blocks(shape, spacing, seed=3)
    options = SegmentOptions(
        model=trained_folder, precision="fp32", device="cpu", drop_islands=False, fill_holes=False, force=True
    )
    ours = segment(volume, options).array
    theirs = nnunet_labels(trained_folder, volume)
    everywhere, foreground = agreement(ours, theirs)
    assert np.count_nonzero(theirs) > 100, "the oracle found too little: the comparison would be empty"
    assert everywhere >= 0.999
    assert foreground >= 0.999


def test_mirroring_gives_the_labels_that_nnunetv2_gives(trained_folder):
    volume, _ = two_blocks((40, 50, 48), (1.5, 1.5, 2.0), seed=4)
    options = SegmentOptions(
        model=trained_folder, precision="fp32", device="cpu", drop_islands=False, fill_holes=False, mirroring=True
    )
    everywhere, foreground = agreement(
        segment(volume, options).array, nnunet_labels(trained_folder, volume, mirroring=True)
    )
    assert everywhere >= 0.999
    assert foreground >= 0.999


def test_windows_side_by_side_give_the_labels_that_nnunetv2_gives(trained_cascade, tmp_path):
    # They overlap by the few voxels that the size leaves over, where both windows' weights are at their smallest.
    model = shutil.copytree(trained_cascade, tmp_path / "side_by_side")
    manifest = json.loads((model / "boneseg.json").read_text())
    (model / "boneseg.json").write_text(json.dumps({**manifest, "step": {"fast": 1.0}}))
    volume, _ = two_blocks((39, 57, 59), (4.0, 4.0, 4.0), seed=6)
    options = SegmentOptions(
        model=model, quality="fast", precision="fp32", device="cpu", drop_islands=False, fill_holes=False,
        coarse_to_fine=False, force=True,
    )  # fmt: skip
    ours = segment(volume, options).array
    theirs = nnunet_labels(model / f"nnUNetTrainer__nnUNetPlans__{COARSE}", volume, step=1.0)
    overlapping = segment(volume, replace(options, model=trained_cascade)).array
    assert np.count_nonzero(theirs) > 100, "the oracle found too little: the comparison would be empty"
    assert agreement(overlapping, theirs)[1] < 0.99, "windows side by side should change something"
    assert agreement(ours, theirs)[1] >= 0.999


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        pytest.param((61, 71, 67), (1.01, 0.93, 1.31), id="finer than both networks"),
        pytest.param((29, 32, 35), (2.3, 2.4, 2.5), id="coarser than the second"),
        pytest.param((17, 71, 73), (0.9, 0.9, 4.5), id="thick slices, resampled apart"),
        pytest.param((20, 41, 61), (1.8, 1.8, 2.0), id="smaller than a window, padded"),
    ],
)
def test_a_cascade_gives_the_labels_that_nnunetv2_gives(trained_cascade, shape, spacing):
    # nnunetv2 is shown our first network's labels, which the tests above compare: it sums logits in half precision, and
    # one voxel of theirs that tips over is a thousandth of all names here. Sizes on the image's and the network's grid
    # have no common divisor: which of two equal shares wins is left to rounding there.
    volume, _ = two_blocks(shape, spacing, seed=5)
    options = SegmentOptions(
        model=trained_cascade,
        precision="fp32",
        device="cpu",
        drop_islands=False,
        fill_holes=False,
        coarse_to_fine=False,
        force=True,
    )
    ours = segment(volume, options).array
    names = segment(volume, replace(options, quality="fast")).array
    theirs = nnunet_labels(trained_cascade / f"nnUNetTrainer__nnUNetPlans__{FINE}", volume, previous=names)
    everywhere, foreground = agreement(ours, theirs)
    assert np.count_nonzero(theirs) > 100, "the oracle found too little: the comparison would be empty"
    assert agreement(names, theirs)[1] < 0.99, "the second network should change something"
    assert everywhere >= 0.999
    assert foreground >= 0.999
