"""Grow from seeds, and where seeds come from."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.baselines.commands import add_arguments, run_command
from BoneSegLib.baselines.grow_from_seeds import GrowOptions, certain_background, grow_from_seeds, region
from BoneSegLib.baselines.seed_files import read_seeds
from BoneSegLib.baselines.seeds import BACKGROUND, SeedOptions, add_background, seeds_from_labels, share_out
from BoneSegLib.errors import Cancelled, InputError, UsageError
from BoneSegLib.headless.write import write_labelmap
from BoneSegLib.label_rules import parse_rules
from BoneSegLib.volume import Geometry, LabelMap, Volume

SHAPE = (24, 26, 28)
GEOMETRY = Geometry.from_spacing(SHAPE[::-1], (0.8, 0.9, 1.2))
HIP = (slice(4, 12), slice(4, 14), slice(4, 14))
SACRUM = (slice(14, 21), slice(8, 20), slice(8, 22))


@pytest.fixture
def truth():
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[HIP], array[SACRUM] = 1, 3
    return LabelMap(array, GEOMETRY)


@pytest.fixture
def ct(truth):
    noise = np.random.default_rng(0).normal(0, 10, SHAPE)
    return Volume((np.where(truth.array > 0, 500, 30) + noise).astype(np.int16), GEOMETRY)


@pytest.fixture
def seeds(truth):
    return seeds_from_labels(truth, options=SeedOptions(core_mm=2, gap_mm=1.5, shell_mm=1.5))


def test_seeds_are_cores_and_a_shell_that_touches_nothing(truth, seeds):
    structures = (seeds.array > 0) & (seeds.array != BACKGROUND)
    assert (seeds.array[structures] == truth.array[structures]).all()
    assert (truth.array[seeds.array == BACKGROUND] == 0).all()
    assert set(np.unique(seeds.array)) == {0, 1, 3, BACKGROUND}
    assert 0 < (seeds.array == 1).sum() < (truth.array == 1).sum()


def test_a_structure_thinner_than_the_core_keeps_its_deepest_voxels():
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[10, 5:20, 5:20] = 1
    assert (seeds_from_labels(LabelMap(array, GEOMETRY)).array == 1).any()


def test_nothing_gives_no_seeds():
    with pytest.raises(InputError):
        seeds_from_labels(LabelMap(np.zeros(SHAPE, np.uint8), GEOMETRY))


def test_bones_grow_to_their_edges(ct, truth, seeds):
    grown = grow_from_seeds(ct, seeds)
    np.testing.assert_array_equal(grown.array, truth.array)
    assert grown.info["method"] == "grow from seeds" and grown.info["seconds"] > 0


def test_it_is_the_result_of_slicers_filter_on_the_same_region(ct, seeds):
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData

    from BoneSegLib.headless import ensure_runtime

    noisy = Volume(np.random.default_rng(1).normal(200, 150, SHAPE).astype(np.int16), GEOMETRY)
    box = region(seeds.array, margin=0.2)
    images = []
    for array in (noisy.array[box], seeds.array[box]):
        image = vtkImageData()
        image.SetDimensions(*array.shape[::-1])
        image.SetSpacing(*GEOMETRY.spacing)
        image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
        images.append(image)
    slicers = ensure_runtime().vtkImageGrowCutSegment()
    slicers.SetIntensityVolume(images[0])
    slicers.SetSeedLabelVolume(images[1])
    slicers.Update()
    expected = vtk_to_numpy(slicers.GetOutput().GetPointData().GetScalars()).reshape(seeds.array[box].shape)
    grown = grow_from_seeds(noisy, seeds).array[box]
    np.testing.assert_array_equal(grown, np.where(expected == BACKGROUND, 0, expected))


def test_the_shortcut_leaves_the_result_as_it_is(ct, truth):
    # A shell thick enough that no diagonal step leads through it.
    seeds = seeds_from_labels(truth, options=SeedOptions(core_mm=2, gap_mm=1.5, shell_mm=2.5))
    grown = grow_from_seeds(ct, seeds)
    quick = grow_from_seeds(ct, seeds, options=GrowOptions(shortcut=True))
    assert certain_background(seeds.array).any()
    np.testing.assert_array_equal(quick.array, grown.array)


@pytest.mark.parametrize(("margin", "expected"), [(0.0, (5, 20)), (0.2, (5, 20)), (0.5, (4, 21)), (9.0, (0, 30))])
def test_the_region_is_the_seeds_box_and_a_share_of_it_but_three_voxels_at_least(margin, expected):
    seeds = np.zeros((30, 30, 30), dtype=np.uint8)
    seeds[8:17, 8:17, 8:17] = 1
    assert region(seeds, margin=margin) == (slice(*expected),) * 3


def test_outside_the_region_is_background(ct):
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[6, 6, 6], array[6, 6, 8] = 1, BACKGROUND
    grown = grow_from_seeds(ct, LabelMap(array, GEOMETRY))
    assert not grown.array[12:].any()


def test_one_kind_of_seed_is_not_enough(ct):
    array = np.zeros(SHAPE, dtype=np.uint8)
    with pytest.raises(InputError):
        grow_from_seeds(ct, LabelMap(array, GEOMETRY))
    array[6, 6, 6] = 1
    with pytest.raises(InputError, match="background"):
        grow_from_seeds(ct, LabelMap(array, GEOMETRY))


def test_seeds_of_another_grid_are_refused(ct, seeds):
    other = replace(seeds, geometry=Geometry.from_spacing(SHAPE[::-1], (1, 1, 1)))
    with pytest.raises(InputError):
        grow_from_seeds(ct, other)


def test_growing_can_be_cancelled(ct, seeds):
    with pytest.raises(Cancelled):
        grow_from_seeds(ct, seeds, is_cancelled=lambda: True)


def test_background_is_found_in_dark_voxels_away_from_the_seeds(ct, seeds):
    bones = replace(seeds, array=np.where(seeds.array == BACKGROUND, 0, seeds.array))
    dark = Volume(np.where(ct.array > 300, 500, -100), GEOMETRY)
    added = add_background(bones, dark, clear_mm=4.0)
    found = added.array == BACKGROUND
    assert found.any() and (dark.array[found] < 0).all()
    assert add_background(seeds, dark) is seeds


def test_a_mask_is_shared_out_to_the_nearest_seeds(truth, seeds):
    shared = share_out(truth.array > 0, seeds)
    np.testing.assert_array_equal(shared.array, truth.array)
    assert not share_out(truth.array > 0, seeds, reach_mm=0.0).array[seeds.array == 0].any()


def test_seeds_are_read_from_a_label_map_on_any_grid(seeds, tmp_path):
    cropped = LabelMap(seeds.array[1:].copy(), Geometry((28, 26, 23), seeds.geometry.ijk_to_ras @ _shift(0, 0, 1)))
    array = np.where(cropped.array == BACKGROUND, 77, cropped.array).astype(np.uint8)
    write_labelmap(replace(cropped, array=array), tmp_path / "seeds.nrrd")
    np.testing.assert_array_equal(read_seeds(tmp_path / "seeds.nrrd", GEOMETRY).array[1:], seeds.array[1:])


def test_the_segment_background_of_a_segmentation_is_the_background_seed(seeds, tmp_path):
    from BoneSegLib.headless import ensure_runtime
    from BoneSegLib.headless.write import write_segmentation

    slicer = ensure_runtime()
    from BoneSegLib.scene.write import write_labels

    painted = replace(seeds, structures=(*seeds.structures, foreign_structure(BACKGROUND, "Background")))
    node = write_labels(painted)
    write_segmentation(node, tmp_path / "seeds.seg.nrrd")
    slicer.mrmlScene.RemoveNode(node)
    np.testing.assert_array_equal(read_seeds(tmp_path / "seeds.seg.nrrd", GEOMETRY).array, seeds.array)


def test_seeds_outside_the_image_are_refused(seeds, tmp_path):
    write_labelmap(seeds, tmp_path / "seeds.nrrd")
    far = Geometry(GEOMETRY.size, GEOMETRY.ijk_to_ras @ _shift(500, 0, 0))
    with pytest.raises(InputError, match="no seeds"):
        read_seeds(tmp_path / "seeds.nrrd", far)


@pytest.fixture
def totals_seeds(seeds, tmp_path):
    """A label map of the hip, the sacrum and background with TotalSegmentator's values (1 is the spleen)."""
    theirs = np.zeros(256, np.uint8)
    theirs[[1, 3, BACKGROUND]] = 77, 25, 1
    write_labelmap(replace(seeds, array=theirs[seeds.array]), tmp_path / "total.nrrd")
    return tmp_path / "total.nrrd"


