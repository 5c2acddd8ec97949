"""Windows: where they lie, how they are weighted, what happens between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from BoneSegLib.errors import Cancelled, InternalError
from BoneSegLib.inference.looks import Look, mirrored_looks
from BoneSegLib.inference.sliding_window import (
    all_windows,
    gaussian_weights,
    padding_to,
    predict_logits,
    window_starts,
    windows_over,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "patch", "starts"),
    [(64, 64, [0]), (65, 64, [0, 1]), (96, 64, [0, 32]), (110, 64, [0, 23, 46]), (128, 64, [0, 32, 64])],
)
def test_windows_start_where_nnunet_starts_them(size, patch, starts):
    assert window_starts(size, patch) == starts


def test_windows_cover_everything():
    covered = np.zeros((37, 50, 41), bool)
    for window in all_windows(covered.shape, (16, 32, 16)):
        covered[window] = True
    assert covered.all()


@pytest.mark.parametrize("step", [0.5, 0.75, 1.0])
def test_windows_over_a_mask_cover_it_and_skip_the_rest(step):
    needed = np.zeros((80, 80, 80), bool)
    needed[10:20, 10:20, 10:20] = needed[60:75, 60:75, 60:75] = True
    windows = windows_over(needed, (16, 16, 16), step)
    covered = np.zeros_like(needed)
    for window in windows:
        assert all(part.start >= 0 and part.stop <= 80 for part in window)
        covered[window] = True
    assert covered[needed].all()
    assert len(windows) < len(all_windows(needed.shape, (16, 16, 16), step)) / 4


def test_no_windows_are_needed_where_nothing_is_wanted():
    assert windows_over(np.zeros((20, 20, 20), bool), (16, 16, 16)) == []


def test_weights_are_largest_in_the_middle_and_nowhere_zero():
    weights = gaussian_weights((8, 16, 32))
    assert float(weights[4, 8, 16]) == 10.0
    assert float(weights.min()) == pytest.approx(2.0**-24)


@pytest.mark.parametrize(("size", "pad"), [(10, (3, 3)), (11, (2, 3)), (16, (0, 0)), (40, (0, 0))])
def test_padding_is_even_with_the_odd_voxel_after(size, pad):
    assert padding_to((size, size, size), (16, 16, 16))[0] == pad


def run(network, image: torch.Tensor, patch=(8, 8, 8), windows=None, **options) -> torch.Tensor:
    """All logits (heads, k, j, i); NaN where no slab was."""
    shape = tuple(image.shape)
    logits = torch.full((2, *shape), float("nan"))
    for slab in predict_logits(
        [network],
        lambda w: image[w][None],
        shape,
        all_windows(shape, patch) if windows is None else windows,
        patch=patch,
        heads=2,
        device=CPU,
        **options,
    ):
        planes = slice(slab.start, slab.start + slab.logits.shape[1])
        before = logits[:, slab.start : slab.start + slab.repeated]
        assert torch.equal(before, slab.logits[:, : slab.repeated]), "the plane before is repeated as it was"
        logits[:, planes] = slab.logits
    return logits


def two_heads(batch: torch.Tensor) -> torch.Tensor:
    return torch.cat([-batch, batch], dim=1)


def test_overlapping_windows_average_to_the_answer_itself():
    image = torch.randn(20, 17, 12, generator=torch.Generator().manual_seed(0))
    logits = run(two_heads, image)
    assert torch.allclose(logits[1].float(), image, atol=2e-2)


def test_mirroring_undoes_the_flips():
    image = torch.randn(12, 12, 12, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(run(two_heads, image, looks=mirrored_looks((0, 2))).float()[1], image, atol=2e-2)


def test_of_two_looks_with_sides_swapped_the_one_that_is_sure_decides():
    image = torch.zeros(8, 8, 8)
    image[..., 0] = 1.0  # tells which way the window lies

    def unsure_unless_mirrored(batch: torch.Tensor) -> torch.Tensor:
        """As it is: barely label 0, with large logits. Mirrored: surely label 0, that is label 1 with sides swapped."""
        as_it_is = batch[:, :, :, :, :1] == 1
        return torch.cat([torch.where(as_it_is, 50.1, 9.0), torch.where(as_it_is, 50.0, 0.0)], 1).expand(
            -1, -1, 8, 8, 8
        )

    once = run(unsure_unless_mirrored, image)
    both = run(unsure_unless_mirrored, image, looks=(Look(), Look((2,), (1, 0))))
    assert (once.argmax(0) == 0).all()
    assert (both.argmax(0) == 1).all()
    probabilities = (torch.tensor([50.1, 50.0]).softmax(0) + torch.tensor([0.0, 9.0]).softmax(0)) / 2
    torch.testing.assert_close(both.softmax(0)[:, 4, 4, 4], probabilities, atol=1e-3, rtol=0)


def test_cancelling_stops_before_the_next_window():
    calls = []
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        run(lambda b: calls.append(1) or two_heads(b), torch.zeros(20, 20, 20), is_cancelled=lambda: next(answers))
    assert len(calls) == 2


def test_progress_counts_the_windows():
    told = []
    run(two_heads, torch.zeros(12, 8, 8), on_window=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_numbers_that_are_not_finite_are_an_error_and_not_labels():
    with pytest.raises(InternalError, match="finite"):
        run(lambda batch: two_heads(batch) * float("nan"), torch.ones(8, 8, 8))


@pytest.mark.parametrize("planes", [8, 9, 12, 13, 21, 40])
def test_slabs_follow_each_other_without_a_gap(planes):
    image = torch.randn(planes, 9, 8, generator=torch.Generator().manual_seed(planes))
    assert torch.allclose(run(two_heads, image)[1], image, atol=1e-5)


def test_between_distant_windows_nothing_is_told_and_beside_them_background():
    windows = [all_windows((8, 8, 8), (8, 8, 8))[0], (slice(30, 38), slice(4, 12), slice(0, 8))]
    logits = run(two_heads, torch.full((40, 12, 8), 3.0), windows=windows)
    assert logits[:, 8:30].isnan().all()
    assert (logits[1, :8, :8] == 3.0).all()
    assert (logits[1, 30:38, 4:] == 3.0).all()
    assert (logits.argmax(0)[:8, 8:] == 0).all()


def test_windows_over_a_part_are_those_that_count_there():
    """Their weights at the needed voxels make up nearly all of the weights that all windows have there."""
    shape, patch = (80, 96, 70), (32, 32, 32)
    needed = np.zeros(shape, bool)
    needed[10:60, 40:52, 20:50] = True
    every, chosen = all_windows(shape, patch), windows_over(needed, patch)
    shares = []
    for windows in (every, chosen):
        total = np.zeros(shape)
        for window in windows:
            total[window] += gaussian_weights(patch).double().numpy()
        shares.append(total[needed])
    assert set(map(str, chosen)) < set(map(str, every)), "the same grid"
    assert len(chosen) <= len(every) / 2
    assert (shares[1] / shares[0]).min() > 0.7
    assert (shares[1] / shares[0]).mean() > 0.99


def test_several_windows_at_once_give_what_they_give_one_by_one():
    image = torch.randn(20, 17, 12, generator=torch.Generator().manual_seed(3))
    sizes = []

    def network(batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        return two_heads(batch)

    together = run(network, image, at_once=4)
    assert max(sizes) == 4
    assert torch.allclose(together, run(two_heads, image), atol=1e-6)
