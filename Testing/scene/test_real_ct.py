"""Real CT through the scene and back."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.headless.image_file import geometry_of
from BoneSegLib.headless.read import read_labelmap, read_volume_node
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import LabelMap

CASES = ("abdomen_pelvis_acrin_ct", "lumbar_sacrum_s0009_ct", "negative_chest_cmbcrc_ct", "negative_neck_s0002_ct")


@pytest.mark.real_data
@pytest.mark.parametrize("name", CASES)
def test_bone_found_by_threshold_lies_where_the_image_has_it(a_scene, shared_data, tmp_path, name):
    from BoneSegLib.scene.read import volume_from_node
    from BoneSegLib.scene.statistics import compute_statistics
    from BoneSegLib.scene.write import write_segmentation

    path = shared_data / "ct" / f"{name}.nii.gz"
    node = read_volume_node(path)
    volume = volume_from_node(node)
    image = SimpleITK.ReadImage(str(path))
    assert volume.geometry.matches(geometry_of(image))
    assert np.array_equal(volume.array, SimpleITK.GetArrayViewFromImage(image))
    labels = np.where(volume.array > 200, 3, 0).astype(np.uint8)
    segmentation = write_segmentation(LabelMap(labels, volume.geometry), node)
    for suffix in (".seg.nrrd", ".nii.gz"):
        written = save_segmentation(segmentation, tmp_path / f"out{suffix}")
        back = read_labelmap(written)
        assert back.geometry.matches(volume.geometry)
        assert np.array_equal(back.array, labels)
    row = next(row for row in compute_statistics(segmentation, node) if row["id"] == "sacrum")
    assert row["voxels"] == np.count_nonzero(labels)
    assert row["hu_min"] > 200
