"""`make bench`: BoneSeg beside nnunetv2 and MONAI, same weights, same volume, in turn, each in a process of its own.

Prints tables and, as its last lines, `ratio fast N.N` and `ratio full N.N`: nnunetv2's time over ours. The CT is the
one given with --ct, or the bundled sample, resampled to --size voxels. Each contender runs once for each quality; in
what --minutes leave then, quick ones run again more often than slow ones. Every result is kept in out/bench as it
comes: --resume goes on with a benchmark that was cut short. With --docs the tables and the plot go into the docs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from BoneSegLib.models.catalogue import bundled_models, resources_folder
from Testing.benchmarks.contenders import CONTENDERS
from Testing.benchmarks.results import OURS, plot, rows_of, table, write_docs
from Testing.benchmarks.runs import ROOT, Job, run_jobs
from Testing.benchmarks.small_things import small_things
from Testing.benchmarks.volumes import bench_volume

KEPT = ROOT / "out" / "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, default=resources_folder() / "SampleData" / "sample_ct.nii.gz")
    parser.add_argument("--model", type=Path, default=bundled_models()[0] if bundled_models() else None)
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300), metavar=("NI", "NJ", "NK"))
    parser.add_argument("--minutes", type=float, default=20.0, help="no run is repeated that would end after this time")
    parser.add_argument("--rounds", type=int, default=5, help="at most so many runs of each")
    parser.add_argument("--qualities", nargs="+", default=["fast", "full"])
    parser.add_argument("--resume", action="store_true", help="count what out/bench holds of the same benchmark")
    parser.add_argument("--engines-only", action="store_true", help="no imports, start-up, metrics, grow from seeds")
    parser.add_argument("--docs", action="store_true", help="write tables and plot into the docs (else: out/)")
    args = parser.parse_args()
    until = time.perf_counter() + 60 * args.minutes
    jobs = [(quality, name) for quality in args.qualities for name in CONTENDERS]
    open_folder(jobs, {"ct": str(args.ct), "size": list(args.size), "model": _hash(args.model)}, args.resume)
    volume = KEPT / "volume.npz"
    if not volume.is_file():
        array, spacing = bench_volume(args.ct, args.model, tuple(args.size))
        np.savez(KEPT / "partial.npz", array=array, spacing=spacing)
        (KEPT / "partial.npz").replace(volume)
    with np.load(volume) as data:
        spacing = data["spacing"]
    about = f"{' x '.join(map(str, args.size))} voxels of {' x '.join(f'{step:.2f}' for step in spacing[::-1])} mm"
    sys.stdout.write(f"{about}; load {os.getloadavg()[0]:.1f} at the start\n")
    done = run_jobs(jobs, folder=KEPT, model=args.model, volume=volume, until=until, most=args.rounds)
    rows = rows_of(done)
    lines = [] if args.engines_only else small_things(args.model)
    text = table(rows, about=about, others=lines)
    sys.stdout.write("\n" + text + "\n")
    plot(rows, ROOT / ("docs/images/performance.png" if args.docs else "out/performance.png"))
    if args.docs:
        write_docs(ROOT / "docs" / "performance.md", text)
    for row in rows:
        if row.name == OURS:
            sys.stdout.write(f"ratio {row.quality} {row.ratio:.1f}\n")


def open_folder(jobs: list[Job], what: dict[str, object], resume: bool) -> None:
    """`KEPT`, empty or, to resume, with the results of the same benchmark: same CT and weights. Our own results go when
    the engine's code has changed since."""
    about, code = KEPT / "about.json", KEPT / "code.txt"
    told = json.dumps({"jobs": jobs, **what, "cores": os.cpu_count()}, indent=1)
    ours = " ".join(_hash(ROOT / "BoneSegLib" / room) for room in ("inference", "models", "spine"))
    if not (resume and about.is_file()):
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.mkdir(parents=True)
        about.write_text(told)
    elif about.read_text() != told:
        raise SystemExit(f"The results in {KEPT.relative_to(ROOT)} are of another CT, model or choice of runs.")
    elif code.read_text() != ours:
        sys.stdout.write("The engine's code has changed: its own runs are done again.\n")
        for number in (number for number, (_, name) in enumerate(jobs) if name.startswith(OURS)):
            for file in KEPT.glob(f"{number}-*"):
                file.unlink()
    code.write_text(ours)


def _hash(folder: Path) -> str:
    """Of the code or the weights in a folder."""
    files = sorted(path for kind in ("*.py", "*.json", "*.pth") for path in folder.rglob(kind))
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


if __name__ == "__main__":
    main()
