"""Time and memory as the work grows: more voxels, more bones, more windows, more cases. A table and a plot.

    python -m Testing.benchmarks.growth [--ct FILE] [--model FOLDER] [--size NI NJ NK] [--minutes 12] [--docs]

Each run is a process of its own. ``cases`` runs one after the other in one process, as a batch does. Runs that would
not fit into the time that is left are left out, and that is said.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from BoneSegLib.models.catalogue import bundled_models, resources_folder
from Testing.benchmarks.volumes import bench_volume

ROOT = Path(__file__).parents[2]
VOXELS = [{"length": length} for length in (0.25, 0.5, 1, 2)]
BONES = [{"structures": names} for names in ("vertebra_L3", "lumbar_spine", "pelvis", "hips_and_femurs", "")]
WINDOWS = [{"windows": which} for which in ("near bones", "everywhere")]
CASES = [{"cases": count} for count in (1, 2, 4)]
SERIES = {"voxels (length of the scan)": VOXELS, "bones": BONES, "windows": WINDOWS, "cases": CASES}

Point = tuple[str, dict[str, float]]
"""Label of a setting, and what was measured."""


def run_one(source: Path, model: Path, quality: str, setting: dict) -> dict[str, float]:
    """In this process: seconds, the network's seconds, windows and peak GiB of one setting."""
    import BoneSegLib.inference.engine as engine
    from BoneSegLib import Geometry, SegmentOptions, Volume

    with np.load(source) as data:
        array, spacing = data["array"], data["spacing"]
    # Twice the patient, not finer slices: more voxels and more bone.
    array = np.resize(array, (round(len(array) * setting.get("length", 1)), *array.shape[1:]))
    geometry = Geometry.from_spacing(array.shape[::-1], tuple(spacing[::-1]), directions=np.diag([-1.0, -1.0, 1.0]))
    names = setting.get("structures")
    options = SegmentOptions(
        model=model,
        quality=quality,
        device="cpu",
        force=True,
        structures=tuple(names.split(",")) if names else None,
        coarse_to_fine=setting.get("windows") != "everywhere",
    )
    windows = 0

    def count(share: float, message: str) -> None:
        nonlocal windows
        windows += message.startswith("Finding")

    seconds = network = 0.0
    for _ in range(setting.get("cases", 1)):
        start = time.perf_counter()
        laps = engine.segment(Volume(array, geometry), options, progress=count).info["seconds"]
        seconds += time.perf_counter() - start
        network += sum(value for name, value in laps.items() if name.startswith("network"))
        windows -= sum(name.startswith("network") for name in laps)  # each network says once that it begins
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "megavoxels": array.size / 1e6,
        "windows": windows,
        "seconds": seconds,
        "network": network,
        "peak": peak,
    }


def run(source: Path, model: Path, quality: str, setting: dict) -> dict[str, float]:
    words = ["--child", str(source), str(model), quality, json.dumps(setting)]
    command = [sys.executable, "-m", "Testing.benchmarks.growth", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def plot(found: dict[str, list[Point]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(found), figsize=(4 * len(found), 3.4), squeeze=False)
    for axis, (name, points) in zip(axes[0], found.items(), strict=True):
        labels = [label for label, _ in points]
        axis.plot(labels, [point["seconds"] for _, point in points], "o-", color="#3b6ea5", label="seconds")
        axis.plot(labels, [point["network"] for _, point in points], "o--", color="#3b6ea5", label="in the network")
        beside = axis.twinx()
        beside.plot(labels, [point["peak"] for _, point in points], "s-", color="#c0622f", label="peak GB")
        axis.set_ylim(bottom=0)
        beside.set_ylim(bottom=0)
        axis.set_title(name)
        axis.tick_params(axis="x", rotation=30)
    axes[0][0].legend(frameon=False, loc="center left")
    figure.text(0.995, 0.5, "peak GB (squares)", rotation=90, va="center", ha="right", color="#c0622f")
    figure.tight_layout(rect=(0, 0, 0.985, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ct", type=Path, default=resources_folder() / "SampleData" / "sample_ct.nii.gz")
    parser.add_argument("--model", type=Path, default=bundled_models()[0] if bundled_models() else None)
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300), metavar=("NI", "NJ", "NK"))
    parser.add_argument("--quality", default="full")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        source, model, quality, setting = args.child
        outcome = run_one(Path(source), Path(model), quality, json.loads(setting))
        sys.stdout.write(json.dumps(outcome) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder) / "volume.npz"
        array, spacing = bench_volume(args.ct, args.model, tuple(args.size))
        np.savez(volume, array=array, spacing=spacing)
        found = measure(volume, args.model, args.quality, until=time.perf_counter() + 60 * args.minutes)
    target = ROOT / ("docs/images/growth.png" if args.docs else "out/growth.png")
    target.parent.mkdir(exist_ok=True)
    plot(found, target)


def measure(volume: Path, model: Path, quality: str, *, until: float) -> dict[str, list[Point]]:
    """All settings, as long as there is time: one is begun if the longest run so far would still fit."""
    sys.stdout.write("| grows | setting | megavoxels | windows | s | in the network | peak GB |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    found: dict[str, list[Point]] = {}
    longest = 0.0
    for name, settings in SERIES.items():
        for setting in settings:
            label = str(next(iter(setting.values())) or "all")
            start = time.perf_counter()
            if start + longest > until:
                sys.stdout.write(f"| {name} | {label} | left out: no time | | | | |\n")
                continue
            point = run(volume, model, quality, setting)
            longest = max(longest, time.perf_counter() - start)
            found.setdefault(name, []).append((label, point))
            sys.stdout.write(
                f"| {name} | {label} | {point['megavoxels']:.0f} | {point['windows']} | {point['seconds']:.1f} "
                f"| {point['network']:.1f} | {point['peak']:.2f} |\n"
            )
            sys.stdout.flush()
    return found


if __name__ == "__main__":
    main()
