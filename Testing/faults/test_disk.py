"""Disks that are full or closed: the old file stays, and no half of a new one appears."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from BoneSegLib.errors import OutputError, ResourceError
from Testing.faults.conftest import segment_words
from Testing.faults.trials import OLD
from Testing.support.warm_process import Limits

SUFFIXES = [".nii", ".nii.gz", ".nrrd", ".mha", ".seg.nrrd"]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_may_not_grow_is_not_written(a_warm_process, a_place, suffix):
    output = a_place.folder / f"bones{suffix}"
    output.write_bytes(OLD)
    ended = a_warm_process.call("Testing.faults.trials:write", str(output), limits=Limits(file_size=5000))
    assert ended.value in (OutputError.kind, ResourceError.kind), ended
    assert output.read_bytes() == OLD
    assert a_place.files() == {output.name}


FULL_DISK = """
import sys
from pathlib import Path
from Testing.faults.trials import OLD, write
folder = Path(sys.argv[1])
for suffix in sys.argv[2:]:
    output = folder / f"bones{suffix}"
    output.write_bytes(OLD)
    told = write(str(output))
    print(f"{suffix};{told};{output.read_bytes() == OLD};{len(list(folder.iterdir()))}", flush=True)
    output.unlink()
"""


def test_a_full_disk_is_told_for_every_kind_of_file(a_place):
    """In a mount namespace of its own, with a disk of 40 kB, where the system allows that."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not here")
    words = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=40k none "$0" && exec "$@"']
    command = [*words, str(a_place.folder), sys.executable, "-c", FULL_DISK, str(a_place.folder), *SUFFIXES]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)
    if "mount" in ended.stderr or "unshare" in ended.stderr:
        pytest.skip("no disk can be mounted here")
    told = dict(line.split(";", 1) for line in ended.stdout.splitlines())
    assert told == dict.fromkeys(SUFFIXES, f"{ResourceError.kind};True;1"), ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_a_folder_that_is_read_only_is_told_before_the_run(a_warm_process, a_place, a_model, an_image):
    output = a_place.folder / "bones.nii.gz"
    output.write_bytes(OLD)
    a_place.folder.chmod(0o555)
    public = a_place.temporary.parent / "public"
    shutil.copytree(a_model, public / a_model.name)
    shutil.copy(an_image, public / "ct.nii")
    words = segment_words(public / "ct.nii", public / a_model.name, output)
    ended = a_warm_process.call(
        "BoneSegLib.cli:main", words, limits=Limits(as_nobody=True), environment=a_place.environment
    )
    a_place.folder.chmod(0o777)
    assert ended.code == OutputError.exit_code, ended
    assert "not writable" in ended.stderr
    assert output.read_bytes() == OLD


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_a_write_protected_file_is_told_before_the_run(a_warm_process, a_place):
    output = a_place.folder / "bones.nii.gz"
    output.write_bytes(OLD)
    output.chmod(0o444)
    ended = a_warm_process.call("Testing.faults.trials:write", str(output), limits=Limits(as_nobody=True))
    assert ended.value == OutputError.kind, ended
    assert output.read_bytes() == OLD


def test_a_home_that_cannot_be_written_does_not_matter(a_warm_process, a_place, a_model, an_image):
    closed = a_place.temporary.parent / "cache"
    closed.mkdir()
    (closed / "boneseg").write_text("a file where the folder should be")
    output = a_place.folder / "bones.nii.gz"
    words = [word if word != "fp32" else "auto" for word in segment_words(an_image, a_model, output)]
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    assert ended.code == 0, ended
