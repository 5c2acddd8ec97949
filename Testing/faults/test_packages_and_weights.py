"""Packages that are missing or broken, weights that were damaged: told, with a remedy, before anything is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from BoneSegLib.errors import MissingError, ModelError
from BoneSegLib.models.integrity import sha256
from Testing.faults.conftest import segment_words

REPOSITORY = Path(__file__).resolve().parents[2]

BROKEN = {
    "missing": "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')",
    "half installed": "raise ImportError('cannot import name _C from torch')",
    "without its library": "raise OSError('libtorch_cpu.so: cannot open shared object file: No such file')",
    "without its DLL": 'raise OSError("[WinError 126] The specified module could not be found: c10.dll")',
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=BROKEN)
def test_a_broken_torch_is_told_with_a_remedy(a_place, a_model, an_image, statement):
    package = a_place.temporary.parent / "packages" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(statement + "\n")
    output = a_place.folder / "bones.nii.gz"
    environment = {**os.environ, **a_place.environment, "PYTHONPATH": str(package.parent)}
    ended = subprocess.run(
        [sys.executable, "-m", "BoneSegLib", *segment_words(an_image, a_model, output)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == MissingError.exit_code, ended.stderr
    assert "torch" in ended.stderr and "pip install torch" in ended.stderr
    assert a_place.files() == set()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_weights_that_were_cut_off_are_refused(a_warm_process, a_place, a_model, an_image, share):
    folder = a_place.temporary.parent / a_model.name
    shutil.copytree(a_model, folder)
    checkpoint = next(folder.rglob("*.pth"))
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    words = segment_words(an_image, folder, a_place.folder / "bones.nii.gz")
    ended = a_warm_process.call("BoneSegLib.cli:main", words, environment=a_place.environment)
    assert ended.code == ModelError.exit_code, ended
    assert a_place.files() == set()


def test_a_single_changed_byte_of_the_bundled_model_is_found(tmp_path):
    from BoneSegLib.models.catalogue import bundled_models
    from BoneSegLib.models.folder import read_model
    from BoneSegLib.models.integrity import verify_files

    folder = shutil.copytree(bundled_models()[0], tmp_path / "model")
    checkpoint = max(folder.rglob("*.pth"), key=lambda path: path.stat().st_size)
    before = sha256(checkpoint)
    with checkpoint.open("r+b") as file:
        file.seek(checkpoint.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    assert sha256(checkpoint) != before
    with pytest.raises(ModelError, match="tampered"):
        verify_files(read_model(folder))
