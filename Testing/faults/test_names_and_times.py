"""Names, languages and clocks as people's computers have them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib import SegmentOptions, Volume, segment
from BoneSegLib.errors import InputError, OutputError, UsageError
from BoneSegLib.headless.atomic import check_writable
from BoneSegLib.headless.read import read_labelmap, read_volume
from BoneSegLib.headless.write import write_labelmap
from BoneSegLib.volume import Geometry
from Testing.faults.conftest import segment_words
from Testing.faults.trials import content, spacing, write

NAMES = ["Kreuzbein und Hüfte", "骨盤", "Ο ασθενής", "عظام", "a'b\"c;d$e`f", "%s{0}", " leading and trailing ", "🦴"]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".seg.nrrd"])
def test_names_in_any_script_are_written_and_read(a_place, name, suffix):
    folder = a_place.folder / name
    folder.mkdir()
    output = folder / f"{name}{suffix}"
    assert write(str(output)) == ""
    assert sum(content(str(output))) == 40 * 60 * 50
    assert [path.name for path in folder.iterdir()] == [output.name]


@pytest.mark.parametrize("suffix", [".nii.gz", ".seg.nrrd"])
@pytest.mark.parametrize("letter", ["a", "ü"])
def test_the_longest_name_that_the_disk_takes_is_written(a_place, suffix, letter):
    count = (255 - len(suffix)) // len(letter.encode())
    output = a_place.folder / (letter * count + suffix)
    assert write(str(output)) == ""
    assert a_place.files() == {output.name}


def test_a_name_that_is_too_long_for_the_disk_is_told_before_the_run(a_place):
    with pytest.raises(OutputError, match="cannot be used"):
        check_writable(a_place.folder / ("a" * 300 + ".nii.gz"))


def test_a_path_of_many_long_folders_is_written(a_place):
    folder = a_place.folder.joinpath(*["a folder with a long name " * 7] * 5)
    folder.mkdir(parents=True)
    output = folder / "bones.nii.gz"
    assert len(str(output)) > 900
    assert write(str(output)) == ""
    assert sum(content(str(output))) == 40 * 60 * 50


@pytest.mark.parametrize("language", ["C", "POSIX"])
def test_a_computer_in_plain_c_writes_any_name(a_place, a_model, an_image, language):
    output = a_place.folder / "Hüfte 骨.nrrd"
    environment = {**os.environ, **a_place.environment, "LC_ALL": language, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "BoneSegLib", *segment_words(an_image, a_model, output)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    assert read_labelmap(output).geometry.spacing == pytest.approx((1.5, 1.5, 2.0))


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nrrd", ".mha", ".nii.gz"])
@pytest.mark.parametrize("language", ["de_DE"])
def test_a_decimal_comma_does_not_matter(a_warm_process, a_place, a_model, an_image, language, suffix):
    locales = a_place.temporary.parent / "locales"
    locales.mkdir()
    name = f"{language}.UTF-8"
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not here")
    made = ["localedef", "-c", "-i", language, "-f", "UTF-8", str(locales / name)]
    subprocess.run(made, capture_output=True, timeout=120, check=False)
    if not (locales / name).exists():
        pytest.skip(f"the locale {language} cannot be made here")
    output = a_place.folder / f"bones{suffix}"
    words = segment_words(an_image, a_model, output, "--statistics", str(a_place.folder / "bones.csv"))
    environment = {**a_place.environment, "LOCPATH": str(locales)}
    ended = a_warm_process.call("Testing.faults.trials:run_in_language", name, words, environment=environment)
    assert ended.code == 0, ended
    assert spacing(str(output)) == pytest.approx([1.5, 1.5, 2.0])
    again = a_warm_process.call("Testing.faults.trials:spacing_in_language", name, str(output), environment=environment)
    assert again.value == pytest.approx([1.5, 1.5, 2.0]), again
    with (a_place.folder / "bones.csv").open(newline="") as file:
        assert len({len(row) for row in csv.reader(file)}) == 1, "a comma in a number would make two cells of it"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha", ".dcm", ".seg.nrrd"])
def test_a_name_in_an_unknown_encoding_is_refused_and_does_not_end_the_process(a_place, suffix):
    """ITK would end the whole process, which no one could catch."""
    path = Path(os.fsdecode(os.fsencode(a_place.folder) + b"/H\xfcfte")).with_suffix(suffix)
    path.write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(path)
    if suffix != ".dcm":
        with pytest.raises(OutputError, match="cannot be used"):
            check_writable(path, (suffix,))


@pytest.mark.parametrize("moment", [0.0, 4_102_444_800.0, 253_402_300_000.0], ids=["1970", "2100", "9999"])
def test_the_clock_of_the_computer_does_not_matter(a_model, monkeypatch, moment, tmp_path):
    array = np.random.default_rng(0).integers(-1000, 1000, (20, 24, 28)).astype(np.int16)
    volume = Volume(array, Geometry.from_spacing((28, 24, 20), (2.0, 2.0, 2.0)))
    localtime = time.localtime
    monkeypatch.setattr(time, "time", lambda: moment)
    monkeypatch.setattr(time, "localtime", lambda *seconds: localtime(*(seconds or (moment,))))
    labels = segment(volume, SegmentOptions(model=a_model, device="cpu", precision="fp32", force=True))
    write_labelmap(labels, tmp_path / "bones.nii.gz")
    assert labels.array.shape == array.shape


def test_two_runs_that_write_the_same_file_leave_one_of_the_two_results(a_warm_process, a_place):
    output = a_place.folder / "bones.nii.gz"
    expected = []
    for seed in (1, 2):
        assert write(str(output), seed) == ""
        expected.append(content(str(output)))
    code = "import sys; from Testing.faults.trials import write_again_and_again as w; sys.exit(w(sys.argv[1], {}, 15))"
    writers = [
        subprocess.Popen([sys.executable, "-c", code.format(seed), str(output)], cwd=REPOSITORY) for seed in (1, 2)
    ]
    seen = []
    while any(writer.poll() is None for writer in writers):
        seen.append(content(str(output)))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert all(one in expected for one in seen)
    assert a_place.files() == {"bones.nii.gz"}


def test_the_image_is_not_replaced_by_its_labels(a_place, a_warm_process, a_model, an_image):
    """Writing over the image itself would lose it."""
    words = segment_words(an_image, a_model, an_image)
    before = an_image.read_bytes()
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    assert ended.code == UsageError.exit_code, ended
    assert an_image.read_bytes() == before
