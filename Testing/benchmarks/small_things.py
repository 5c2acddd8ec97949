"""What is short, and counts because it comes each time: imports, the command line's start, loading the model, a second
run in the same session, one window, grow from seeds. Each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from BoneSegLib.models.catalogue import resources_folder

SAMPLE = resources_folder() / "SampleData" / "sample_ct.nii.gz"
LABELS = resources_folder() / "SampleData" / "sample_labels.nii.gz"

_LOAD = """
import sys, time
from pathlib import Path
import BoneSegLib.inference.engine, torch
from BoneSegLib.inference.loading import load_model, load_stage
for turn in range(2):
    start = time.perf_counter()
    for stage in load_model(Path(sys.argv[1])).stages.values():
        load_stage(stage, stage.folds, torch.device("cpu"))
    print(time.perf_counter() - start)
"""


def small_things(model: Path) -> list[str]:
    """One line for each, with what was measured."""
    # In turn, and the least of each: a difference of a few ms drowns in whatever else the computer does.
    turns = [(_seconds("-c", "pass"), _seconds("-c", "import BoneSegLib")) for _ in range(9)]
    python, imported = (min(times) for times in zip(*turns, strict=True))
    helped = median(_seconds("-m", "BoneSegLib", "--help") for _ in range(5))
    engine = median(_seconds("-c", "import BoneSegLib.inference.engine") for _ in range(3)) - python
    done = subprocess.run([sys.executable, "-c", _LOAD, str(model)], capture_output=True, text=True, check=True)
    first, second = (float(line) for line in done.stdout.split())
    lines = [
        f"- `import BoneSegLib`: {1000 * (imported - python):.0f} ms beyond Python's own {1000 * python:.0f} ms;"
        f" the engine with torch {engine:.1f} s.",
        f"- `boneseg --help`: {1000 * helped:.0f} ms, Python's start included.",
        f"- Loading and verifying the model: {first:.2f} s, again in the same session {1e6 * second:.0f} microseconds.",
    ]
    lines += _told(str(Path(__file__).with_name("one_window.py")), "--model", str(model))
    if SAMPLE.is_file():
        with tempfile.TemporaryDirectory() as folder:
            words = ["-m", "BoneSegLib", "grow-from-seeds", str(SAMPLE), "-o", str(Path(folder) / "grown.nii.gz")]
            grown = _seconds(*words, "--seeds", str(LABELS))
            lines.append(f"- `boneseg grow-from-seeds` on the sample CT, start and files included: {grown:.1f} s.")
    metrics = _told(str(Path(__file__).with_name("metrics.py")), "--rounds", "1")
    return lines + [f"- Metrics of a 512 x 512 x 300 pair, {line}." for line in metrics]


def _told(*words: str) -> list[str]:
    done = subprocess.run(_python(words), capture_output=True, text=True, check=True)
    return [" ".join(line.split()) for line in done.stdout.splitlines() if line]


def _seconds(*words: str) -> float:
    start = time.perf_counter()
    subprocess.run(_python(words), capture_output=True, check=True)
    return time.perf_counter() - start


def _python(words: Sequence[str]) -> list[str]:
    return [sys.executable, *words]
