"""How a batch scales: cases per hour against workers, what a case costs beside the network, memory over many cases.

    python Testing/benchmarks/batch.py speed [--ct FILE] [--model DIR] [--cases 8] [--workers 0,1,2] [--quality fast]
    python Testing/benchmarks/batch.py memory [--cases 500]

`speed` runs one CT (the bundled sample) again and again with the bundled model; 0 workers is a batch in one process.
`memory` runs small cases with a tiny untrained network, for which everything beside the network weighs most.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))
SAMPLE = REPOSITORY / "Resources" / "SampleData" / "sample_ct.nii.gz"


def run_batch(folder: Path, images: list[Path], words: list[str]) -> tuple[float, list[tuple[int, int]]]:
    """Runs a batch over the images; its seconds, and (cases done, resident bytes of all its processes) as it went."""
    rows = "".join(f"c{number:05d},{image}\n" for number, image in enumerate(images))
    (folder / "list.csv").write_text("case,image\n" + rows)
    out = folder / "out"
    command = [sys.executable, "-m", "BoneSegLib", "batch", str(folder / "list.csv"), "-o", str(out), *words]
    started = time.monotonic()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
        memory: list[tuple[int, int]] = []
        while process.poll() is None:
            memory.append((len(list((out / ".boneseg" / "cases").glob("*.json"))), resident(process.pid)))
            time.sleep(0.5)
    if process.returncode != 0:
        raise SystemExit((folder / "log.txt").read_text())
    return time.monotonic() - started, memory


def resident(pid: int) -> int:
    """Bytes in memory of a process and all below it."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.Error:
        pass
    return total


def records(folder: Path) -> list[dict[str, Any]]:
    paths = sorted((folder / "out" / ".boneseg" / "cases").glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def network_seconds(record: dict[str, Any]) -> float:
    seconds = record["info"]["seconds"]
    return sum(value for name, value in seconds.items() if name.startswith("network"))


def steps(done: list[dict[str, Any]]) -> str:
    """The median seconds of each step of a case; the first case also loads the model, so it is left out."""
    later = done[1:] or done
    names = list(later[0]["seconds"])
    network = median(network_seconds(record) for record in later)
    told = ", ".join(f"{name} {median(record['seconds'][name] for record in later):.3f}" for name in names)
    total = median(record["seconds_total"] for record in later)
    return f"median case {total:.3f} s, of which network {network:.3f} s; steps: {told}"


def speed(args: argparse.Namespace) -> None:
    words = ["--quality", args.quality, "--device", args.device]
    if args.model:
        words += ["--model", str(args.model)]
    baseline = None
    for workers in (int(text) for text in args.workers.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            more = ["--workers", str(workers)] if workers else []
            seconds, memory = run_batch(folder, [args.ct] * args.cases, [*words, *more])
            done = records(folder)
            # Starting Python, Dask and the model is paid once, however many cases there are.
            busy = sum(record["seconds_total"] for record in done[max(1, workers) :]) / max(1, workers)
            counted = len(done) - max(1, workers)
            rate = 3600 * counted / busy if counted > 0 else float("nan")
            baseline = baseline or rate
            print(
                f"workers {workers}: {seconds:.1f} s for {len(done)} cases, {3600 * len(done) / seconds:.0f} an hour; "
                f"without the start {rate:.0f} an hour (x{rate / baseline:.2f}); "
                f"peak memory {max(size for _, size in memory) / 1e9:.2f} GB"
            )
            print("  " + steps(done))


def memory(args: argparse.Namespace) -> None:
    from Testing.support.batches import SHAPE, SPACING, save
    from Testing.support.nnunet_folder import write_quick_folder
    from Testing.support.phantoms import two_blocks

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_quick_folder(folder / "model")
        images = [
            save(folder / "in" / f"{seed}.nii.gz", two_blocks(SHAPE, SPACING, seed=seed)[0].array) for seed in range(4)
        ]
        words = ["--model", str(model), "--device", "cpu", "--precision", "fp32"]
        seconds, seen = run_batch(folder, [images[number % 4] for number in range(args.cases)], words)
        done = records(folder)
        print(f"{len(done)} cases, {seconds:.0f} s, {3600 * len(done) / seconds:.0f} cases an hour")
        print("  " + steps(done))
        for low in range(0, args.cases, max(1, args.cases // 10)):
            sizes = [size for count, size in seen if low <= count < low + max(1, args.cases // 10)]
            if sizes:
                print(f"  cases {low:4d}-: {mean(sizes) / 1e6:7.1f} MB in memory")
        files = [path for path in (folder / "out").rglob("*") if path.is_file()]
        hidden = [path for path in files if ".boneseg" in path.parts]
        print(f"  record and picture: {sum(path.stat().st_size for path in hidden) / len(done) / 1e3:.1f} kB a case")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fast = commands.add_parser("speed")
    fast.add_argument("--ct", type=Path, default=SAMPLE)
    fast.add_argument("--model", type=Path)
    fast.add_argument("--cases", type=int, default=8)
    fast.add_argument("--workers", default="0,1,2")
    fast.add_argument("--quality", default="fast")
    fast.add_argument("--device", default="auto")
    many = commands.add_parser("memory")
    many.add_argument("--cases", type=int, default=500)
    args = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} processors, load {load:.1f} at the start")
    {"speed": speed, "memory": memory}[args.command](args)


if __name__ == "__main__":
    main()
