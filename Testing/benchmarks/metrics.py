"""BoneSeg's metrics beside MONAI's: the same ten structures of a 512 x 512 x 300 pair, the same numbers, one run.

    python Testing/benchmarks/metrics.py [--size 512 512 300] [--rounds 3]

Both compute Dice, Hausdorff, HD95, ASSD and NSD (2 mm) of every structure with boundary voxels; BoneSeg computes its
further columns too. Each round runs one after the other, each in a process of its own, so that peak memory is its own;
reading the label maps and importing the packages are not counted in the seconds. Prints medians, the ratio, peak
memory and the largest difference between the numbers of both.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SPACING = (0.8, 0.8, 1.0)  # i, j, k in mm
COLUMNS = ("dice", "hausdorff_mm", "hausdorff95_mm", "assd_mm", "nsd")
TOLERANCE_MM = 2.0
# Centre and half axes of ten ellipsoids about as large as the bones, as shares of the image (k, j, i).
BONES = (
    ((0.42, 0.55, 0.68), (0.17, 0.13, 0.13)),
    ((0.42, 0.55, 0.32), (0.17, 0.13, 0.13)),
    ((0.46, 0.72, 0.50), (0.17, 0.08, 0.09)),
    ((0.12, 0.52, 0.73), (0.11, 0.07, 0.07)),
    ((0.12, 0.52, 0.27), (0.11, 0.07, 0.07)),
    ((0.95, 0.60, 0.50), (0.045, 0.08, 0.07)),
    ((0.87, 0.60, 0.50), (0.035, 0.08, 0.07)),
    ((0.79, 0.60, 0.50), (0.035, 0.08, 0.07)),
    ((0.71, 0.60, 0.50), (0.035, 0.08, 0.07)),
    ((0.64, 0.58, 0.50), (0.033, 0.08, 0.07)),
)


def make_pair(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Reference and test (uint8, kji): the same bones, the test's surfaces roughened and a little displaced."""
    shape = size[::-1]
    pair = []
    for side in (0, 1):
        rng = np.random.default_rng(side)
        labels = np.zeros(shape, dtype=np.uint8)
        for label, (centre, half) in enumerate(BONES, start=1):
            middle = np.array(centre) * shape + side * rng.uniform(-2, 2, 3)
            radius = np.array(half) * shape
            low = np.maximum(0, np.floor(middle - 1.15 * radius)).astype(int)
            high = np.minimum(shape, np.ceil(middle + 1.15 * radius)).astype(int)
            axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
            distance = sum(((x - m) / r) ** 2 for x, m, r in zip(axes, middle, radius, strict=True))
            waves = 0.06 * sum(
                np.sin(x * f + p) for x, f, p in zip(axes, rng.uniform(0.1, 0.4, 3), rng.uniform(0, 6, 3), strict=True)
            )
            part = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
            part[(distance + waves <= 1) & (part == 0)] = label
        pair.append(labels)
    return pair[0], pair[1]


def run_ours(reference: np.ndarray, test: np.ndarray) -> list[list[float]]:
    """A row of `COLUMNS` per structure."""
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.evaluation.options import CompareOptions
    from BoneSegLib.volume import Geometry, LabelMap

    geometry = Geometry.from_spacing(reference.shape[::-1], SPACING)
    options = CompareOptions(surface="voxel", tolerance_mm=TOLERANCE_MM)
    comparison = compare_labelmaps(LabelMap(reference, geometry), LabelMap(test, geometry), options=options)
    return [[getattr(score, column) for column in COLUMNS] for score in comparison.scores]


def run_monai(reference: np.ndarray, test: np.ndarray) -> list[list[float]]:
    """The same of MONAI, structure by structure, since ten at once would need ten times its memory."""
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    spacing = list(SPACING[::-1])
    rows = []
    for label in range(1, len(BONES) + 1):
        a, b = (torch.from_numpy((labels == label)[None, None]) for labels in (test, reference))
        common = {"include_background": True, "spacing": spacing}
        rows.append(
            [
                compute_dice(a.float(), b.float()).item(),
                compute_hausdorff_distance(a, b, **common).item(),
                compute_hausdorff_distance(a, b, percentile=95, **common).item(),
                compute_average_surface_distance(a, b, symmetric=True, **common).item(),
                compute_surface_dice(a, b, class_thresholds=[TOLERANCE_MM], **common).item(),
            ]
        )
    return rows


RUNNERS = {"boneseg": run_ours, "monai": run_monai}


def child(name: str, path: Path) -> None:
    """Time one side and print its outcome as JSON."""
    with np.load(path) as pair:
        reference, test = pair["reference"], pair["test"]
    RUNNERS[name](reference[:2], test[:2])  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    rows = RUNNERS[name](reference, test)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "extra_mb": (after - before) / 1024, "rows": rows}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300), help="ni nj nk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], Path(args.child[1]))
        return
    outcomes: dict[str, list[dict]] = {name: [] for name in RUNNERS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.npz"
        reference, test = make_pair(tuple(args.size))
        np.savez_compressed(path, reference=reference, test=test)
        for _ in range(args.rounds):
            for name in RUNNERS:
                command = [sys.executable, __file__, "--child", name, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                outcomes[name].append(json.loads(done.stdout.splitlines()[-1]))
    seconds = {name: statistics.median(each["seconds"] for each in found) for name, found in outcomes.items()}
    for name, found in outcomes.items():
        spread = ", ".join(f"{each['seconds']:.2f}" for each in found)
        memory = max(each["extra_mb"] for each in found)
        # On a machine with other work the processor's seconds are the fairer ones.
        busy = statistics.median(each["cpu_seconds"] for each in found)
        print(f"{name:>8}: median {seconds[name]:.2f} s ({spread}), processor {busy:.2f} s, peak {memory:.0f} MB more")
    rows = {name: np.array(found[0]["rows"]) for name, found in outcomes.items()}
    difference = np.abs(rows["boneseg"] - rows["monai"]).max(axis=0)
    print("largest difference: " + ", ".join(f"{c} {d:.1e}" for c, d in zip(COLUMNS, difference, strict=True)))
    print(f"ratio metrics {seconds['monai'] / seconds['boneseg']:.1f}")


if __name__ == "__main__":
    main()
