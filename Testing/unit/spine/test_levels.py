"""Names along a spine: where they begin, and what they must be with discs and heights in view."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.spine.borders import name_borders
from BoneSegLib.spine.levels import find_levels

SACRUM, L5, L4, L3, L2, L1, ABOVE = range(7)


def test_a_border_lies_where_it_leaves_the_fewest_names_wrong():
    shares = np.zeros((40, 3))
    shares[:15, 0] = shares[15:33, 1] = shares[33:, 2] = 1.0
    assert name_borders(shares) == pytest.approx({1: 15, 2: 33}, abs=1)


def test_a_name_that_is_not_seen_has_no_border():
    shares = np.zeros((40, 3))
    shares[:20, 0] = shares[20:, 1] = 1.0
    assert set(name_borders(shares)) == {1}


@pytest.mark.parametrize(("seen_mm", "borders"), [(1.0, {1}), (3.0, {1, 2})])
def test_a_name_on_little_of_the_spine_counts_but_not_one_on_next_to_nothing(seen_mm, borders):
    shares = np.zeros((60, 3))
    shares[:20, 0] = shares[20:50, 1] = 1.0
    shares[45:55, 2] = seen_mm / 10
    assert set(name_borders(shares)) == borders


def shares_of(*parts):
    """Plates on which one name alone lies: pairs of a name and millimetres, from below; None where there is no bone."""
    rows = [np.eye(7)[name] if name is not None else np.zeros(7) for name, length in parts for _ in range(length)]
    return np.array(rows)


def discs_at(length, places):
    """Evidence of discs: 1 at each, none elsewhere."""
    away = np.abs(np.arange(length)[:, None] - np.array(places)[None]).min(axis=1) if places else np.full(length, 99)
    return np.where(away < 3, 1.0, -0.9)


def begins(levels):
    return {int(levels[place]): int(place) for place in np.flatnonzero(np.diff(levels)) + 1}


def found(parts, discs):
    shares = shares_of(*parts)
    return begins(find_levels(shares, discs_at(len(shares), discs)))


WHOLE = [(SACRUM, 40), (L5, 34), (L4, 34), (L3, 34), (L2, 34), (L1, 34), (ABOVE, 30)]
WHOLE_DISCS = [40, 74, 108, 142, 176, 210]
WHOLE_BEGINS = {L5: 40, L4: 74, L3: 108, L2: 142, L1: 176, ABOVE: 210}


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(WHOLE, id="rightly"),
        pytest.param([(SACRUM, 40), (L5, 38), (L4, 38), (L3, 38), (L2, 38), (L1, 38), (ABOVE, 10)], id="too high"),
        pytest.param([(SACRUM, 40), (L5, 30), (L4, 28), (L3, 28), (L2, 28), (L1, 28), (ABOVE, 58)], id="one ahead"),
        pytest.param([(SACRUM, 40), (L5, 51), (L4, 34), (L3, 34), (L2, 34), (L1, 34), (ABOVE, 13)], id="L5 too high"),
        pytest.param([(SACRUM, 40), (L5, 34), (L4, 10), (L3, 34), (L2, 34), (L1, 34), (ABOVE, 54)], id="L4 too low"),
        pytest.param([(SACRUM, 40), (L5, 34), (L4, 34), (L2, 34), (L1, 34), (ABOVE, 64)], id="without L3"),
    ],
)  # fmt: skip
def test_with_the_sacrum_and_all_discs_in_view_every_miscount_is_mended(named):
    mended = found(named, WHOLE_DISCS)
    assert set(mended) == set(WHOLE_BEGINS)
    assert all(abs(mended[name] - WHOLE_BEGINS[name]) <= 4 for name in mended)


def test_a_disc_that_is_not_to_be_seen_lies_where_vertebrae_are_even():
    mended = found(WHOLE, [40, 74, 142, 176, 210])
    assert mended[L3] == pytest.approx(108, abs=3)


def test_where_no_disc_is_seen_names_begin_where_the_network_has_them():
    levels = begins(find_levels(shares_of(*WHOLE), np.zeros(240)))
    assert all(abs(levels[name] - WHOLE_BEGINS[name]) <= 4 for name in WHOLE_BEGINS)


def test_a_false_disc_within_a_body_makes_no_vertebra():
    assert set(found(WHOLE, [40, 74, 91, 108, 142, 176, 210])) == set(WHOLE_BEGINS)


def test_without_a_sacrum_names_are_what_most_of_the_bone_bears():
    mended = found([(L4, 34), (L3, 34), (L1, 8), (L2, 26), (L1, 34)], [34, 68, 102])
    assert set(mended) == {L3, L2, L1}


def test_a_vertebra_cut_by_the_end_of_the_scan_may_be_short():
    mended = found([(SACRUM, 30), (L5, 34), (L4, 9)], [30, 64])
    assert mended == {L5: pytest.approx(30, abs=3), L4: pytest.approx(64, abs=3)}


def test_a_part_of_the_axis_beyond_the_scan_is_no_part_of_a_vertebra():
    mended = found([(None, 30), (L4, 20), (L3, 34), (L2, 12), (None, 30)], [50, 84])
    assert set(mended) == {L3, L2}


def test_children_and_tall_people_are_counted_alike():
    for height in (22, 50):
        parts = [(SACRUM, 30), *[(name, height) for name in (L5, L4, L3, L2, L1)], (ABOVE, 20)]
        discs = [30 + height * number for number in range(6)]
        assert list(found(parts, discs).values()) == pytest.approx(discs, abs=3)


def test_a_chain_may_end_with_the_highest_lumbar_vertebra():
    """A model that has no name for what lies above."""
    shares = shares_of(*WHOLE[:-1])[:, :-1]
    assert set(begins(find_levels(shares, discs_at(len(shares), WHOLE_DISCS[:-1])))) == {L5, L4, L3, L2, L1}


def test_one_name_alone_is_left_alone():
    shares = shares_of((L3, 30))
    assert (find_levels(shares, np.full(30, -1.0)) == L3).all()


def test_where_nothing_bears_a_name_there_is_still_an_answer():
    assert len(find_levels(np.zeros((20, 7)), np.zeros(20))) == 20