def test_seeds_with_totalsegmentators_values_are_refused_until_that_is_told(seeds, totals_seeds):
    with pytest.raises(InputError, match="TotalSegmentator") as refused:
        read_seeds(totals_seeds, GEOMETRY)
    assert "--seed-labels totalsegmentator" in refused.value.remedy
    told = read_seeds(totals_seeds, GEOMETRY, rules=parse_rules(["totalsegmentator"]))
    np.testing.assert_array_equal(told.array, seeds.array)


def test_seeds_of_a_structure_that_nobody_knows_are_refused(totals_seeds):
    with pytest.raises(UsageError, match="spleen"):
        read_seeds(totals_seeds, GEOMETRY, rules=parse_rules(["spleen=1"]))


@pytest.mark.parametrize(("moved_mm", "outside"), [(0, 0.0), (9.6, 0.5)])
def test_the_share_of_the_seeds_outside_of_the_image_is_known(tmp_path, moved_mm, outside):
    array = np.zeros(SHAPE, np.uint8)
    array[:16, 5:9, 5:9], array[:, 20:, :3] = 1, BACKGROUND  # 16 slices of 1.2 mm
    write_labelmap(LabelMap(array, GEOMETRY), tmp_path / "seeds.nrrd")
    image = Geometry(GEOMETRY.size, GEOMETRY.ijk_to_ras @ _shift(0, 0, moved_mm / 1.2))
    assert read_seeds(tmp_path / "seeds.nrrd", image).info["seeds_outside"] == outside


