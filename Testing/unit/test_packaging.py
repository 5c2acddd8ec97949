"""The extension as Slicer's build would make it: configured, built and installed against a stand-in Slicer package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STANDIN = REPOSITORY / "Testing" / "cmake"
MODULES = Path("lib/Slicer-5.10/qt-scripted-modules")
NOT_PACKAGED = shutil.ignore_patterns("__pycache__", "*.py[co]", ".*", "*~")


def _cmake() -> str:
    """The cmake beside this Python (the wheel of the test extra), or the system's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("cmake", path=path)
    assert found, 'cmake is missing: pip install -e ".[test]"'
    return found


def _run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


def _configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    # Scripted modules compile nothing, so no compiler is needed: cmake is told not to look for one.
    no_compiler = [
        f"-DCMAKE_{language}_COMPILER{setting}"
        for language in ("C", "CXX")
        for setting in (f"={_cmake()}", "_FORCED=TRUE", "_ID_RUN=TRUE")
    ]
    return _run(_cmake(), "-S", source, "-B", build, "-G", "Unix Makefiles", f"-DSlicer_DIR={STANDIN}", *no_compiler)


def _copy_of_the_extension(folder: Path, *, with_resources: bool) -> Path:
    """The extension's files alone, so that a test may change them."""
    for name in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("BoneSeg", "BoneSegLib"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=NOT_PACKAGED)
    if with_resources:
        shutil.copytree(REPOSITORY / "Resources", folder / "Resources", ignore=NOT_PACKAGED)
    else:
        (folder / "Resources").mkdir()
    return folder


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def a_built_extension(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source folder and the build folder of an extension that was configured and built."""
    source = _copy_of_the_extension(tmp_path_factory.mktemp("source"), with_resources=True)
    build = tmp_path_factory.mktemp("build")
    configured = _configure(source, build)
    assert configured.returncode == 0, configured.stderr
    built = _run(_cmake(), "--build", build)
    assert built.returncode == 0, built.stdout + built.stderr
    return source, build


@pytest.fixture
def an_extension(tmp_path: Path) -> Path:
    """A copy of the extension without its resources, to be spoilt."""
    folder = tmp_path / "source"
    folder.mkdir()
    return _copy_of_the_extension(folder, with_resources=False)


@pytest.mark.parametrize("folder", ["BoneSegLib", "Resources"])
def test_every_file_of_the_library_and_the_resources_is_packaged_beside_the_module(a_built_extension, folder):
    source, build = a_built_extension
    expected = _files(source / folder)
    assert expected, f"{folder} is empty"
    assert expected - _files(build / MODULES / folder) == set()


def test_the_module_and_its_parts_are_packaged_where_slicer_looks_for_modules(a_built_extension):
    source, build = a_built_extension
    parts = {path for path in _files(source / "BoneSeg") if path.suffix == ".py"} - {Path("batch.py")}
    assert Path("BoneSeg.py") in parts
    assert parts - _files(build / MODULES) == set()


def test_nothing_but_the_module_lies_where_slicer_would_take_it_for_a_module(a_built_extension):
    _, build = a_built_extension
    assert [path.name for path in (build / MODULES).glob("*.py")] == ["BoneSeg.py"]


def test_no_caches_and_no_hidden_files_are_packaged(a_built_extension):
    _, build = a_built_extension
    strays = [path for path in _files(build / MODULES) if "__pycache__" in path.parts or path.name.startswith(".")]
    assert strays == []


def test_the_library_imports_from_the_packaged_files_alone(a_built_extension, tmp_path):
    _, build = a_built_extension
    modules = build / MODULES
    # -S -E: neither the environment's packages nor an editable install may lend a hand.
    code = f"import sys; sys.path.insert(0, {str(modules)!r}); import BoneSegLib; print(BoneSegLib.__file__)"
    imported = _run(sys.executable, "-B", "-S", "-E", "-c", code, cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr
    assert Path(imported.stdout.strip()).parent == modules / "BoneSegLib"


def test_the_packaged_library_finds_the_packaged_resources(a_built_extension, tmp_path):
    _, build = a_built_extension
    modules = build / MODULES
    code = (
        f"import sys; sys.path.insert(0, {str(modules)!r}); "
        "from BoneSegLib.resources import resources_folder; print(resources_folder())"
    )
    found = _run(sys.executable, "-B", "-c", code, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()) == modules / "Resources"


def test_an_installed_extension_holds_the_same_files_and_our_own_licence_and_readme(a_built_extension, tmp_path):
    source, build = a_built_extension
    installed = _run(_cmake(), "--install", build, "--prefix", tmp_path)
    assert installed.returncode == 0, installed.stderr
    assert _files(tmp_path / MODULES) == _files(build / MODULES)
    for name in ("LICENSE", "README.md"):
        assert (tmp_path / "share" / "BoneSeg" / name).read_bytes() == (source / name).read_bytes()


def test_the_self_test_of_the_module_is_registered_with_ctest(a_built_extension):
    _, build = a_built_extension
    listed = (build / "BoneSeg" / "CTestTestfile.cmake").read_text()
    assert "py_BoneSeg" in listed
    assert "runUnitTest" in listed


def test_the_description_names_the_extension_and_what_it_depends_on(a_built_extension):
    _, build = a_built_extension
    lines = (build / "BoneSeg.s4ext").read_text().splitlines()
    assert "name BoneSeg" in lines
    assert "depends PyTorch" in lines
    assert "category Segmentation" in lines


def test_a_file_added_to_the_library_is_packaged_too(an_extension, tmp_path):
    (an_extension / "BoneSegLib" / "added").mkdir()
    (an_extension / "BoneSegLib" / "added" / "later.py").write_text("")
    build = tmp_path / "build"
    assert _configure(an_extension, build).returncode == 0
    assert _run(_cmake(), "--build", build).returncode == 0
    assert (build / MODULES / "BoneSegLib" / "added" / "later.py").is_file()


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("BoneSeg/CMakeLists.txt", "SCRIPTS BoneSeg.py", "SCRIPTS BoneSeg.py Gone.py", "nonexistent file 'Gone.py'"),
        ("BoneSeg/CMakeLists.txt", "SCRIPTS BoneSeg.py", "SCRIPTS BoneSeg.py ../LICENSE", "leaves the folder"),
        ("BoneSeg/CMakeLists.txt", "SCRIPTS BoneSeg.py", "SCRIPTS /BoneSeg.py", "leaves the folder"),
        ("BoneSeg/CMakeLists.txt", "  NAME BoneSeg", "  SOURCE_DIR . NAME BoneSeg", "unknown keyword"),
        ("BoneSeg/CMakeLists.txt", "(SCRIPT BoneSeg.py)", "(SCRIPT Python/BoneSeg.py)", "bare file name"),
        ("CMakeLists.txt", "${BONESEG_RESOURCES}", "Resources", "is a folder"),
        ("CMakeLists.txt", "set(EXTENSION_LICENSE_FILE", "set(UNUSED", "EXTENSION_LICENSE_FILE is Slicer's own"),
        ("CMakeLists.txt", "set(EXTENSION_README_FILE", "set(UNUSED", "EXTENSION_README_FILE is Slicer's own"),
        ("CMakeLists.txt", "/README.md)", "/GONE.md)", "points to a file that does not exist"),
        ("CMakeLists.txt", "set(EXTENSION_DESCRIPTION", "set(UNUSED", "EXTENSION_DESCRIPTION is not set"),
        ("CMakeLists.txt", "Not for clinical use.", "Research; no clinic.", "EXTENSION_DESCRIPTION would be read"),
    ],
)
def test_configuring_fails_and_says_why_when_the_packaging_is_wrong(an_extension, tmp_path, file, old, new, complaint):
    _replace(an_extension / file, old, new)
    configured = _configure(an_extension, tmp_path / "build")
    assert configured.returncode != 0
    assert complaint in " ".join(configured.stderr.split())


def test_a_wheel_carries_models_and_terminology_and_finds_them(tmp_path):
    (tmp_path / "source").mkdir()
    source = _copy_of_the_extension(tmp_path / "source", with_resources=True)
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(REPOSITORY / name, source)
    # setuptools itself, not pip: pip would fetch it again, and tests have no network.
    build = "import setuptools.build_meta as backend; backend.build_wheel('wheel')"
    built = _run(sys.executable, "-c", build, cwd=source)
    assert built.returncode == 0, built.stderr
    (wheel,) = (source / "wheel").glob("*.whl")
    unpacked = tmp_path / "site-packages"
    shutil.unpack_archive(wheel, unpacked, "zip")
    code = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); from BoneSegLib.models.catalogue import bundled_models; "
        "print(*bundled_models(), sep='\\n')"
    )
    found = _run(sys.executable, "-B", "-c", code, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert [Path(line).parent for line in found.stdout.splitlines()] == [
        unpacked / "BoneSegLib" / "Resources" / "Models"
    ]
