"""Names of vertebrae are moved to the discs that a CT shows; bone stays bone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from BoneSegLib.inference.vertebrae import move_names_to_discs, vertebra_chain
from BoneSegLib.spine.axis import spine_axis
from BoneSegLib.spine.names import names_at_discs
from Testing.support.phantom_spine import CHAIN, OTHER, SACRUM, VERTEBRAE, disc_heights, spine

FINE = (2.0, 2.0, 2.0)


def reader(ct, spacing):
    return lambda places: ndimage.map_coordinates(ct, (places / np.array(spacing)).T, order=1, mode="nearest")


def corrected(ct, names, spacing=FINE):
    return names_at_discs(names, CHAIN, reader(ct, spacing), spacing=spacing)


def borders_mm(names, spacing):
    """Height at which each vertebra's name begins, and T12's."""
    return [np.flatnonzero((names == label).any((1, 2)))[0] * spacing[0] for label in (*VERTEBRAE, OTHER)]


@pytest.mark.parametrize("late_mm", [-4.0, -2.0, 2.0, 4.0], ids=lambda mm: f"{mm:+.0f} mm per vertebra")
@pytest.mark.parametrize("spacing", [FINE, (4.25, 1.96, 1.96), (1.5, 1.5, 1.5)], ids=str)
def test_names_that_drift_along_the_spine_end_at_the_discs(late_mm, spacing):
    ct, names = spine(np.array(spacing), late_mm=late_mm, noise=15.0)
    moved = corrected(ct, names, spacing)
    # The sacrum's end is believed; every other name begins within its disc, 8 mm high.
    np.testing.assert_allclose(borders_mm(moved, spacing)[1:], disc_heights()[1:], atol=4.0 + spacing[0])


def _thick(ct, axis=0, voxels=3):
    """Slices of as many voxels, read back in between."""
    return ndimage.uniform_filter1d(ct, voxels, axis=axis)


def _myelogram(ct):
    """Contrast medium behind the bodies, along the whole spine."""
    filled = ct.copy()
    filled[:, 33:39, 19:27] = 900.0
    return filled


def _vacuum(ct):
    """Gas in every disc."""
    filled = ct.copy()
    for height in disc_heights():
        middle = round(height / FINE[0])
        filled[middle - 1 : middle + 1, 18:27, 18:27] = -400.0
    return filled


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(lambda ct: _thick(ct, voxels=2), id="slices of 4 mm"),
        pytest.param(lambda ct: _thick(ct, voxels=3), id="slices of 6 mm"),
        pytest.param(_myelogram, id="contrast medium in the canal"),
        pytest.param(_vacuum, id="gas in the discs"),
        pytest.param(lambda ct: np.where(ct > 100, ct * 1.8, ct), id="sclerotic bone"),
        pytest.param(lambda ct: np.where(ct == 160, -20, ct), id="fatty marrow, darker than discs"),
        pytest.param(lambda ct: ct + np.random.default_rng(1).normal(0, 60, ct.shape), id="noise"),
    ],
)
def test_discs_are_found_in_ct_that_hide_them(seen):
    ct, names = spine(np.array(FINE), late_mm=3.0)
    moved = corrected(seen(ct).astype(np.float32), names)
    np.testing.assert_allclose(borders_mm(moved, FINE)[1:], disc_heights()[1:], atol=6.0)


@pytest.mark.parametrize("bend", [-25.0, 25.0])
def test_a_bent_spine_is_followed(bend):
    ct, names = spine(np.array(FINE), late_mm=4.0, bend=bend)
    _, truth = spine(np.array(FINE), bend=bend)
    moved = corrected(ct, names)
    wrong_before, wrong = ((wrong != truth).sum() / (truth > 0).sum() for wrong in (names, moved))
    assert wrong_before > 0.15
    assert wrong < 0.06


def test_bone_stays_bone_and_other_labels_stay_as_they_are():
    ct, names = spine(np.array(FINE), late_mm=4.0)
    names[60:80, 40:45, :4] = 1  # a hip bone
    moved = corrected(ct, names)
    assert ((moved > 0) == (names > 0)).all()
    assert ((moved == 1) == (names == 1)).all()


def test_right_names_stay_right():
    ct, names = spine(np.array(FINE))
    assert (corrected(ct, names) != names).sum() / (names > 0).sum() < 0.03


def test_without_discs_to_be_seen_names_hardly_move():
    _, names = spine(np.array(FINE))
    flat = np.full(names.shape, 100.0, np.float32)
    np.testing.assert_allclose(borders_mm(corrected(flat, names), FINE), borders_mm(names, FINE), atol=4.0)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(lambda names: np.zeros_like(names), id="no bone"),
        pytest.param(lambda names: np.where(names == SACRUM, names, 0), id="no vertebra"),
        pytest.param(lambda names: np.where((names == 10) & (np.arange(len(names)) < 30)[:, None, None], names, 0),
                     id="a piece of one"),
        pytest.param(lambda names: np.where(np.arange(names.shape[2]) % 22 == 0, names, 0), id="specks"),
    ],
)  # fmt: skip
def test_too_little_of_a_spine_changes_nothing(labels):
    ct, names = spine(np.array(FINE), late_mm=3.0)
    little = labels(names).astype(np.uint8)
    np.testing.assert_array_equal(corrected(ct, little), little)


def test_the_axis_runs_through_the_bodies_a_mm_a_step():
    _, names = spine(np.array(FINE), bend=20.0)
    axis = spine_axis(np.isin(names, VERTEBRAE), FINE)
    assert axis is not None
    np.testing.assert_allclose(np.linalg.norm(np.diff(axis.points, axis=0), axis=1), 1.0, atol=1e-3)
    np.testing.assert_allclose(axis.points[:, 1], 45 + 0.2 * axis.points[:, 0], atol=1.5)
    np.testing.assert_allclose(axis.points[:, 2], 45, atol=1.0)
    np.testing.assert_allclose(axis.position_of(axis.points[20:-20]), axis.positions[20:-20], atol=0.1)


def _wrong(names, truth):
    """Share of bone that bears another name."""
    return ((names != truth) & (truth > 0)).sum() / (truth > 0).sum()


def _without_L3(names):
    """L3 bears L2's name, L2 that of L1, and L1 that of what lies above."""
    one_up = np.arange(256, dtype=np.uint8)
    one_up[list(VERTEBRAE[2:])] = [*VERTEBRAE[3:], OTHER]
    return one_up[names]


