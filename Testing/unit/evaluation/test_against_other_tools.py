"""Agreement with surface-distance, MONAI and SimpleITK; where they differ, why."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_shapes import ball_mask, blob_mask, box_mask, labelmap

from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions

SPACINGS_KJI = [(1.0, 1.0, 1.0), (2.5, 0.9, 0.7), (4.0, 0.5, 0.5)]


def _pairs():
    yield pytest.param(blob_mask(1), blob_mask(2), id="blobs")
    yield pytest.param(blob_mask(4), blob_mask(5), id="other blobs")
    yield pytest.param(
        ball_mask((30, 30, 30), (1, 1, 1), (14, 14, 14), 9),
        ball_mask((30, 30, 30), (1, 1, 1), (16, 15, 14), 7),
        id="balls",
    )
    yield pytest.param(
        box_mask((20,) * 3, (0, 0, 0), (9, 9, 9)), box_mask((20,) * 3, (5, 6, 7), (20, 20, 20)), id="edges"
    )
    noise = np.random.default_rng(0).random((12, 12, 12))
    yield pytest.param(noise > 0.5, np.roll(noise, 3) > 0.6, id="noise")  # meets all 256 cell codes
    yield pytest.param(box_mask((9,) * 3, (2, 2, 2), (3, 3, 3)), box_mask((9,) * 3, (6, 6, 6), (7, 7, 7)), id="voxels")


PAIRS = list(_pairs())


def compared(reference, test, spacing, surface):
    options = CompareOptions(structures=("hip_left",), surface=surface)
    return compare_labelmaps(labelmap(reference, spacing), labelmap(test, spacing), options=options).score("hip_left")


@pytest.fixture
def surface_distance(monkeypatch):
    """google-deepmind's package, which still asks numpy for the name ``Inf``."""
    metrics = pytest.importorskip("surface_distance.metrics", reason="surface-distance is not installed")
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)
    return metrics


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("spacing", SPACINGS_KJI)
@pytest.mark.parametrize(("reference", "test"), PAIRS)
def test_the_surfel_variant_is_that_of_surface_distance(surface_distance, reference, test, spacing):
    score = compared(reference, test, spacing, "surfel")
    theirs = surface_distance.compute_surface_distances(reference, test, spacing)
    to_test, to_reference = surface_distance.compute_average_surface_distance(theirs)
    assert score.hausdorff_mm == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 100), abs=1e-9)
    assert score.hausdorff95_mm == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 95), abs=1e-3)
    assert score.nsd == pytest.approx(surface_distance.compute_surface_dice_at_tolerance(theirs, 2.0), abs=1e-6)
    # Their table of areas knows some entries to six decimals only.
    assert score.distance_reference_to_test_mm == pytest.approx(to_test, abs=1e-5)
    assert score.distance_test_to_reference_mm == pytest.approx(to_reference, abs=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS_KJI)
@pytest.mark.parametrize(("reference", "test"), PAIRS)
def test_the_voxel_variant_is_that_of_monai(reference, test, spacing):
    metrics = pytest.importorskip("monai.metrics", reason="MONAI is not installed")
    import torch

    a, b = (torch.from_numpy(mask)[None, None].float() for mask in (test, reference))
    score = compared(reference, test, spacing, "voxel")
    options = {"include_background": True, "spacing": list(spacing)}
    assert score.dice == pytest.approx(metrics.compute_dice(a, b).item(), abs=1e-6)
    hausdorff = metrics.compute_hausdorff_distance(a, b, **options).item()
    assert score.hausdorff_mm == pytest.approx(hausdorff, rel=1e-5)
    percentile = metrics.compute_hausdorff_distance(a, b, percentile=95, **options).item()
    assert score.hausdorff95_mm == pytest.approx(percentile, rel=1e-5)
    mean = metrics.compute_average_surface_distance(a, b, symmetric=True, **options).item()
    assert score.assd_mm == pytest.approx(mean, rel=1e-5)
    share = metrics.compute_surface_dice(a, b, class_thresholds=[2.0], **options).item()
    assert score.nsd == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS_KJI)
@pytest.mark.parametrize(("reference", "test"), PAIRS)
def test_overlap_and_hausdorff_are_those_of_simpleitk(reference, test, spacing):
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    images = []
    for mask in (reference, test):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(spacing[::-1])
        images.append(image)
    score = compared(reference, test, spacing, "voxel")
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert score.dice == pytest.approx(overlap.GetDiceCoefficient(), abs=1e-12)
    assert score.jaccard == pytest.approx(overlap.GetJaccardCoefficient(), abs=1e-12)
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*images)
    # SimpleITK takes distances to the whole voxels of the other shape, not to its surface: a point deep inside the
    # other shape has none. The greatest distance is the same unless it is such a point's.
    assert hausdorff.GetHausdorffDistance() <= score.hausdorff_mm * (1 + 1e-6)
    # Its "average" is over all voxels of the shape and so far less than a surface distance.
    assert hausdorff.GetAverageHausdorffDistance() <= score.masd_mm * (1 + 1e-6)
