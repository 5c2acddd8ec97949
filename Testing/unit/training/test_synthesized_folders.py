"""The folder of `boneseg synthesize`: killed runs go on in it, other cases stay out, `boneseg train` reads it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from BoneSegLib.errors import InputError, OutputError
from BoneSegLib.training import synthesize
from BoneSegLib.training.cases import list_cases
from BoneSegLib.training.commands import synthesize as command
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.synthesis.generator import SynthesisOptions
from BoneSegLib.training.synthesis.patient import Patient
from BoneSegLib.training.synthesis.settings import FILE, GENERATOR

FORMATS = ("npy", "nnunet")


class Killed(BaseException):
    """As good as ``kill -9``, but for what ``finally`` does."""


@pytest.fixture
def maps(tmp_path, a_block_person):
    folder = tmp_path / "maps"
    folder.mkdir()
    write_map(folder / "a.nii.gz", a_block_person.labels)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Cases that are the map itself: what they look like does not matter here."""

    def made(patient, *_, **__):
        return patient.anatomy.depth.astype(np.int16), patient.anatomy.targets

    monkeypatch.setattr(synthesize, "synthesize_case", made)
    monkeypatch.setattr(synthesize, "find_patient", lambda anatomy, *_, **__: Patient(anatomy))


def write_map(path, labels):
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((1.5, 1.5, 1.5))
    sitk.WriteImage(image, str(path))


def run(maps, *more):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run_command(parser.parse_args([str(maps), "-o", str(maps.parent / "out"), *more]))


def cases(output, file_format):
    return len(list_cases(output)) if file_format == "npy" else len(find_source(output).pairs)


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_a_killed_run_left_of_labels_is_no_case_and_the_next_run_goes_on(maps, quick, file_format):
    output = maps.parent / "out"
    run(maps, "--count", "1", "--format", file_format)
    with pytest.MonkeyPatch.context() as patch:
        killed_in = kill_at_labels(patch)
        with pytest.raises(Killed):
            run(maps, "--count", "2", "--format", file_format)
    killed_in[0].write_bytes(b"half")
    assert cases(output, file_format) == 1
    run(maps, "--count", "2", "--format", file_format)
    assert cases(output, file_format) == 2


def kill_at_labels(patch) -> list[Path]:
    """The next run is killed when it writes labels; afterwards the list holds the file it was at."""
    files = []

    def write(*words, **_):
        files.append(next(Path(word) for word in words if isinstance(word, (str, Path))))
        if len(files) == 2:
            files.reverse()
            raise Killed

    patch.setattr(synthesize.np, "save", write)
    patch.setattr(synthesize.sitk, "WriteImage", write)
    return files


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "99"], r"--seed \(1, now 99\)"),
        (["--exclude", "b"], r"--exclude \(none, now b\)"),
        (["--format", "npy"], r"--format \(nnunet, now npy\)"),
        (["--bone-hu", "hu"], r"--bone-hu \(a_hu_ge200.nrrd\)"),
        (["--shapes", "spine"], r"--shapes \(other surfaces\)"),
        (["--seed", "2", "--exclude", "b"], r"--seed \(1, now 2\); --exclude \(none, now b\)"),
    ],
)
def test_cases_that_would_be_others_than_those_in_the_folder_are_refused(maps, quick, monkeypatch, words, told):
    monkeypatch.setattr(synthesize, "load_shapes", lambda _: None)
    monkeypatch.chdir(maps.parent)
    for path in (Path("hu", "a_hu_ge200.nrrd"), Path("spine", "vertebra_L1.vtp")):
        path.parent.mkdir()
        path.touch()
    run(maps, "--count", "1")
    with pytest.raises(InputError, match=rf"other settings\. What differs: {told}\. .* another folder"):
        run(maps, "--count", "2", *words)
    assert cases(maps.parent / "out", "nnunet") == 1


def test_cases_of_other_maps_or_other_chances_are_refused(maps, quick):
    output = maps.parent / "out"
    synthesize.run(maps, output, count=1, file_format="npy")
    with pytest.raises(InputError, match=r"options \(table\)"):
        synthesize.run(maps, output, count=2, file_format="npy", options=SynthesisOptions(table=0.0))
    (maps / "b.nii.gz").write_bytes((maps / "a.nii.gz").read_bytes())
    with pytest.raises(InputError, match=r"maps \(b\.nii\.gz\)"):
        synthesize.run(maps, output, count=2, file_format="npy")


@pytest.mark.parametrize(("kept", "told"), [(1, "1"), (None, "unknown")])
def test_cases_of_an_earlier_generator_are_refused(maps, quick, kept, told):
    run(maps, "--count", "1")
    settings = maps.parent / "out" / FILE
    content = json.loads(settings.read_text(encoding="utf-8"))
    content["generator"] = kept
    settings.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=rf"the generator's version \({told}, now {GENERATOR}\)"):
        run(maps, "--count", "2")


def test_an_output_that_is_no_folder_is_refused_before_any_work(maps):
    (maps.parent / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="not a folder"):
        run(maps, "--count", "1")
    assert (maps.parent / "out").read_text(encoding="utf-8") == "mine"


def test_more_cases_are_made_by_other_processes_and_devices(maps, quick):
    run(maps, "--count", "1")
    run(maps, "--count", "4", "--first", "1", "--step", "2", "--threads", "2", "--device", "auto")
    assert cases(maps.parent / "out", "nnunet") == 3


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_from_before_settings_were_kept_goes_on_and_has_them_then(maps, quick, count):
    run(maps, "--count", "1")
    settings = maps.parent / "out" / "synthesis.json"
    settings.unlink()
    run(maps, "--count", str(count), "--seed", "7")
    with pytest.raises(InputError, match=r"--seed \(7, now 1\)"):
        run(maps, "--count", "3")
