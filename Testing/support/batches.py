"""Small cohorts and `boneseg batch` over them, in this process and in others."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from BoneSegLib.cli import main
from Testing.support.phantoms import two_blocks

REPOSITORY = Path(__file__).resolve().parents[2]
# The network's own grid and patch: one window a case.
SHAPE, SPACING = (32, 32, 32), (1.5, 1.5, 2.0)
TEMPORARY = "*.part*"


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(path))
    return path


def write_cases(folder: Path, count: int, name: str = "site{site}/p{number}.nii.gz") -> Path:
    for number in range(count):
        volume, _ = two_blocks(SHAPE, SPACING, seed=number)
        save(folder / name.format(site=number % 2, number=number), volume.array)
    return folder


def words(model: Path, *more: object) -> list[str]:
    return ["batch", "--model", str(model), "--device", "cpu", "--precision", "fp32", *map(str, more)]


def batch(model: Path, *more: object) -> int:
    return main(words(model, *more))


def start(model: Path, *more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "BoneSegLib", *words(model, *more)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(folder: Path) -> dict[str, str]:
    return {row["case"]: row["status"] for row in rows_of(folder / "cases.csv")}


def outputs(folder: Path) -> dict[str, Path]:
    found = sorted(folder.rglob("*.seg.nrrd"))
    return {path.relative_to(folder).as_posix().removesuffix(".seg.nrrd"): path for path in found}


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
