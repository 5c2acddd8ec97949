"""Random damage to files and to JSON, repeatable by its seed; and readings of what was damaged, for trials."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from BoneSegLib.errors import BoneSegError

EXTREMES = [bytes.fromhex(text) for text in ("00", "ff", "7fffffff", "ffffff7f", "00000080", "0000c07f", "80")]
"""The largest and the smallest whole numbers, infinity."""

NONSENSE: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 1e308, -1e308, 1e-308, 10**12, 10**400, -(10**18), 0.5),
    *("", "x", "\0", "../../../outside", "é" * 300, "9" * 400, "²", [], [[]], {}, {"x": {}}, [None], [1] * 1000),
    *([1, 2, 3], [0, 0, 0], [-1, -1, -1], [10**9] * 3, [[3, 3, 3]] * 50, {"0": []}, [1e-9, 1e-9, 1e-9], [1e9] * 3),
]


def damaged(content: bytes, rng: np.random.Generator, *, header: int = 400) -> bytes:
    """A few random changes, most of them near the beginning, where the header is."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        end = min(len(data), header) if rng.random() < 0.8 else len(data)
        if end < 2:
            break
        at = int(rng.integers(0, end))
        kind = rng.integers(0, 6)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at] = int(rng.integers(0, 256))
        elif kind == 2:
            extreme = EXTREMES[int(rng.integers(0, len(EXTREMES)))]
            data[at : at + len(extreme)] = extreme
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 20))]
        elif kind == 4:
            data[at:at] = rng.bytes(int(rng.integers(1, 20)))
        else:
            other = int(rng.integers(0, end))
            data[at : at + 8] = data[other : other + 8]
    if rng.random() < 0.1:
        del data[int(rng.integers(0, len(data) + 1)) :]
    return bytes(data)


def damaged_json(data: Any, rng: np.random.Generator) -> Any:
    """The same with one to three values replaced by nonsense, removed or doubled, at any depth."""
    data = copy.deepcopy(data)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(data))
        holder, key = places[int(rng.integers(0, len(places)))]
        if rng.random() < 0.2 and isinstance(holder, dict):
            del holder[key]
        elif rng.random() < 0.1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(NONSENSE[int(rng.integers(0, len(NONSENSE)))])
    return data


def _places(data: Any):
    """(holder, key) of every value in nested lists and objects."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    for key in keys:
        yield data, key
        yield from _places(data[key])


def read_damaged_images(source: str, first: int, count: int) -> dict[str, int]:
    """Reads ``count`` damaged versions of an image file (or of one file of a DICOM folder). How often what came of it.

    Raises what is no `BoneSegError`, with the seed that does it again.
    """
    from BoneSegLib.checks import examine
    from BoneSegLib.headless.read import read_volume

    ended: dict[str, int] = {}
    whole = Path(source)
    with tempfile.TemporaryDirectory(prefix="bone-fuzz-") as name:
        for seed in range(first, first + count):
            rng = np.random.default_rng(seed)
            path = _damage(whole, Path(name), rng)
            kind = _ending(seed, lambda: examine(read_volume(path, force=bool(seed % 2), warn=lambda _: None)))  # noqa: B023
            ended[kind] = ended.get(kind, 0) + 1
    return ended


def _ending(seed: int, read: Callable[[], object]) -> str:
    """How reading a damaged file ended: ``read``, or the kind of a typed error; any other error fails the test."""
    try:
        read()
    except BoneSegError as error:
        assert error.message and error.exit_code in (3, 5), (seed, error)
        return error.kind
    except Exception as error:
        raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return "read"


def read_damaged_segmentations(source: str, first: int, count: int) -> dict[str, int]:
    """The same for a ``.seg.nrrd``: as bones by their ids and, every other time, as whatever segments it has."""
    import slicer

    from BoneSegLib.headless.read import read_labelmap
    from BoneSegLib.headless.read_segments import read_segments
    from BoneSegLib.headless.runtime import ensure_runtime

    ensure_runtime()
    whole = Path(source)
    grid = read_labelmap(whole).geometry
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    ended: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="bone-fuzz-") as name:
        for seed in range(first, first + count):
            path = _damage(whole, Path(name), np.random.default_rng(seed))
            if seed % 2:
                kind = _ending(seed, lambda: read_labelmap(path, warn=lambda _: None))  # noqa: B023
            else:
                kind = _ending(seed, lambda: read_segments(path, grid, warn=lambda _: None))  # noqa: B023
            assert slicer.mrmlScene.GetNumberOfNodes() == nodes, f"seed {seed}: nodes were left in the scene"
            ended[kind] = ended.get(kind, 0) + 1
    return ended


def read_one(path: str) -> list[int]:
    """The shape of an image."""
    from BoneSegLib.headless.read import read_volume

    return list(read_volume(Path(path)).array.shape)


def _damage(whole: Path, folder: Path, rng: np.random.Generator) -> Path:
    if whole.is_file():
        content = whole.read_bytes()
        # Of a segmentation half of the file is header.
        header = 4000 if whole.name.endswith(".seg.nrrd") else 400
        (folder / whole.name).write_bytes(damaged(content, rng, header=header))
        return folder / whole.name
    files = sorted(whole.iterdir())
    chosen = int(rng.integers(0, len(files)))
    for number, file in enumerate(files):
        content = file.read_bytes()
        (folder / file.name).write_bytes(damaged(content, rng, header=1200) if number == chosen else content)
    return folder


def read_damaged_models(source: str, first: int, count: int) -> dict[str, int]:
    """Reads ``count`` damaged versions of a model folder, up to its networks; ends as `read_damaged_images` does."""
    from BoneSegLib.inference.loading import choose_folds, load_fold
    from BoneSegLib.models.folder import read_model
    from BoneSegLib.models.integrity import verify_files

    ended: dict[str, int] = {}
    texts = sorted(Path(source).rglob("*.json"))
    checkpoints = sorted(Path(source).rglob("*.pth"))
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        chosen = [*texts, *checkpoints][int(rng.integers(0, len(texts) + len(checkpoints)))]
        before = chosen.read_bytes()
        if chosen.suffix == ".json":
            chosen.write_text(json.dumps(damaged_json(json.loads(before), rng)))
        else:
            chosen.write_bytes(damaged(before, rng, header=len(before)))
        try:
            model = read_model(Path(source))
            verify_files(model)
            for stage in model.stages.values():
                load_fold(stage, choose_folds(stage, None)[0])
            kind = "read"
        except BoneSegError as error:
            assert error.message and error.exit_code in (3, 4, 5), (seed, error)
            kind = error.kind
        except Exception as error:
            raise AssertionError(f"seed {seed}, {chosen.name}: {type(error).__name__}: {error}") from error
        finally:
            chosen.write_bytes(before)
        ended[kind] = ended.get(kind, 0) + 1
    return ended
