"""One window of each network: with every number of threads, and in both memory layouts. In turn, the best of some.

python -m Testing.benchmarks.one_window [--model FOLDER] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from BoneSegLib.inference.loading import load_fold, load_model
from BoneSegLib.models.model import Stage


def measure(stage: Stage, *, rounds: int) -> dict[tuple[str, int], float]:
    """Seconds by layout and number of threads."""
    window = torch.randn((1, stage.in_channels, *stage.configuration.patch))
    best: dict[tuple[str, int], float] = {}
    ways = {"channels last": _channels_last(stage), "plain": _plain(stage)}
    with torch.inference_mode():
        for _ in range(rounds + 1):  # the first round loads kernels; its times are beaten later
            for threads in _counts():
                torch.set_num_threads(threads)
                for layout, network in ways.items():
                    start = time.perf_counter()
                    network(window)
                    took = time.perf_counter() - start
                    best[layout, threads] = min(took, best.get((layout, threads), took))
    return best


def _counts() -> list[int]:
    """1, 2, 4, ... and as many threads as there are processors."""
    most = os.cpu_count() or 1
    return sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})


def _channels_last(stage: Stage) -> Callable[[torch.Tensor], torch.Tensor]:
    return load_fold(stage, stage.folds[0])[0]


def _plain(stage: Stage) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same network with everything in torch's own order, which oneDNN has to bring into another at each layer."""
    network = load_fold(stage, stage.folds[0])[0]
    network._weights = {name: value.contiguous() for name, value in network._weights.items()}
    return network._forward


def lines(model: Path | None, *, rounds: int) -> list[str]:
    """One line per network."""
    told = []
    for name, stage in load_model(model).stages.items():
        best = measure(stage, rounds=rounds)
        parts = [f"{layout}, {count} threads {1000 * took:.0f} ms" for (layout, count), took in sorted(best.items())]
        told.append(f"- One window of `{name}`: {'; '.join(parts).replace(' 1 threads', ' 1 thread')}.")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    sys.stdout.write("\n".join(lines(args.model, rounds=args.rounds)) + "\n")


if __name__ == "__main__":
    main()
