"""Inputs of a batch: files, folders, patterns and lists become cases; what is not a CT image does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from BoneSegLib.batch.cases import Listing
from BoneSegLib.batch.discover import find_cases
from BoneSegLib.errors import InputError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def find(*inputs: Path | str, output: Path = Path("out"), **options) -> Listing:
    return find_cases([str(one) for one in inputs], output=output, **options)


def names(listing: Listing) -> list[str]:
    return [case.name for case in listing.cases]


def test_a_folder_gives_its_images_with_their_folders_and_nothing_else(tmp_path):
    touch(tmp_path, "a.nii.gz", "b/c.nrrd", "b/d.mha", "notes.txt", "b/a.seg.nrrd", ".hidden/e.nii", ".f.nii")
    assert names(find(tmp_path)) == ["a", "b/c", "b/d"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_in_an_unknown_encoding_is_left_out_and_told(tmp_path):
    touch(tmp_path, "a.nii.gz", os.fsdecode(b"H\xfcfte.nii.gz"), os.fsdecode(b"H\xfcfte/b.nii.gz"))
    listing = find(tmp_path)
    assert names(listing) == ["a"]
    assert sorted(one.what for one in listing.left_out) == ["H?fte.nii.gz", "b.nii.gz"]


def test_the_output_and_the_references_inside_an_input_are_passed_over(tmp_path):
    touch(tmp_path, "a.nii.gz", "results/a.nii.gz", "labels/a.nii.gz")
    listing = find(tmp_path, output=tmp_path / "results", references=tmp_path / "labels")
    assert names(listing) == ["a"]
    assert listing.cases[0].reference == tmp_path / "labels" / "a.nii.gz"


def test_a_pattern_gives_names_from_its_first_wild_card_on(tmp_path):
    touch(tmp_path, "p1/ct.nii.gz", "p2/ct.nii.gz", "p2/labels.nii.gz")
    assert names(find(f"{tmp_path}/*/ct.nii.gz")) == ["p1/ct", "p2/ct"]


def test_files_that_the_shell_listed_get_the_same_names_as_the_pattern(tmp_path):
    touch(tmp_path, "p1/ct.nii.gz", "p2/ct.nii.gz")
    assert names(find(tmp_path / "p1/ct.nii.gz", tmp_path / "p2/ct.nii.gz")) == ["p1/ct", "p2/ct"]


def test_a_file_given_twice_is_one_case(tmp_path):
    touch(tmp_path, "a.nii.gz")
    assert names(find(tmp_path, tmp_path / "a.nii.gz", f"{tmp_path}/*.nii.gz")) == ["a"]


def test_two_folders_with_the_same_names_are_told_apart_by_the_folders(tmp_path):
    touch(tmp_path, "one/a.nii.gz", "two/a.nii.gz")
    assert names(find(tmp_path / "one", tmp_path / "two")) == ["one/a", "two/a"]


@pytest.mark.parametrize("given", ["missing.nii.gz", "nothing*.nii.gz", "empty"])
def test_an_input_that_gives_nothing_is_told(tmp_path, given):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        find(tmp_path / given)


def write_list(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def test_a_list_names_cases_images_and_references_relative_to_itself(tmp_path):
    touch(tmp_path, "ct/a.nii.gz", "b.nrrd", "truth/a.nii.gz")
    path = write_list(tmp_path, "case,image,reference\nsite/one,ct/a.nii.gz,truth/a.nii.gz\n,b.nrrd,\n")
    listing = find(path)
    assert names(listing) == ["b", "site/one"]
    assert listing.cases[1].image == tmp_path / "ct/a.nii.gz"
    assert listing.cases[1].reference == tmp_path / "truth/a.nii.gz"


def test_a_list_of_a_german_spreadsheet_with_semicolons_is_read(tmp_path):
    touch(tmp_path, "a.nii.gz")
    path = tmp_path / "list.csv"
    path.write_bytes("\ufeffCase;Image\r\none;a.nii.gz\r\n".encode())
    assert names(find(path)) == ["one"]


def test_an_image_of_a_list_that_is_not_there_fails_alone(tmp_path):
    touch(tmp_path, "a.nii.gz")
    listing = find(write_list(tmp_path, "case,image\none,a.nii.gz\ntwo,gone.nii.gz\n"))
    assert [case.problem is None for case in listing.cases] == [True, False]
    assert "line 3" in str(listing.cases[1].problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,path\na,b\n", "no column 'image'"),
        ("case,image\n../x,a.nii.gz\n", "cannot name a case"),
        ("case,image\nx,a.nii.gz\nX,b.nii.gz\n", "twice"),
        ("case,image\nx,\n", "no image"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        find(write_list(tmp_path, text))


def references_of(tmp_path: Path, images: tuple[str, ...], references: tuple[str, ...]) -> dict[str, str | None]:
    touch(tmp_path / "in", *images)
    touch(tmp_path / "ref", *references)
    listing = find(tmp_path / "in", references=tmp_path / "ref")
    return {case.name: case.reference.name if case.reference else None for case in listing.cases}


def test_references_are_found_by_the_same_path_whatever_their_kind(tmp_path):
    found = references_of(tmp_path, ("a/x.nii.gz", "a/y.mha"), ("a/x.seg.nrrd", "a/y.nii.gz"))
    assert found == {"a/x": "x.seg.nrrd", "a/y": "y.nii.gz"}


def test_labels_of_an_nnunet_data_set_belong_to_its_images(tmp_path):
    assert references_of(tmp_path, ("p_0000.nii.gz",), ("p.nii.gz",)) == {"p_0000": "p.nii.gz"}


def test_a_reference_may_be_called_by_the_folder_of_the_case(tmp_path):
    found = references_of(tmp_path, ("p1/ct.nii.gz", "p2/ct.nii.gz"), ("p1.nii.gz", "p2/labels.nii.gz"))
    assert found == {"p1/ct": "p1.nii.gz", "p2/ct": "labels.nii.gz"}


def test_the_folder_does_not_stand_for_two_cases(tmp_path):
    found = references_of(tmp_path, ("p/pre.nii.gz", "p/post.nii.gz"), ("p.nii.gz",))
    assert found == {"p/post": None, "p/pre": None}
