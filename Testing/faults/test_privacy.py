"""A run talks to nobody, writes nothing but its output, and tells no name of a patient."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.commands.doctor import scrub
from BoneSegLib.volume import Geometry
from BoneSegLib.worker.failures import from_exception, without_paths
from Testing.faults.conftest import segment_words
from Testing.scene.dicom_files import write_series

PERSON = "Mustermann"


@pytest.fixture
def a_series_of_a_person(tmp_path) -> Path:
    """A DICOM series with a patient's name in its headers, in a folder that bears it too."""
    import SimpleITK

    folder = tmp_path / PERSON
    array = np.random.default_rng(0).integers(-1000, 1000, (24, 32, 32)).astype(np.int16)
    files = write_series(folder, array, Geometry.from_spacing((32, 32, 24), (1.5, 1.5, 2.0)))
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for file in files:
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(str(file))
        reader.LoadPrivateTagsOn()
        image = reader.Execute()
        for key in reader.GetMetaDataKeys():
            image.SetMetaData(key, reader.GetMetaData(key))
        for key, value in {"0010|0010": f"{PERSON}^Max", "0010|0020": f"{PERSON}-4711"}.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(file))
        writer.Execute(image)
    assert PERSON.encode() in files[0].read_bytes()
    return folder


def watched_run(words: list[str]) -> dict[str, object]:
    """A trial: runs `boneseg` and notes every use of the network and every file that is opened for writing."""
    import sys

    from BoneSegLib.cli import main

    network: list[str] = []
    written: list[str] = []

    def watch(event: str, arguments: tuple) -> None:
        if event.startswith(("socket.", "urllib.", "ftplib.", "smtplib.", "http.client")):
            network.append(f"{event} {arguments}")
        elif event == "open" and isinstance(arguments[0], str):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                written.append(arguments[0])
        elif event in ("subprocess.Popen", "os.system"):
            network.append(f"{event} {arguments[0]}")

    sys.addaudithook(watch)
    code = main(words)
    return {"code": code, "network": network, "written": written}


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz", ".nrrd"])
def test_a_run_uses_no_network_starts_nothing_and_writes_only_its_output(
    a_warm_process, a_place, a_model, an_image, suffix
):
    output = a_place.folder / f"bones{suffix}"
    words = segment_words(an_image, a_model, output, "--statistics", str(a_place.folder / "bones.csv"))
    ended = a_warm_process.call(f"{__name__}:watched_run", words, environment=a_place.environment)
    assert ended.value is not None and ended.value["code"] == 0, ended.stderr
    assert ended.value["network"] == []
    cache = a_place.temporary.parent / "cache"
    elsewhere = [
        path
        for path in ended.value["written"]
        if path != os.devnull and not Path(path).is_relative_to(a_place.folder) and not Path(path).is_relative_to(cache)
    ]
    assert elsewhere == []
    assert a_place.files() == {output.name, "bones.csv"}


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz", ".nrrd", ".mha"])
def test_no_output_tells_the_name_of_the_patient(a_warm_process, a_place, a_model, a_series_of_a_person, suffix):
    output = a_place.folder / f"bones{suffix}"
    words = segment_words(a_series_of_a_person, a_model, output, "--statistics", str(a_place.folder / "bones.csv"))
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    assert ended.code == 0, ended
    assert PERSON not in ended.stdout + ended.stderr
    for path in a_place.folder.iterdir():
        content = path.read_bytes()
        content = gzip.decompress(content) if path.name.endswith(".gz") else content
        assert PERSON.encode() not in content, path.name


def test_what_is_noted_with_the_result_holds_no_path(a_warm_process, a_place, a_model, an_image):
    words = segment_words(an_image, a_model, a_place.folder / "bones.seg.nrrd", "--json")
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    told = json.loads(ended.stdout)
    assert told["input"] == an_image.name
    assert str(an_image.parent) not in json.dumps(told)
    assert str(a_model.parent) not in json.dumps(told)


@pytest.mark.parametrize(
    "text",
    [
        f"File {os.sep}home{os.sep}{PERSON}{os.sep}ct.nii, line 3",
        f"C:\\Users\\{PERSON}\\ct.nii is gone",
        f"cannot open '{os.sep}data{os.sep}{PERSON}{os.sep}x.dcm'",
        f"{os.sep}mnt{os.sep}{PERSON} Max{os.sep}scan 1{os.sep}ct.nrrd: damaged",
    ],
)
def test_diagnostics_hold_file_names_and_no_folders(text):
    assert PERSON not in without_paths(text)
    assert PERSON not in from_exception(ValueError(text)).cause


def test_the_doctor_knows_nobody(monkeypatch):
    monkeypatch.setenv("HOME", f"{os.sep}home{os.sep}{PERSON}")
    assert PERSON not in scrub(f"{Path.home()}{os.sep}models{os.sep}x of {PERSON}")
