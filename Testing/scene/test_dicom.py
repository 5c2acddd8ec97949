"""DICOM folders: the right series, in order, with gaps and tilt told; damaged files refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.errors import InputError, NeedsConfirmation
from BoneSegLib.headless.dicom_series import list_series
from BoneSegLib.headless.read import read_volume
from BoneSegLib.volume import Geometry
from Testing.scene.dicom_files import write_series

GEOMETRY = Geometry.from_spacing((16, 14, 12), (1.0, 1.5, 2.0), origin=(3, 4, 5), directions=np.diag([-1.0, -1, 1]))


def a_ramp(geometry: Geometry = GEOMETRY, *, slope: float = 10) -> np.ndarray:
    """HU that grow by ``slope`` from slice to slice, with a mark in each row and column."""
    k, j, i = np.indices(geometry.shape)
    return (k * slope * 10 + j * 3 + i - 500).astype(np.int16)


def read(folder: Path, **options):
    told: list[str] = []
    volume = read_volume(folder, warn=told.append, **options)
    return volume, told


def test_shuffled_files_are_read_in_order_with_their_values(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY)
    volume, told = read(tmp_path / "a")
    assert np.array_equal(volume.array, a_ramp())
    assert volume.geometry.matches(GEOMETRY)
    assert volume.array.dtype == np.int16
    assert told == []


def test_one_file_stands_for_its_series(tmp_path):
    files = write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1")
    write_series(tmp_path / "a", a_ramp(slope=20), GEOMETRY, uid="1.2.3.2")
    volume, _told = read(files[4])
    assert np.array_equal(volume.array, a_ramp())


def test_a_tilted_gantry_becomes_a_sheared_grid(tmp_path):
    matrix = GEOMETRY.ijk_to_ras.copy()
    matrix[:3, 2] = (0, 0.7, 1.9)
    tilted = Geometry(GEOMETRY.size, matrix)
    write_series(tmp_path / "a", a_ramp(), tilted)
    volume, _told = read(tmp_path / "a")
    assert volume.geometry.matches(tilted)
    assert volume.geometry.shear_degrees > 15


def test_a_localizer_beside_the_volume_does_not_count(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1")
    write_series(tmp_path / "a", a_ramp()[:2], GEOMETRY, uid="1.2.3.2", image_type="ORIGINAL\\PRIMARY\\LOCALIZER")
    write_series(tmp_path / "b", a_ramp(), GEOMETRY, uid="1.2.3.3", modality="MR")
    volume, _told = read(tmp_path)
    assert np.array_equal(volume.array, a_ramp())
    assert [series.uid for series in list_series(tmp_path)][-1] == "1.2.3.2"


def test_an_original_goes_before_what_was_reformatted_from_it(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1", image_type="DERIVED\\SECONDARY\\MPR")
    write_series(tmp_path / "a", a_ramp()[:10], GEOMETRY, uid="1.2.3.2")
    volume, _told = read(tmp_path / "a")
    assert len(volume.array) == 10


def test_two_ct_volumes_are_listed_and_asked_about(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1", description="soft")
    write_series(tmp_path / "a", a_ramp(slope=20), GEOMETRY, uid="1.2.3.2", description="bone")
    with pytest.raises(NeedsConfirmation) as caught:
        read(tmp_path / "a")
    assert all(word in str(caught.value) for word in ("1.2.3.1", "1.2.3.2", "soft", "bone", "12 slices", "--series"))
    volume, _told = read(tmp_path / "a", series="1.2.3.2")
    assert np.array_equal(volume.array, a_ramp(slope=20))
    assert read(tmp_path / "a", force=True)[0].array.shape == GEOMETRY.shape


def test_an_unknown_series_is_refused_with_those_that_are_there(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1")
    with pytest.raises(InputError, match=r"1\.2\.3\.1"):
        read(tmp_path / "a", series="9.9")


def test_an_mr_needs_a_confirmation(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, modality="MR")
    with pytest.raises(NeedsConfirmation, match="not a CT but 'MR'"):
        read(tmp_path / "a")
    assert read(tmp_path / "a", force=True)[0].array.shape == GEOMETRY.shape


def test_a_missing_slice_is_filled_in_and_told(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, leave_out=(5,))
    volume, told = read(tmp_path / "a")
    assert np.array_equal(volume.array, a_ramp())
    assert volume.geometry.matches(GEOMETRY)
    assert len(told) == 1 and told[0].startswith("A slice is missing")


def test_a_wide_gap_needs_a_confirmation(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, leave_out=(4, 5, 6, 7))
    with pytest.raises(NeedsConfirmation, match="4 slices are missing"):
        read(tmp_path / "a")
    assert read(tmp_path / "a", force=True)[0].geometry.matches(GEOMETRY)


def test_two_stacks_in_one_series_need_a_confirmation(tmp_path):
    write_series(tmp_path / "a", a_ramp()[:6], Geometry((16, 14, 6), GEOMETRY.ijk_to_ras), uid="1.2.3.1")
    shifted = GEOMETRY.ijk_to_ras.copy()
    shifted[:3, 3] += (20, 0, 12)
    for number, file in enumerate(
        write_series(tmp_path / "b", a_ramp()[6:], Geometry((16, 14, 6), shifted), uid="1.2.3.1")
    ):
        file.rename(tmp_path / "a" / f"other{number}.dcm")
    with pytest.raises(NeedsConfirmation, match="sideways"):
        read(tmp_path / "a")


def test_two_acquisitions_at_the_same_places_are_told(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY, uid="1.2.3.1")
    other = write_series(tmp_path / "b", a_ramp(slope=20), GEOMETRY, uid="1.2.3.1")
    for number, file in enumerate(other):
        file.rename(tmp_path / "a" / f"again{number}.dcm")
    volume, told = read(tmp_path / "a")
    assert volume.array.shape == GEOMETRY.shape
    assert len(told) == 1 and told[0].startswith("12 slices lie where others do")


@pytest.mark.parametrize("share", [0.1, 0.7, 0.999])
def test_a_slice_that_was_cut_off_is_refused(tmp_path, share):
    files = write_series(tmp_path / "a", a_ramp(), GEOMETRY)
    content = files[3].read_bytes()
    files[3].write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="1 of 12 DICOM images are damaged"):
        read(tmp_path / "a")


def test_other_files_in_the_folder_do_no_harm(tmp_path):
    write_series(tmp_path / "a", a_ramp(), GEOMETRY)
    (tmp_path / "a" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "a" / "readme.txt").write_text("hello")
    (tmp_path / "a" / "report.dcm").write_bytes(bytes(128) + b"DICM" + b"1.2.840.10008.5.1.4.1.1.88.33" * 20)
    assert np.array_equal(read(tmp_path / "a")[0].array, a_ramp())


def test_a_single_slice_is_refused(tmp_path):
    write_series(tmp_path / "a", a_ramp()[:1], GEOMETRY)
    with pytest.raises(InputError, match="single slice"):
        read(tmp_path / "a", force=True)
