"""DICOM segmentations, meshes and numbers from the command line: `segment`, `batch` and `export`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.anatomy import BY_ID, foreign_structure
from BoneSegLib.cli import main
from BoneSegLib.dicom_seg.read import read_dicom_seg
from BoneSegLib.headless.read import read_labelmap, read_segmentation
from BoneSegLib.headless.write import write_labelmap, write_segmentation
from BoneSegLib.meshes.solid import enclosed_volume, open_edges
from BoneSegLib.volume import Geometry
from Testing.scene.dicom_files import write_series
from Testing.support.batches import SHAPE, SPACING, batch, save, statuses, voxels
from Testing.support.dicom_rules import violations
from Testing.support.phantoms import two_blocks
from Testing.unit.dicom_seg.series import axial, oblique, scan
from Testing.unit.meshes.shapes import CENTRES, balls, grid
from Testing.unit.meshes.test_files import read_with_vtk

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")


@pytest.fixture
def a_series(tmp_path) -> Path:
    volume, _ = two_blocks(SHAPE, SPACING)
    write_series(tmp_path / "ct", volume.array, volume.geometry, uid="1.2.3.1")
    return tmp_path / "ct"


def segment(model: Path, *words: object) -> int:
    return main(["segment", *map(str, words), "--model", str(model), "--device", "cpu", "--precision", "fp32"])


def test_segment_writes_a_dicom_segmentation_that_holds_what_a_seg_nrrd_does(model, a_series, tmp_path):
    assert segment(model, a_series, "-o", tmp_path / "a.dcm") == 0
    assert segment(model, a_series, "-o", tmp_path / "a.nrrd") == 0
    data = pydicom.dcmread(tmp_path / "a.dcm")
    assert violations(data) == []
    assert data.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    known = tuple(foreign_structure(label, name) for label, name in ((1, "ball"), (2, "box")))
    labels = voxels(tmp_path / "a.nrrd")
    for structure in known:
        read = read_dicom_seg(tmp_path / "a.dcm", structures=known, warn=pytest.fail)
        assert np.count_nonzero(read.array == structure.label) == np.count_nonzero(labels == structure.label) > 0
    assert [segment.SegmentLabel for segment in data.SegmentSequence] == ["Ball", "Box"]


def test_meshes_and_statistics_as_json_come_with_a_segmentation(model, a_series, tmp_path, capsys):
    capsys.readouterr()
    words = ("--meshes", tmp_path / "meshes", "--mesh-format", "glb", "--statistics", tmp_path / "numbers.json")
    assert segment(model, a_series, "-o", tmp_path / "a.seg.nrrd", *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["meshes"] == [str(tmp_path / "meshes" / "bones.glb")]
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert [row["id"] for row in numbers["structures"]] == [row["id"] for row in told["structures"]]
    assert numbers["info"]["model_sha256"] == told["info"]["model_sha256"]


def test_a_dicom_segmentation_of_an_image_that_is_no_dicom_is_refused_before_the_work(model, tmp_path, monkeypatch):
    volume, _ = two_blocks(SHAPE, SPACING)
    image = save(tmp_path / "ct.nii.gz", volume.array)
    monkeypatch.setattr("BoneSegLib.inference.engine.segment", lambda *_: pytest.fail("it was computed"))
    assert segment(model, image, "-o", tmp_path / "a.dcm") == 3
    assert not (tmp_path / "a.dcm").exists()


def test_an_image_made_of_a_dicom_series_is_segmented_into_a_dicom_segmentation_of_that_series(
    model, a_series, tmp_path, capsys
):
    volume, _ = two_blocks(SHAPE, SPACING)
    image = tmp_path / "ct.nii.gz"
    converted = sitk.ReadImage(str(save(image, volume.array)))
    to_lps = np.diag([-1.0, -1.0, 1.0])
    converted.SetOrigin((to_lps @ volume.geometry.origin).tolist())
    converted.SetDirection((to_lps @ volume.geometry.directions).ravel().tolist())
    sitk.WriteImage(converted, str(image))
    assert segment(model, image, "-o", tmp_path / "a.dcm", "--dicom", a_series) == 0
    assert segment(model, image, "-o", tmp_path / "a.nrrd") == 0
    data = pydicom.dcmread(tmp_path / "a.dcm")
    assert violations(data) == []
    assert data.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3.1"
    assert "lies outside" not in capsys.readouterr().err
    known = tuple(foreign_structure(label, name) for label, name in ((1, "ball"), (2, "box")))
    ours, labels = read_dicom_seg(tmp_path / "a.dcm", structures=known, warn=pytest.fail), voxels(tmp_path / "a.nrrd")
    for structure in known:
        assert np.count_nonzero(ours.array == structure.label) == np.count_nonzero(labels == structure.label) > 0


@pytest.mark.parametrize(
    ("image", "dicom", "code"),
    [
        ("far.nrrd", "ct", 3),
        ("ct.nrrd", "nothing", 3),
        ("ct", "ct", 2),
    ],
)
def test_a_series_that_the_image_was_not_made_of_is_refused_before_the_work(
    model, a_series, tmp_path, monkeypatch, image, dicom, code
):
    volume, _ = two_blocks(SHAPE, SPACING)
    far = sitk.ReadImage(str(save(tmp_path / "ct.nrrd", volume.array)))
    far.SetOrigin((0.0, 0.0, 500.0))
    sitk.WriteImage(far, str(tmp_path / "far.nrrd"))
    monkeypatch.setattr("BoneSegLib.inference.engine.segment", lambda *_, **__: pytest.fail("it was computed"))
    assert segment(model, tmp_path / image, "-o", tmp_path / "a.dcm", "--dicom", tmp_path / dicom) == code
    assert not (tmp_path / "a.dcm").exists()


def test_a_batch_writes_dicom_segmentations_and_meshes_and_a_case_that_is_no_dicom_fails_alone(
    model, a_series, tmp_path
):
    volume, _ = two_blocks(SHAPE, SPACING)
    save(tmp_path / "ct.nii.gz", volume.array)
    out = tmp_path / "out"
    words = ("--format", "dcm", "--meshes", tmp_path / "meshes")
    assert batch(model, a_series, tmp_path / "ct.nii.gz", "-o", out, *words) == 1
    assert sorted(statuses(out).values()) == ["done", "failed"]
    (written,) = out.rglob("*.dcm")
    assert violations(pydicom.dcmread(written)) == []
    case = written.relative_to(out).as_posix().removesuffix(".dcm")
    assert (tmp_path / "meshes" / case).is_dir()


def test_meshes_asked_for_when_a_batch_is_resumed_are_made_without_computing_again(
    model, a_series, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    assert batch(model, a_series, "-o", out) == 0
    monkeypatch.setattr("BoneSegLib.inference.engine.segment", lambda *_, **__: pytest.fail("it was computed again"))
    assert batch(model, a_series, "-o", out, "--resume", "--meshes", tmp_path / "meshes", "--mesh-format", "obj") == 0
    (folder,) = (tmp_path / "meshes").iterdir()
    record = json.loads((out / ".boneseg" / "cases" / f"{folder.name}.json").read_text())
    assert record["mesh_format"] == "obj"
    assert sorted(record["meshes"]) == sorted(str(path) for path in folder.iterdir())


@pytest.mark.parametrize("geometry", [axial, oblique])
def test_export_turns_a_label_map_into_a_dicom_segmentation_and_back(tmp_path, geometry):
    ct = scan(tmp_path / "ct", geometry())
    write_labelmap(ct.labels, tmp_path / "bones.nrrd")
    words = ("--dicom", str(tmp_path / "ct"))
    assert main(["export", str(tmp_path / "bones.nrrd"), "-o", str(tmp_path / "bones.dcm"), *words]) == 0
    data = pydicom.dcmread(tmp_path / "bones.dcm")
    assert violations(data) == []
    assert {one.SegmentAlgorithmType for one in data.SegmentSequence} == {"SEMIAUTOMATIC"}, "nobody said who made it"
    assert main(["export", str(tmp_path / "bones.dcm"), "-o", str(tmp_path / "back.seg.nrrd")]) == 0
    back = read_labelmap(tmp_path / "back.seg.nrrd")
    for structure in ct.labels.structures:
        assert np.count_nonzero(back.array == structure.label) == np.count_nonzero(ct.labels.array == structure.label)


def test_export_makes_meshes_and_tells_what_it_wrote(tmp_path, capsys):
    labels = balls(grid((1.5, 1.5, 2.5)))
    write_labelmap(labels, tmp_path / "bones.nii.gz")
    capsys.readouterr()
    assert main(["export", str(tmp_path / "bones.nii.gz"), "--meshes", str(tmp_path / "m"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert written == [str(tmp_path / "m" / f"{name}.stl") for name in CENTRES]
    for path in written:
        points, triangles = read_with_vtk(Path(path))
        assert open_edges(triangles) == 0
        voxels = np.count_nonzero(labels.array == BY_ID[Path(path).stem].label) * labels.geometry.voxel_volume
        assert enclosed_volume(points, triangles) == pytest.approx(voxels, rel=0.02)


@pytest.mark.parametrize(("shift", "code", "told"), [(0.0, 0, ""), (8.0, 0, "lies outside"), (500.0, 3, "outside")])
def test_export_tells_what_of_a_segmentation_lies_outside_the_series(tmp_path, capsys, shift, code, told):
    ct = scan(tmp_path / "ct", axial())
    moved = ct.labels.geometry.ijk_to_ras.copy()
    moved[2, 3] += shift
    write_labelmap(replace(ct.labels, geometry=Geometry(ct.labels.geometry.size, moved)), tmp_path / "bones.nrrd")
    capsys.readouterr()
    words = ("-o", str(tmp_path / "a.dcm"), "--dicom", str(tmp_path / "ct"))
    assert main(["export", str(tmp_path / "bones.nrrd"), *words]) == code
    said = capsys.readouterr().err
    assert told in said if told else "outside" not in said
    assert (tmp_path / "a.dcm").exists() == (code == 0)


def test_segments_that_a_format_has_no_place_for_are_named(tmp_path, capsys):
    from BoneSegLib.scene.vertebrae import renumber_vertebrae

    ct = scan(tmp_path / "ct", axial())
    write_labelmap(ct.labels, tmp_path / "bones.nrrd")
    node = read_segmentation(tmp_path / "bones.nrrd")
    renumber_vertebrae(node, -1)
    write_segmentation(node, tmp_path / "bones.seg.nrrd")
    capsys.readouterr()
    assert main(["export", str(tmp_path / "bones.seg.nrrd"), "-o", str(tmp_path / "bones.nii.gz")]) == 0
    assert "T12 vertebra" in capsys.readouterr().err


@pytest.mark.parametrize(("more", "code"), [((), 2), (("-o", "x.dcm"), 3), (("-o", "x.png"), 3)])
def test_export_says_what_is_wrong(tmp_path, monkeypatch, more, code):
    monkeypatch.chdir(tmp_path)
    write_labelmap(balls(grid((3.0, 3.0, 3.0))), tmp_path / "bones.nii.gz")
    assert main(["export", "bones.nii.gz", *more]) == code
    assert [path.name for path in tmp_path.iterdir()] == ["bones.nii.gz"]
