"""The page about a run and its pictures."""

from __future__ import annotations

import re

import numpy as np
import pytest

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.report.page import describe_provenance, write_run_report
from BoneSegLib.report.pictures import slice_pictures
from BoneSegLib.volume import Geometry, LabelMap, Volume

INFO = {
    "model": "m",
    "model_version": "1",
    "quality": "fast",
    "device": "cpu",
    "precision": "fp32",
    "seconds_total": 12.34,
    "versions": {"boneseg": "0"},
    "date": "2026-01-01",
    "notes": ["Thick <slices>"],
}


def a_result(directions: np.ndarray) -> tuple[Volume, LabelMap]:
    """A volume whose left hip is a block on the patient's left, in front and above the middle."""
    geometry = Geometry.from_spacing((30, 30, 30), (2.0, 2.0, 2.0), directions=directions)
    k, j, i = np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij")
    ras = np.stack([i, j, k], axis=-1) @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]
    offset = ras - geometry.corners().mean(axis=0)
    inside = (offset[..., 0] < -8) & (offset[..., 0] > -20) & (offset[..., 1] > 6) & (offset[..., 2] > 10)
    labels = np.where(inside, 1, 0).astype(np.uint8)
    array = np.where(inside, 500, -1000).astype(np.int16)
    return Volume(array, geometry), LabelMap(labels, geometry, (BY_ID["hip_left"],), INFO)


@pytest.mark.parametrize("directions", [np.diag([-1.0, -1.0, 1.0]), np.eye(3), np.eye(3)[:, [1, 2, 0]]])
def test_slices_are_shown_as_radiologists_look_at_them(directions):
    axial, coronal, sagittal = slice_pictures(*a_result(directions))

    def middle_of_bone(picture: np.ndarray) -> np.ndarray:
        return np.argwhere(picture.sum(axis=2) > 0).mean(axis=0) / picture.shape[:2]

    row, column = middle_of_bone(axial)
    assert row < 0.5, "front is up"
    assert column > 0.5, "the patient's left is on the right"
    row, column = middle_of_bone(coronal)
    assert row < 0.5, "the head is up"
    assert column > 0.5
    row, column = middle_of_bone(sagittal)
    assert row < 0.5
    assert column < 0.5, "front is to the left"


def test_pixels_are_square():
    volume, labels = a_result(np.diag([-1.0, -1.0, 1.0]))
    geometry = Geometry.from_spacing((30, 30, 30), (1.0, 1.0, 4.0), directions=np.diag([-1.0, -1.0, 1.0]))
    thick = (Volume(volume.array, geometry), LabelMap(labels.array, geometry, labels.structures, INFO))
    assert [picture.shape for picture in slice_pictures(*thick)] == [(30, 30, 3), (120, 30, 3), (120, 30, 3)]


def test_an_empty_result_has_pictures_too():
    volume, labels = a_result(np.eye(3))
    empty = LabelMap(np.zeros_like(labels.array), labels.geometry, labels.structures, INFO)
    assert len(slice_pictures(volume, empty)) == 3


def test_the_page_holds_everything_and_escapes_names(tmp_path):
    volume, labels = a_result(np.eye(3))
    rows = [{"name": "Left <hip>", "voxels": 0, "volume_cm3": 0.0, "hu_mean": None}]
    write_run_report(tmp_path / "page.html", volume, labels, rows, title="<b>name</b>")
    page = (tmp_path / "page.html").read_text()
    assert "&lt;b&gt;name" in page
    assert "Left &lt;hip&gt;" in page
    assert "Thick &lt;slices&gt;" in page
    assert "not found" in page
    assert "Not for clinical use" in page
    assert page.count("data:image/png;base64") >= 3
    assert re.findall("<b>(.)</b><b>(.)</b>.*?<figcaption>(.*?)<", page) == [
        ("R", "L", "axial"),
        ("R", "L", "coronal"),
        ("A", "P", "sagittal"),
    ]


def test_the_line_about_the_run_says_what_was_used():
    line = describe_provenance(INFO)
    assert "quality fast" in line
    assert "12.3 s" in line
