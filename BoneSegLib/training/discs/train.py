"""Straightens the spines of all cases, and trains the network that sees discs on them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from BoneSegLib.errors import InputError
from BoneSegLib.spine.disc_network import DiscNetwork, normalized, write_weights
from BoneSegLib.training.cases import list_cases
from BoneSegLib.training.discs.augmentation import change_picture
from BoneSegLib.training.discs.examples import Example, example_of

logger = logging.getLogger(__name__)

_LENGTH_MM = 192
_BATCH = 8
_LEARNING_RATE = 3e-3
_BLANK = 0.06
"""Share of examples that show nothing: where nothing is seen, nothing should be said."""


def run(
    cases: Path, folder: Path, *, minutes: float, steps: int, rounds: int = 2, threads: int = 1, seed: int = 1
) -> Path:
    """Writes ``folder/discs.npz``, the weights; the examples are kept beside it.

    ``rounds``: how many examples of each case, each changed anew. After these, ``minutes`` or ``steps`` of training,
    whichever end first.
    """
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    examples = list(_examples(list_cases(cases), folder / "examples", rounds=rounds, seed=seed))
    if not examples:
        raise InputError(
            "No case shows enough of a lumbar spine.", remedy="Make more: boneseg synthesize MAPS -o FOLDER"
        )
    logger.info("%d spines", len(examples))
    weights = folder / "discs.npz"
    write_weights(train_on(examples, seconds=60 * minutes, steps=steps, seed=seed), weights)
    return weights


def _examples(cases: Sequence[Path], folder: Path, *, rounds: int, seed: int) -> Iterable[Example]:
    """Read where they were made already, from the same file."""
    folder.mkdir(exist_ok=True)
    for round_number in range(rounds):
        for number, case in enumerate(cases):
            made = case.stat()
            name = f"{case.stem.removesuffix('_labels')}_{made.st_size}_{made.st_mtime_ns}"
            path = folder / f"{name}_{round_number}.npz"
            if not path.exists():
                rng = np.random.default_rng([seed, round_number, number])
                torch.manual_seed(int(rng.integers(1 << 31)))
                example = example_of(case, rng)
                partial = path.with_suffix(".partial.npz")
                np.savez(partial, **({} if example is None else vars(example)))
                partial.replace(path)
            with np.load(path) as file:
                if file.files:
                    yield Example(file["picture"], file["discs"], file["known"])


def train_on(examples: Sequence[Example], *, seconds: float, steps: int, seed: int = 1) -> dict[str, torch.Tensor]:
    """The running mean of the weights after ``seconds`` or ``steps`` of training, whichever end first."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = DiscNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3)
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    started, step, mean_loss = time.monotonic(), 0, 1.0
    while (done := max((time.monotonic() - started) / seconds, step / steps)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1.0, (step + 1) / 100) * (1 - done) ** 0.9
        drawn = [_window(examples[index], rng) for index in rng.integers(0, len(examples), _BATCH)]
        seen, discs, known = (torch.from_numpy(np.stack(parts)) for parts in zip(*drawn, strict=True))
        error = functional.binary_cross_entropy_with_logits(
            network(seen), discs, reduction="none", weight=1 + 3 * discs
        )
        loss = (error * known).sum() / known.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            for name, value in network.state_dict().items():
                averaged[name].lerp_(value, max(0.005, 1 / (step + 1)))
        mean_loss += 0.02 * (float(loss.detach()) - mean_loss)
        if step % 500 == 0:
            logger.info("step %d, cross-entropy %.3f", step, mean_loss)
    return averaged


def _window(example: Example, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A stretch of a spine, (seen, discs, known); what is missing of its length is not known."""
    start = int(rng.integers(0, max(1, len(example.discs) - _LENGTH_MM + 1)))
    part = slice(start, start + _LENGTH_MM)
    seen = normalized(change_picture(example.picture[part].astype(np.float32), rng))
    discs, known = example.discs[part], example.known[part].astype(np.float32)
    if rng.random() < _BLANK:
        seen = np.full_like(seen, rng.normal(0, 0.5)) + rng.normal(0, rng.uniform(0, 0.1), seen.shape).astype(
            np.float32
        )
        discs, known = np.zeros_like(discs), np.ones_like(known)
    missing = _LENGTH_MM - len(seen)
    return (
        np.pad(seen, ((0, missing), (0, 0)), mode="edge"),
        np.pad(discs, (0, missing)),
        np.pad(known, (0, missing)),
    )
