"""`Slicer --python-script BoneSeg/batch.py`: the same arguments and exit codes as the command line."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from Testing.support.batches import REPOSITORY, outputs, words, write_cases

ENTRY = REPOSITORY / "BoneSeg" / "batch.py"


def test_the_entry_for_slicer_takes_the_same_arguments_and_ends_with_the_same_codes(model, tmp_path):
    data, out = write_cases(tmp_path / "in", 1), tmp_path / "out"

    def run(*more: object) -> int:
        command = [sys.executable, str(ENTRY), *words(model, *more)[1:]]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, timeout=280, capture_output=True).returncode

    assert run(data, "-o", out) == 0
    assert list(outputs(out)) == ["site0/p0"]
    assert run(tmp_path / "missing", "-o", out) == 3


def load_entry() -> ModuleType:
    spec = importlib.util.spec_from_file_location("boneseg_batch_entry", ENTRY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("arguments", "code"), [(["missing", "-o", "out"], 3), (["--nonsense"], 2), (["--help"], 0)])
def test_inside_slicer_the_application_is_told_to_end_with_the_code(tmp_path, monkeypatch, arguments, code):
    import slicer

    ended: list[int] = []
    application = SimpleNamespace(commandOptions=SimpleNamespace, exit=ended.append)
    monkeypatch.setattr(slicer, "app", application, raising=False)
    monkeypatch.chdir(tmp_path)
    entry = load_entry()
    entry.end(entry.main(arguments))
    assert ended == [code]
