"""What trials do in their own process (see `Testing.support.warm_process`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BoneSegLib.errors import BoneSegError
from BoneSegLib.volume import Geometry, LabelMap

OLD = b"what was here before"


def write(path: str, seed: int = 0) -> str:
    """Writes random labels; the kind of the error, or nothing."""
    array = np.random.default_rng(seed).integers(0, 11, (40, 60, 50)).astype(np.uint8)
    labels = LabelMap(array, Geometry.from_spacing((50, 60, 40), (1.0, 1.0, 1.0)))
    try:
        if path.endswith(".seg.nrrd"):
            from BoneSegLib.headless.runtime import ensure_runtime
            from BoneSegLib.headless.write import write_segmentation

            ensure_runtime()
            from BoneSegLib.scene.write import write_labels

            write_segmentation(write_labels(labels), path, reference=labels.geometry)
        else:
            from BoneSegLib.headless.write import write_labelmap

            write_labelmap(labels, path)
    except BoneSegError as error:
        return error.kind
    return ""


def write_again_and_again(path: str, seed: int, times: int) -> int:
    """Replaces a file many times; 0 when each time worked."""
    return sum(bool(write(path, seed)) for _ in range(times))


def run_in_language(language: str, words: list[str]) -> int:
    """Runs `boneseg` with the whole locale set, as an application around it may do; its exit code."""
    import locale

    from BoneSegLib.cli import main

    locale.setlocale(locale.LC_ALL, language)
    assert locale.localeconv()["decimal_point"] == ","
    return main(words)


def spacing_in_language(language: str, path: str) -> list[float]:
    """The spacing of a file of labels, read with the whole locale set."""
    import locale

    locale.setlocale(locale.LC_ALL, language)
    return spacing(path)


def spacing(path: str) -> list[float]:
    """The spacing of a segmentation or a label map, whatever it holds."""
    from BoneSegLib.headless.read import read_labelmap, read_segmentation
    from BoneSegLib.scene.labels import labelmap_from_segmentation, structures_of

    if not path.endswith(".seg.nrrd"):
        return list(read_labelmap(Path(path)).geometry.spacing)
    node = read_segmentation(path)
    return list(labelmap_from_segmentation(node, structures=structures_of(node)).geometry.spacing)


def content(path: str) -> list[int]:
    """The labels of a file, summed up by value."""
    from BoneSegLib.headless.read import read_labelmap

    return np.bincount(read_labelmap(Path(path)).array.ravel(), minlength=11).tolist()
