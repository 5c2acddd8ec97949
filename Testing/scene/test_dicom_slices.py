"""Volumes that Slicer loaded from DICOM: their files tell what the image cannot."""

from __future__ import annotations

import types

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.volume import Geometry
from Testing.scene.dicom_files import write_series

GEOMETRY = Geometry.from_spacing((10, 9, 12), (1.0, 1.0, 3.0), origin=(5.0, -7.0, 100.0))
_TAGS = {"0020,0032": "0020|0032", "0020,0037": "0020|0037", "0008,0018": "0008|0018"}


def _header(file) -> dict[str, str]:
    image = SimpleITK.ReadImage(str(file), imageIO="GDCMImageIO")
    return {tag: image.GetMetaData(key).strip() for tag, key in _TAGS.items()}


@pytest.fixture
def a_loaded_series(a_scene, monkeypatch, tmp_path):
    """Makes a volume node whose files are in a database such as Slicer's, some slices left out."""
    import slicer

    def make(*leave_out: int):
        array = np.zeros(GEOMETRY.shape, np.int16)
        headers = [_header(file) for file in write_series(tmp_path, array, GEOMETRY, leave_out=leave_out)]
        by_uid = {header["0008,0018"]: header for header in headers}
        database = types.SimpleNamespace(instanceValue=lambda uid, tag: by_uid.get(uid, {}).get(tag, ""))
        monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
        node = slicer.util.addVolumeFromArray(array[: len(headers)])
        node.SetAttribute("DICOM.instanceUIDs", " ".join(reversed(by_uid)))
        return node

    return make


def _uneven(node):
    from BoneSegLib.scene.dicom_slices import uneven_slices

    return uneven_slices(node)


def test_a_whole_series_is_nothing_to_tell(a_loaded_series):
    assert _uneven(a_loaded_series()) is None


def test_slices_that_are_missing_are_counted(a_loaded_series):
    found = _uneven(a_loaded_series(4, 5))
    assert found.message == "2 slices are missing: their distance goes from 3.00 to 9.00 mm."
    assert found.is_wide


@pytest.mark.parametrize("uids", [None, "1.2.3 1.2.4 1.2.5", "1.2.3"])
def test_nothing_is_told_where_nothing_is_known(a_loaded_series, uids):
    node = a_loaded_series(4, 5)
    if uids is None:
        node.RemoveAttribute("DICOM.instanceUIDs")
    else:
        node.SetAttribute("DICOM.instanceUIDs", uids)
    assert _uneven(node) is None
