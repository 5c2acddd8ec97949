"""Training of the network that sees discs: examples made of cases, pictures changed, and something learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import find_peaks

from BoneSegLib.cli import main
from BoneSegLib.errors import InputError
from BoneSegLib.spine.disc_network import DiscNetwork, normalized, read_network
from BoneSegLib.spine.picture import AHEAD_MM, ASIDE_MM, HU_RANGE
from BoneSegLib.training.discs import train as discs_training
from BoneSegLib.training.discs.augmentation import change_picture
from BoneSegLib.training.discs.examples import Example, example_of, marked
from BoneSegLib.training.discs.train import train_on
from Testing.support.phantom_spine import spine

SPACING = np.array((1.5, 1.5, 1.5))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spines")
    ct, labels = spine(SPACING, noise=10.0)
    np.save(folder / "synth_00000_ct.npy", ct.astype(np.int16))
    np.save(folder / "synth_00000_labels.npy", labels)
    np.save(folder / "synth_00001_ct.npy", ct.astype(np.int16))
    np.save(folder / "synth_00001_labels.npy", np.where(labels == 3, labels, 0).astype(np.uint8))
    return folder


def test_discs_are_marked_at_the_borders_of_true_names(cases):
    for seed in range(5):
        example = example_of(cases / "synth_00000_labels.npy", np.random.default_rng(seed))
        assert example is not None
        peaks = find_peaks(example.discs, height=0.99)[0]
        assert len(peaks) >= 5
        np.testing.assert_allclose(np.diff(peaks), 34, atol=3)
        assert example.picture.shape == (len(example.discs), len(AHEAD_MM), len(ASIDE_MM))


def test_a_case_without_lumbar_vertebrae_makes_no_example(cases):
    assert example_of(cases / "synth_00001_labels.npy", np.random.default_rng(0)) is None


def test_what_lies_beyond_the_outermost_discs_is_not_known_but_for_the_sacrum():
    discs, known = marked({1: 60, 2: 95}, 200)
    assert discs[60] == discs[95] == 1
    assert discs[77] < 1e-3
    assert list(np.flatnonzero(np.diff(known.astype(int)))) == [22, 106]
    _, without_sacrum = marked({2: 60, 3: 95}, 200)
    assert not without_sacrum[40]


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_picture_keeps_its_length_and_range(seed):
    picture = np.random.default_rng(0).uniform(*HU_RANGE, (90, len(AHEAD_MM), len(ASIDE_MM))).astype(np.float32)
    changed = change_picture(picture, np.random.default_rng(seed))
    assert changed.shape == picture.shape[:2]
    assert changed.min() >= HU_RANGE[0] and changed.max() <= HU_RANGE[1]


def test_dark_levels_are_learnt_in_a_few_steps():
    rng = np.random.default_rng(0)

    def drawn():
        middles = 20 + np.arange(5) * int(rng.integers(28, 40)) + int(rng.integers(0, 20))
        discs, known = marked(dict(enumerate(middles, start=1)), 220)
        picture = np.full((220, len(AHEAD_MM), len(ASIDE_MM)), 300.0) - 260 * (discs > 0.3)[:, None, None]
        return Example(picture.astype(np.float16), discs, known)

    weights = train_on([drawn() for _ in range(20)], seconds=600, steps=120)
    network = DiscNetwork()
    network.load_state_dict(weights)
    example = drawn()
    with torch.inference_mode():
        logits = network(torch.from_numpy(normalized(example.picture.astype(np.float32).mean(2)))[None])[0].numpy()
    assert logits[example.discs > 0.9].min() > logits[example.known & (example.discs < 0.01)].max()


def test_the_command_trains_and_goes_on_from_the_examples_that_it_made(cases, tmp_path, capsys):
    words = ["train", str(cases), "-o", str(tmp_path), "--stage", "discs", "--steps", "3"]
    assert main(words) == 0
    read_network(tmp_path / "discs" / "discs.npz")
    made = sorted((tmp_path / "discs" / "examples").iterdir())
    assert len(made) == 4
    times = [path.stat().st_mtime_ns for path in made]
    assert main(words) == 0
    assert [path.stat().st_mtime_ns for path in made] == times
    assert "discs.npz" in capsys.readouterr().out


def test_examples_are_made_again_of_other_cases_and_none_at_all_is_told(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(discs_training, "example_of", lambda case, rng: made.append(case))

    def train():
        with pytest.raises(InputError, match="lumbar spine"):
            discs_training.run(tmp_path, tmp_path / "run", minutes=1, steps=1, rounds=1)

    np.save(tmp_path / "synth_00000_labels.npy", np.zeros((4, 4, 4), np.uint8))
    train()
    train()
    assert len(made) == 1, "read where it was made already"
    np.save(tmp_path / "synth_00000_labels.npy", np.zeros((4, 4, 5), np.uint8))
    train()
    assert len(made) == 2