def test_names_that_skip_a_vertebra_are_counted_anew():
    ct, truth = spine(np.array(FINE))
    assert _wrong(_without_L3(truth), truth) > 0.3
    # Of L1, which bears the name of what lies above, the lower part is within reach.
    assert _wrong(corrected(ct, _without_L3(truth)), truth) < 0.06


def test_a_vertebra_that_bears_two_names_gets_one():
    ct, names = spine(np.array(FINE))
    truth = names.copy()
    height = np.arange(len(names))[:, None, None] * FINE[0]
    names[(truth == VERTEBRAE[1]) & (height > disc_heights()[1:3].mean())] = VERTEBRAE[2]
    assert _wrong(names, truth) > 0.05
    assert _wrong(corrected(ct, names), truth) < 0.03


def test_processes_that_hang_below_their_vertebra_keep_its_name():
    """A skipped vertebra is mended behind the canal too, where processes lie 14 mm lower than their bodies."""
    ct, truth = spine(np.array(FINE))
    behind = (slice(None), slice(36, 44), slice(20, 25))
    truth[behind] = 0
    truth[:-7][behind] = truth[7:, 22:23, 22:23]
    moved = corrected(ct, _without_L3(truth))[behind]
    for label in VERTEBRAE[:-1]:
        assert ((moved == label) & (truth[behind] == label)).sum() > 0.9 * (truth[behind] == label).sum(), label


@pytest.mark.parametrize(("named", "kept"), [(VERTEBRAE[4], True), (VERTEBRAE[3], False)], ids=["L1", "L2"])
def test_an_arch_whose_body_the_scan_cuts_off_keeps_its_name(named, kept):
    """The scan ends at L2's upper face; behind it hangs a part of L1's arch, and the network saw an L1, or none."""
    ct, names = spine(np.array(FINE))
    end = round((disc_heights()[4] - 4) / FINE[0])
    ct, names = ct[:end], names[:end]
    names[-3:][names[-3:] > 0] = named
    names[-5:, 36:42, 20:25] = named
    arch = corrected(ct, names)[-5:, 38:42, 20:25]
    assert (arch == named).all()
    assert ((corrected(ct, names)[-3:, 18:27, 20:25] == VERTEBRAE[3]).all()) or not kept


def test_names_are_moved_in_place_on_any_grid_beside_an_image_on_its_own():
    """Labels at 1 mm, as the image itself; and names at 3 mm over the same field of view."""
    ct, _ = spine(np.array((1.0, 1.0, 1.0)))
    for spacing in ((1.0, 1.0, 1.0), (3.0, 3.0, 3.0)):
        _, names = spine(np.array(spacing), late_mm=4.0)
        before = names > 0
        move_names_to_discs(names, CHAIN, ct, (1.0, 1.0, 1.0))
        assert ((names > 0) == before).all()
        np.testing.assert_allclose(borders_mm(names, spacing)[1:], disc_heights()[1:], atol=4.0 + spacing[0])


def test_only_a_model_that_names_lumbar_vertebrae_has_a_chain():
    labels = {"background": 0, "sacrum": 3, **{f"vertebra_L{n}": 5 + n for n in range(1, 6)}, "other_bone": 11}
    assert vertebra_chain(labels) == CHAIN
    assert vertebra_chain({name: value for name, value in labels.items() if name != "other_bone"}) == CHAIN[:-1]
    assert vertebra_chain({"background": 0, "liver": 1}) == ()
