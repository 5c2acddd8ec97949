"""A small model, an image and a place to write, and a look afterwards that nothing was left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from BoneSegLib.volume import LabelMap
from Testing.support.nnunet_folder import write_quick_folder
from Testing.support.phantoms import two_blocks

SHAPE, SPACING = (40, 48, 44), (1.5, 1.5, 2.0)


@pytest.fixture(scope="session")
def a_model(tmp_path_factory) -> Path:
    """A folder with a small untrained network."""
    return write_quick_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def an_image(tmp_path_factory) -> Path:
    """A CT-like NIfTI file."""
    return write_image(tmp_path_factory.mktemp("image") / "ct.nii", SHAPE)


def write_image(path: Path, shape: tuple[int, int, int]) -> Path:
    import SimpleITK

    volume, _ = two_blocks(shape, SPACING)
    image = SimpleITK.GetImageFromArray(volume.array)
    image.SetSpacing(SPACING)
    SimpleITK.WriteImage(image, str(path))
    return path


@dataclass(frozen=True)
class Place:
    """A folder to write to and one for temporary files, which a run must leave empty."""

    folder: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(self.temporary.parent / "cache")}

    def files(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def a_place() -> Iterator[Place]:
    """Open to every user, unlike pytest's own folders. Afterwards no temporary file may be left in it."""
    with tempfile.TemporaryDirectory(prefix="bone-faults-") as name:
        root = Path(name)
        root.chmod(0o755)
        place = Place(root / "out", root / "tmp")
        for folder in (place.folder, place.temporary):
            folder.mkdir()
            folder.chmod(0o777)
        yield place
        assert list(place.temporary.rglob("*")) == []
        assert [path.name for path in place.folder.rglob("*") if ".part" in path.name] == []


@pytest.fixture
def labels() -> LabelMap:
    """Random labels, which no compression makes small."""
    volume, _ = two_blocks((40, 60, 50), (1.0, 1.0, 1.0))
    array = np.random.default_rng(0).integers(0, 11, volume.array.shape).astype(np.uint8)
    return LabelMap(array, volume.geometry)


def segment_words(image: Path, model: Path, output: Path, *more: str) -> list[str]:
    """The command line of a run on the CPU in fp32."""
    run = ["segment", str(image), "-o", str(output), "--model", str(model)]
    return [*run, "--device", "cpu", "--precision", "fp32", "--force", *more]
