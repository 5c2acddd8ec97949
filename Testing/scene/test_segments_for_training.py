"""Segmentations saved from Slicer are training data: any names, any extent, on the image's grid."""

from __future__ import annotations

import numpy as np
import pytest

from BoneSegLib.anatomy import foreign_structure
from BoneSegLib.errors import InputError
from BoneSegLib.headless.write import write_segmentation
from BoneSegLib.label_rules import parse_rules, rules_of_data
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.data.read_case import read_case
from BoneSegLib.volume import Geometry, LabelMap
from Testing.support.balls import ball_arrays, write_image


@pytest.fixture
def a_saved_case(a_scene, tmp_path):
    """The balls as segments 'Large' and 'Small', saved with a smaller extent than the image has."""
    from BoneSegLib.headless.read import read_image
    from BoneSegLib.scene.write import write_labels

    image, labels = ball_arrays(0)
    write_image(tmp_path / "scan.nii.gz", image)
    geometry = read_image(tmp_path / "scan.nii.gz").geometry
    matrix = geometry.ijk_to_ras.copy()
    matrix[:3, 3] = (matrix @ [1, 2, 3, 1])[:3]
    part = labels[3:, 2:, 1:]
    structures = (foreign_structure(1, "large"), foreign_structure(2, "small"))
    node = write_labels(LabelMap(part, Geometry(part.shape[::-1], matrix), structures))
    write_segmentation(node, tmp_path / "Segmentation.seg.nrrd")
    return tmp_path, labels


def test_segments_lie_on_the_grid_of_the_image(a_saved_case):
    folder, labels = a_saved_case
    source = find_source(folder)
    case = read_case(source.pairs[0], source)
    np.testing.assert_array_equal(case.labels(parse_rules(["a=Large", "b=small"])).array, labels)
    assert rules_of_data({}, (), [names[-1] for names in case.segments.values()]).names == ("Large", "Small")


def test_values_mean_nothing_where_segments_have_names(a_saved_case):
    folder, _ = a_saved_case
    source = find_source(folder)
    case = read_case(source.pairs[0], source)
    assert not case.labels(parse_rules(["a=1", "b=2"])).array.any()


def test_reading_leaves_the_scene_as_it_was(a_saved_case, a_scene):
    folder, _ = a_saved_case
    source = find_source(folder)
    before = a_scene.GetNumberOfNodes()
    read_case(source.pairs[0], source)
    assert a_scene.GetNumberOfNodes() == before


def test_a_damaged_segmentation_is_told(a_saved_case):
    folder, _ = a_saved_case
    path = folder / "Segmentation.seg.nrrd"
    path.write_bytes(path.read_bytes()[:-200])
    source = find_source(folder)
    with pytest.raises(InputError, match="damaged or cut off"):
        read_case(source.pairs[0], source)
