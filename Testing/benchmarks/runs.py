"""The runs of a benchmark: each in a process of its own, its result kept as soon as it is there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
Job = tuple[str, str]
"""Quality and name of the contender."""


@dataclass(frozen=True)
class Outcome:
    """One run: ``total`` seconds and those of each step, ``peak`` GiB, ``wall`` seconds with start and imports."""

    total: float
    peak: float
    seconds: dict[str, float]
    wall: float
    file: Path

    @property
    def labels(self) -> np.ndarray:
        """uint8 kji."""
        with np.load(self.file) as data:
            return data["labels"]


def run_jobs(
    jobs: Sequence[Job], *, folder: Path, model: Path, volume: Path, until: float, most: int
) -> dict[Job, list[Outcome]]:
    """Every job once, however long that takes; then, until ``until`` (`time.perf_counter`), again what has had the
    least time so far and still fits, at most ``most`` times each: quick ones often, slow ones rarely.

    Results that ``folder`` holds already count as done.
    """
    done = {job: _kept(folder, number) for number, job in enumerate(jobs)}
    while (job := next_job(done, until - time.perf_counter(), most)) is not None:
        outcome = _run(job, folder / f"{list(jobs).index(job)}-{len(done[job])}.npz", model=model, volume=volume)
        done[job].append(outcome)
        quality, name = job
        sys.stdout.write(f"  {quality}, {name}: {outcome.total:.1f} s, peak {outcome.peak:.2f} GB\n")
        sys.stdout.flush()
    return done


def next_job(done: dict[Job, list[Outcome]], left: float, most: int) -> Job | None:
    """What runs next with ``left`` seconds; `None` when it is over."""
    for job, outcomes in done.items():
        if not outcomes:
            return job
    spent = {job: sum(one.wall for one in outcomes) for job, outcomes in done.items()}
    fitting = [job for job, outcomes in done.items() if len(outcomes) < most and outcomes[-1].wall < left]
    return min(fitting, key=spent.__getitem__, default=None)


def _run(job: Job, file: Path, *, model: Path, volume: Path) -> Outcome:
    quality, name = job
    start = time.perf_counter()
    words = ["-m", "Testing.benchmarks.contenders", name, quality, str(model), str(volume), str(file)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    told = {**json.loads(done.stdout.splitlines()[-1]), "wall": time.perf_counter() - start}
    # Written last: without it the run counts as not done.
    file.with_suffix(".json").write_text(json.dumps(told))
    return Outcome(**told, file=file)


def _kept(folder: Path, number: int) -> list[Outcome]:
    kept = []
    while (told := folder / f"{number}-{len(kept)}.json").is_file():
        kept.append(Outcome(**json.loads(told.read_text()), file=told.with_suffix(".npz")))
    return kept