@pytest.mark.parametrize(
    ("has_background", "moved", "said"),
    [
        (True, 0, ""),
        (False, 0, "the seeds have no background"),
        (True, 8, "of the seeds lie outside of the image"),
    ],
)
def test_seeds_that_may_grow_wrongly_are_told_of(ct, seeds, tmp_path, capsys, has_background, moved, said):
    array = seeds.array if has_background else np.where(seeds.array == BACKGROUND, 0, seeds.array)
    geometry = Geometry(GEOMETRY.size, GEOMETRY.ijk_to_ras @ _shift(0, 0, moved))
    write_labelmap(LabelMap(array.astype(np.uint8), geometry), tmp_path / "seeds.nrrd")
    words = [_written(ct, tmp_path), "-o", tmp_path / "grown.nrrd", "--seeds", tmp_path / "seeds.nrrd"]
    assert _run(words) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Note: ")]
    assert len(notes) == bool(said)
    assert said in "".join(notes)


def test_the_command_grows_given_seeds_and_compares(ct, truth, seeds, tmp_path, capsys):
    write_labelmap(seeds, tmp_path / "seeds.nii.gz")
    write_labelmap(truth, tmp_path / "truth.nii.gz")
    words = [_written(ct, tmp_path), "-o", tmp_path / "grown.seg.nrrd", "--json", "--seeds", tmp_path / "seeds.nii.gz"]
    words += ["--reference", tmp_path / "truth.nii.gz", "--comparison", tmp_path / "scores.csv"]
    assert _run(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in data["comparison"]} == {"grow from seeds"}
    assert data["comparison"][0]["dice"] == 1.0
    assert (tmp_path / "grown.seg.nrrd").is_file()
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").startswith("method,structure,dice,")


def _written(ct, folder):
    import SimpleITK

    image = SimpleITK.GetImageFromArray(ct.array)
    image.SetSpacing(GEOMETRY.spacing)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # RAS, told in LPS
    SimpleITK.WriteImage(image, folder / "ct.nrrd")
    return folder / "ct.nrrd"


def _run(words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run_command(parser.parse_args([str(word) for word in words]))


def _shift(i, j, k):
    matrix = np.eye(4)
    matrix[:3, 3] = (i, j, k)
    return matrix
