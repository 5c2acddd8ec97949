"""The rules of the house (docs/architecture.md), read off the sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "BoneSegLib"
SOURCES = sorted([*LIBRARY.rglob("*.py"), *(REPOSITORY / "BoneSeg").rglob("*.py")])
LIBRARY_SOURCES = [path for path in SOURCES if LIBRARY in path.parents]

MAY_USE_MRML = ("BoneSegLib/scene", "BoneSegLib/headless", "BoneSeg/")
MAY_USE_VTK_LATE = (
    "BoneSegLib/evaluation",
    "BoneSegLib/baselines",
    "BoneSegLib/report",
    "BoneSegLib/meshes",
    "BoneSegLib/training/synthesis",
)
VTK = {"vtk", "vtkmodules", "vtkITK"}
ENGINE_ROOMS = ("BoneSegLib/models", "BoneSegLib/inference")
ABOVE_THE_ENGINE = {"scene", "headless", "training", "batch", "commands", "cli", "evaluation", "baselines", "worker"}


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path, *, module_level_only: bool = False) -> Iterator[str]:
    """Dotted names of all that a file imports; imports for type checking alone count as none."""
    package = _name(path).removesuffix(".py").split("/")[:-1]
    pending: list[ast.AST] = [_tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
        elif module_level_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        else:
            pending.extend(ast.iter_child_nodes(node))


def _roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(path)}


def _module_level_roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in _imports(path, module_level_only=True)}


def _library_rooms(path: Path) -> set[str]:
    """Which rooms of the library a file imports from."""
    return {name.split(".")[1] for name in _imports(path) if name.startswith("BoneSegLib.")}


def _offenders(
    forbidden: set[str],
    imported: Callable[[Path], set[str]],
    *,
    inside: tuple[str, ...] = ("",),
    outside: tuple[str, ...] = (),
) -> dict[str, set[str]]:
    """Each file ``inside`` these paths and not ``outside`` them that imports something forbidden, with what it is."""
    found = {
        _name(path): forbidden & imported(path)
        for path in SOURCES
        if _name(path).startswith(inside) and not (outside and _name(path).startswith(outside))
    }
    return {name: imports for name, imports in found.items() if imports}


def test_only_the_scene_rooms_and_the_module_import_slicer():
    assert _offenders({"slicer"}, _roots, outside=MAY_USE_MRML) == {}


def test_vtk_stays_in_the_scene_rooms_and_where_surfaces_are_computed():
    assert _offenders(VTK, _roots, outside=(*MAY_USE_MRML, *MAY_USE_VTK_LATE)) == {}


def test_vtk_is_imported_late_where_surfaces_are_computed():
    assert _offenders(VTK, _module_level_roots, inside=MAY_USE_VTK_LATE) == {}


def test_only_the_module_itself_imports_qt():
    assert _offenders({"qt", "ctk", "PySide6", "PythonQt"}, _roots, outside=("BoneSeg/",)) == {}


def test_the_engine_imports_nothing_from_the_rooms_above_it():
    assert _offenders(ABOVE_THE_ENGINE, _library_rooms, inside=ENGINE_ROOMS) == {}


def test_the_scene_never_reaches_up_to_the_command_line_the_batch_or_the_training():
    above = {"cli", "commands", "batch", "training"}
    assert _offenders(above, _library_rooms, inside=("BoneSegLib/scene", "BoneSegLib/headless")) == {}


def test_nothing_but_the_command_line_and_the_module_uses_the_batch_runner_and_the_training():
    users = ("BoneSegLib/batch", "BoneSegLib/training", "BoneSegLib/cli", "BoneSegLib/commands", "BoneSeg/")
    assert _offenders({"batch", "training"}, _library_rooms, outside=users) == {}


def test_torch_and_monai_are_not_imported_by_what_the_command_line_loads_first():
    first = ("BoneSegLib/cli.py", "BoneSegLib/commands", "BoneSegLib/__")
    assert _offenders({"torch", "monai"}, _module_level_roots, inside=first) == {}


def test_every_file_of_the_library_begins_with_what_it_is_for():
    silent = [path for path in LIBRARY_SOURCES if not ast.get_docstring(_tree(path))]
    assert [_name(path) for path in silent] == []


@pytest.mark.parametrize(
    ("text", "level_only", "expected"),
    [
        ("import vtk", False, {"vtk"}),
        ("def f():\n    from vtkmodules.util import numpy_support", False, {"vtkmodules"}),
        ("def f():\n    import vtk", True, set()),
        ("class C:\n    import vtk", True, {"vtk"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import slicer", False, {"typing"}),
        ("try:\n    import slicer\nexcept ImportError:\n    pass", True, {"slicer"}),
        ("from . import models", False, {"BoneSegLib"}),
    ],
)
def test_the_reader_of_imports_sees_what_python_would(tmp_path, monkeypatch, text, level_only, expected):
    monkeypatch.setattr(sys.modules[__name__], "REPOSITORY", tmp_path)
    file = tmp_path / "BoneSegLib" / "room.py"
    file.parent.mkdir()
    file.write_text(text)
    assert (_module_level_roots if level_only else _roots)(file) == expected


def test_every_folder_of_the_library_is_a_package():
    folders = {path.parent for path in LIBRARY_SOURCES}
    assert [_name(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_importing_the_library_loads_neither_torch_nor_monai_nor_numpy():
    code = "import sys, BoneSegLib; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert not {"torch", "monai", "numpy", "scipy", "SimpleITK", "slicer", "vtk"} & set(loaded)


# Written in pieces, so that this file does not find itself.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"https?://[^\s)\"']*/" + r"(simple|debian)/",
            r"(deb|files|download|registry|pypi|security)\." + r"(debian|pythonhosted|pytorch|npmjs|python)\.org",
            r"pypi\." + r"org",
            r"(?<![\w/.])/" + r"(work|root|tmp|home/\w+|opt/wheels|opt/pypi)/",
        ]
    )
)


def _tracked_text_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (REPOSITORY / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8000]]


def test_no_tracked_file_names_a_package_registry_or_a_path_of_the_machine_it_was_written_on():
    found = {
        _name(path): match.group()
        for path in _tracked_text_files()
        if (match := FORBIDDEN.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://pypi." + "org/simple/torch",
        "--index-url https://download." + "pytorch.org/whl/cpu",
        "open('/" + "work/main/x')",
    ],
)
def test_the_rule_about_hosts_and_paths_finds_what_it_forbids(text):
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize(
    "text", ["docs/home/somebody/x", "../shared/data/ct", "https://pytorch.org/get-started", "/path/to/ct.nii.gz"]
)
def test_the_rule_about_hosts_and_paths_leaves_ordinary_text_alone(text):
    assert not FORBIDDEN.search(text)
