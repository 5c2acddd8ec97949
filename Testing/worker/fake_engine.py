"""Engines for the worker process to run instead of the real one: quick, slow, deaf, faulty, deadly."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from BoneSegLib.anatomy import select_structures
from BoneSegLib.errors import Cancelled, MissingError, ModelError
from BoneSegLib.options import SegmentOptions
from BoneSegLib.volume import Geometry, LabelMap, Volume
from BoneSegLib.worker.estimate import Estimate

BONE_HU = 200
PERSON = "some" + "one"  # in two pieces, so that the source line in a traceback does not hold it


def estimate(geometry: Geometry, options: SegmentOptions) -> Estimate:
    """Known numbers."""
    if options.device.startswith("cuda"):
        raise MissingError("There is no such device.")
    fast = options.quality == "fast"
    return Estimate(seconds=20.0 if fast else 75.0, memory_bytes=3 * 2**30, free_bytes=16 * 2**30, device="cpu")


def segment(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    """Gives each structure a slab of what is bright, in a fraction of a second, and tells progress."""
    return _run(volume, options, progress, is_cancelled, windows=8, pause=0.02)


def slow(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    """Four seconds, asking whether to stop 40 times a second."""
    return _run(volume, options, progress, is_cancelled, windows=160, pause=0.025)


def deaf(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    """A window that takes a minute, with a child of its own."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    progress(0.1, "Finding the bones")
    time.sleep(60)
    raise AssertionError("nobody waits that long")


def refusing(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    raise ModelError("The model is incomplete.", cause="A file is missing.", remedy="Copy it again.")


def faulty(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    raise ValueError(f"a fault of ours in {Path(os.sep, 'home', PERSON, 'file.py')}")


def crashing(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    progress(0.2, "Finding the bones")
    ctypes.string_at(0)
    raise AssertionError("still alive")


def noisy(volume: Volume, options: SegmentOptions, *, progress, is_cancelled) -> LabelMap:
    """Prints, as libraries do, where messages go."""
    sys.stdout.write("a library says hello\n")
    sys.stdout.flush()
    os.write(1, b'{"say": "done"}\n')
    return segment(volume, options, progress=progress, is_cancelled=is_cancelled)


def _run(volume, options, progress, is_cancelled, *, windows: int, pause: float) -> LabelMap:
    started = time.perf_counter()
    for done in range(windows):
        if is_cancelled():
            raise Cancelled
        progress(done / windows, "Finding the bones")
        time.sleep(pause)
    structures = select_structures(options.structures)
    labels = np.zeros(volume.array.shape, np.uint8)
    ends = np.linspace(0, len(labels), len(structures) + 1).astype(int)
    for structure, first, stop in zip(structures, ends[:-1], ends[1:], strict=True):
        labels[first:stop][volume.array[first:stop] > BONE_HU] = structure.label
    info = {
        "model": "fake",
        "quality": options.quality,
        "device": "cpu",
        "precision": "fp32",
        "process": os.getpid(),
        "seconds_total": round(time.perf_counter() - started, 3),
        "notes": [],
        "confidence": {structure.id: 0.4 if structure.id == "vertebra_L2" else 0.93 for structure in structures},
    }
    return LabelMap(labels, volume.geometry, structures, info)
