"""Starting is quick because nothing is imported before it is needed: counted, since seconds depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "monai", "numpy", "scipy", "vtk", "slicer", "SimpleITK", "matplotlib", "pydicom", "dask", "PySide6"}


def imported(code: str) -> set[str]:
    """The modules that a fresh Python has after ``code``, and had not before."""
    count = "sys.stderr.write(json.dumps([*set(sys.modules) - before]))"
    words = f"import sys, json; before = set(sys.modules)\n{code}\n{count}"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def command_line(*words: str) -> str:
    return f"import BoneSegLib.cli as cli\ntry:\n    cli.main({list(words)!r})\nexcept SystemExit:\n    pass"


@pytest.mark.parametrize(
    ("code", "most"),
    [
        pytest.param("import BoneSegLib", 10, id="import BoneSegLib"),
        pytest.param(command_line("--help"), 80, id="boneseg --help"),
        pytest.param(command_line("segment", "--help"), 130, id="boneseg segment --help"),
    ],
)
def test_nothing_heavy_is_imported_at_the_start(code, most):
    modules = imported(code)
    assert not packages(modules) & HEAVY
    assert len(modules) <= most, f"{len(modules)} modules"


def test_a_run_needs_neither_monai_nor_pictures():
    modules = packages(imported("import BoneSegLib.inference.engine"))
    assert "torch" in modules, "or the names of this test are wrong"
    assert not modules & {"monai", "matplotlib", "vtk", "slicer", "PySide6", "nnunetv2"}
