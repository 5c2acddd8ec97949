"""`make bench`: BoneSeg beside nnunetv2 and MONAI, same weights, same volume, in turn, each in a process of its own.

Prints tables and, as its last lines, `ratio fast N.N` and `ratio full N.N`: nnunetv2's time over ours. The CT is the
one given with --ct, or the bundled sample, resampled to --size voxels. Rounds are repeated while --minutes allow, at
least one for each quality; the spread is that of the rounds. With --docs the tables and the plot go into the docs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from BoneSegLib.models.catalogue import bundled_models, resources_folder
from Testing.benchmarks.contenders import CONTENDERS
from Testing.benchmarks.results import Row, plot, table, write_docs
from Testing.benchmarks.small_things import small_things
from Testing.benchmarks.volumes import bench_volume

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REFERENCE, EXACT, OURS = "nnunetv2", "BoneSeg, nnU-Net's windows", "BoneSeg"


@dataclass(frozen=True, eq=False)
class Outcome:
    """One process: ``labels`` (uint8 kji), ``total`` and ``seconds`` per step, ``peak`` GiB."""

    labels: np.ndarray
    total: float
    peak: float
    seconds: dict[str, float]


def run(name: str, quality: str, model: Path, volume: Path, target: Path) -> Outcome:
    words = [sys.executable, "-m", "Testing.benchmarks.contenders", name, quality, str(model), str(volume), str(target)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    with np.load(target) as data:
        seconds = json.loads(str(data["seconds"]))
        return Outcome(data["labels"], float(data["total"]), float(data["peak"]), seconds)


def rounds_of(quality: str, names: Sequence[str], until: float, most: int, **where: Path) -> list[dict[str, Outcome]]:
    """All contenders in turn, again and again while another round ends before ``until``."""
    rounds: list[dict[str, Outcome]] = []
    while len(rounds) < most:
        start = time.perf_counter()
        outcomes = {}
        for name in names:
            outcomes[name] = run(name, quality, where["model"], where["volume"], where["folder"] / "labels.npz")
            sys.stdout.write(f"  {quality}, {name}: {outcomes[name].total:.1f} s\n")
            sys.stdout.flush()
        rounds.append(outcomes)
        now = time.perf_counter()
        if now + (now - start) > until:
            break
    return rounds


def rows_of(quality: str, rounds: list[dict[str, Outcome]]) -> list[Row]:
    """One row per contender: medians, the ratio to nnunetv2 within each round, agreement with the labels of nnunetv2
    and, for what runs fewer windows than it, Dice against the same engine with all of them."""
    reference, exact = rounds[0][REFERENCE].labels, rounds[0][EXACT].labels
    rows = []
    for name in rounds[0]:
        runs = [outcomes[name] for outcomes in rounds]
        ratios = [outcomes[REFERENCE].total / outcomes[name].total for outcomes in rounds]
        labels = runs[0].labels
        union = (labels > 0) | (reference > 0)
        middle = min(runs, key=lambda one: abs(one.total - median(each.total for each in runs)))
        rows.append(
            Row(
                quality=quality,
                name=name,
                seconds=median(one.total for one in runs),
                ratio=median(ratios),
                spread=(min(ratios), max(ratios)),
                peak=max(one.peak for one in runs),
                steps=middle.seconds,
                same=float((labels == reference).mean()),
                same_bone=float((labels == reference)[union].mean()) if union.any() else 1.0,
                dice=mean_dice(exact, labels),
                rounds=len(runs),
            )
        )
    return rows


def mean_dice(a: np.ndarray, b: np.ndarray) -> float:
    """The mean over the structures that either has."""
    present = [value for value in np.union1d(np.unique(a), np.unique(b)) if value]
    scores = [2 * ((a == v) & (b == v)).sum() / ((a == v).sum() + (b == v).sum()) for v in present]
    return float(np.mean(scores)) if scores else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ct", type=Path, default=resources_folder() / "SampleData" / "sample_ct.nii.gz")
    parser.add_argument("--model", type=Path, default=bundled_models()[0] if bundled_models() else None)
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300), metavar=("NI", "NJ", "NK"))
    parser.add_argument("--minutes", type=float, default=11.0, help="no further round is begun after this time")
    parser.add_argument("--rounds", type=int, default=3, help="at most so many of each quality")
    parser.add_argument("--qualities", nargs="+", default=["fast", "full"])
    parser.add_argument("--engines-only", action="store_true", help="no imports, start-up, metrics, grow from seeds")
    parser.add_argument("--docs", action="store_true", help="write tables and plot into the docs (else: out/)")
    args = parser.parse_args()
    begin = time.perf_counter()
    lines = [] if args.engines_only else small_things(args.model)
    sys.stdout.write("\n".join(lines) + "\n")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        array, spacing = bench_volume(args.ct, args.model, tuple(args.size))
        np.savez(folder / "volume.npz", array=array, spacing=spacing)
        size = " x ".join(map(str, args.size))
        about = f"{size} voxels of {' x '.join(f'{step:.2f}' for step in spacing[::-1])} mm"
        sys.stdout.write(about + "\n")
        shares = {"fast": 0.4, "full": 1.0}  # of the time; a round of `full` takes several times that of `fast`
        for quality in args.qualities:
            until = begin + 60 * args.minutes * shares[quality]
            where = {"model": args.model, "volume": folder / "volume.npz", "folder": folder}
            rows += rows_of(quality, rounds_of(quality, list(CONTENDERS), until, args.rounds, **where))
    text = table(rows, about=about, others=lines)
    sys.stdout.write("\n" + text + "\n")
    target = ROOT / "docs" if args.docs else ROOT / "out"
    target.mkdir(exist_ok=True)
    plot(rows, target / ("images/performance.png" if args.docs else "performance.png"))
    if args.docs:
        write_docs(ROOT / "docs" / "performance.md", text)
    for row in rows:
        if row.name == OURS:
            sys.stdout.write(f"ratio {row.quality} {row.ratio:.1f}\n")


if __name__ == "__main__":
    main()
