"""Names of cases: as the files are called, different from each other, and safe below the output folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.names import Found, distinct, natural_key, require_safe_name, safe_name
from BoneSegLib.errors import InputError


def found(name: str, image: str, *parents: str, kind: str = "nii_gz") -> Found:
    return Found(Case(name, Path(image)), parents, kind)


def names(*found_cases: Found) -> list[str]:
    return [case.name for case in distinct(found_cases)[0]]


def test_names_that_differ_stay_and_need_no_note():
    cases, notes = distinct([found("a", "x/a.nii.gz", "x"), found("b", "x/b.nii.gz", "x")])
    assert [case.name for case in cases] == ["a", "b"]
    assert notes == ()


def test_the_same_name_in_two_folders_gets_the_folders_in_front():
    assert names(found("ct", "p1/ct.nii", "data", "p1"), found("ct", "p2/ct.nii", "data", "p2")) == ["p1/ct", "p2/ct"]


def test_as_many_folders_as_it_takes_are_put_in_front():
    one, two = found("ct", "a/p/ct.nii", "a", "p"), found("ct", "b/p/ct.nii", "b", "p")
    assert names(one, two) == ["a/p/ct", "b/p/ct"]


def test_the_same_name_in_one_folder_is_told_apart_by_the_kind_of_file():
    one, two = found("ct", "p/ct.nii.gz", "p"), found("ct", "p/ct.nrrd", "p", kind="nrrd")
    cases, notes = distinct([one, two])
    assert [case.name for case in cases] == ["ct_nii_gz", "ct_nrrd"]
    assert len(notes) == 2
    assert "ct.nrrd" in notes[1]


def test_what_lies_in_one_folder_and_elsewhere_too_gets_its_kind_and_the_folder():
    p1 = [found("ct", "p1/ct.nii.gz", "data", "p1"), found("ct", "p1/ct", "data", "p1", kind="dicom")]
    p2 = [found("ct", "p2/ct.nii.gz", "data", "p2")]
    assert names(*p1, *p2) == ["ct_nii_gz", "ct_dicom", "ct"]
    p2.append(found("ct", "p2/ct", "data", "p2", kind="dicom"))
    assert names(*p1, *p2) == ["p1/ct_nii_gz", "p1/ct_dicom", "p2/ct_nii_gz", "p2/ct_dicom"]


def test_a_kind_that_another_file_has_in_its_name_is_no_confusion():
    assert names(
        found("ct", "p/ct.nii.gz", "data", "p"),
        found("ct", "p/ct", "data", "p", kind="dicom"),
        found("ct_dicom", "p/ct_dicom.nii.gz", "data", "p"),
    ) == ["ct_nii_gz", "ct_dicom_1", "ct_dicom_2"]


def test_a_number_that_another_name_has_already_is_no_confusion():
    same = [found("ct", "ct.nii.gz", kind=""), found("ct", "CT.nii.gz", kind="")]
    assert len(set(names(*same, found("ct_1", "ct_1.nii.gz", kind="")))) == 3


def test_names_that_differ_in_case_only_count_as_the_same():
    assert len({name.casefold() for name in names(found("CT", "CT.nii"), found("ct", "ct.nii"))}) == 2


def test_names_lose_what_file_systems_forbid():
    assert safe_name('a:b/c?d"') == "a_b/c_d_"
    assert safe_name("../x") == "_/x"


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:\\x", " "])
def test_a_name_that_leads_out_of_the_folder_is_refused(name):
    with pytest.raises(InputError):
        require_safe_name(name, "line 2")


def test_numbers_are_sorted_by_their_value():
    assert sorted(["case10", "case2", "Case1"], key=natural_key) == ["Case1", "case2", "case10"]
