"""What the benchmark found, as a table and a picture."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from Testing.benchmarks.runs import Job, Outcome

BEGIN, END = "<!-- measured by make bench -->", "<!-- end -->"
REFERENCE, EXACT, OURS = "nnunetv2", "BoneSeg, nnU-Net's windows", "BoneSeg"


@dataclass(frozen=True)
class Agreement:
    """Share of equal voxels, of ``all`` and of those that are bone in either, and the bones' mean Dice."""

    everywhere: float
    bone: float
    dice: float


@dataclass(frozen=True)
class Row:
    """One contender at one quality. ``seconds``, ``ratio`` (nnunetv2's over these): medians of its ``runs``;
    ``spread``: the least and the largest ratio that any two runs give; ``peak`` GiB, ``peak_share`` of nnunetv2's;
    ``steps`` in seconds, of the run in the middle."""

    quality: str
    name: str
    runs: int
    seconds: float
    ratio: float
    spread: tuple[float, float]
    peak: float
    peak_share: float
    steps: dict[str, float]
    with_nnunet: Agreement
    with_exact: Agreement

    @property
    def in_network(self) -> float:
        return sum(value for name, value in self.steps.items() if name.startswith("network"))

    @property
    def outside(self) -> float:
        """The share of its time that is not spent in the network."""
        return 1 - self.in_network / self.seconds


def rows_of(done: Mapping[Job, Sequence[Outcome]]) -> list[Row]:
    """One row per contender and quality."""
    rows = []
    for (quality, name), outcomes in done.items():
        reference = done[quality, REFERENCE]
        labels = outcomes[0].labels
        ours, theirs = (sorted(one.total for one in runs) for runs in (outcomes, reference))
        middle = min(outcomes, key=lambda one: abs(one.total - median(ours)))
        rows.append(
            Row(
                quality=quality,
                name=name,
                runs=len(outcomes),
                seconds=median(ours),
                ratio=median(theirs) / median(ours),
                spread=(theirs[0] / ours[-1], theirs[-1] / ours[0]),
                peak=max(one.peak for one in outcomes),
                peak_share=max(one.peak for one in outcomes) / max(one.peak for one in reference),
                steps=middle.seconds,
                with_nnunet=agreement(labels, reference[0].labels),
                with_exact=agreement(labels, done[quality, EXACT][0].labels),
            )
        )
    return rows


def agreement(a: np.ndarray, b: np.ndarray) -> Agreement:
    """Of two label maps (uint8, same shape); the mean Dice is over the bones that either has."""
    pairs = np.zeros(1 << 16, dtype=np.int64)
    for one, other in zip(a, b, strict=True):  # slice by slice, since bincount makes copies of eight bytes a voxel
        pairs += np.bincount((one.astype(np.uint16) * 256 + other).ravel(), minlength=1 << 16)
    both = pairs.reshape(256, 256)
    same, union = np.diag(both).sum(), both.sum() - both[0, 0]
    sizes = both.sum(axis=0) + both.sum(axis=1)
    present = np.flatnonzero(sizes[1:]) + 1
    return Agreement(
        everywhere=float(same / both.sum()),
        bone=float((same - both[0, 0]) / union) if union else 1.0,
        dice=float(np.mean(2 * np.diag(both)[present] / sizes[present])) if len(present) else 1.0,
    )


def table(rows: Sequence[Row], *, about: str, others: Sequence[str]) -> str:
    """Markdown."""
    lines = [
        f"{about}; {os.cpu_count()} cores, {platform.machine()}. In turn, each in its own process;",
        "imports, reading and writing are not counted. Seconds and ratio (nnunetv2's time over this one's): medians of",
        "the runs; in brackets the least and the largest ratio of any two runs. Peak: of the process, and as a share",
        "of nnunetv2's. Labels: share of all voxels and of the bone voxels of either that agree, mean Dice.",
        "",
        "| quality | engine | runs | s | ratio | outside of the network | peak GB | labels against nnunetv2's "
        "| against BoneSeg with nnU-Net's windows |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row.spread
        spread = f" ({low:.1f} to {high:.1f})" if row.runs > 1 else ""
        lines.append(
            f"| {row.quality} | {row.name} | {row.runs} | {row.seconds:.1f} | {row.ratio:.1f}{spread} "
            f"| {100 * row.outside:.0f} % | {row.peak:.2f}, {100 * row.peak_share:.0f} % "
            f"| {_told(row.with_nnunet)} | {_told(row.with_exact)} |"
        )
    lines += ["", "| quality | engine | seconds of each step |", "|---|---|---|"]
    for row in rows:
        steps = ", ".join(f"{name} {value:.2f}" for name, value in row.steps.items() if value >= 0.005)
        lines.append(f"| {row.quality} | {row.name} | {steps} |")
    return "\n".join([*lines, "", *others])


def _told(found: Agreement) -> str:
    return f"{100 * found.everywhere:.3f} %, {100 * found.bone:.2f} %, {found.dice:.4f}"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Stacked bars of seconds: network, and what is around it; peak memory beside them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    qualities = list(dict.fromkeys(row.quality for row in rows))
    figure, axes = pyplot.subplots(len(qualities), 2, figsize=(10, 2.6 * len(qualities)), squeeze=False)
    for (time_axis, memory_axis), quality in zip(axes, qualities, strict=True):
        chosen = [row for row in rows if row.quality == quality][::-1]
        names = [row.name for row in chosen]
        network = [row.in_network for row in chosen]
        time_axis.barh(names, network, color="#3b6ea5", label="network")
        rest = [row.seconds - inside for row, inside in zip(chosen, network, strict=True)]
        time_axis.barh(names, rest, left=network, color="#e0a458", label="everything else")
        time_axis.set_xlabel(f"{quality}: seconds")
        memory_axis.barh(names, [row.peak for row in chosen], color="#7a9e7e")
        memory_axis.set_yticks([])
        memory_axis.set_xlabel("peak memory of the process, GB")
    axes[0][0].legend(frameon=False)
    for axis in axes.ravel():
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write_docs(page: Path, text: str) -> None:
    """Puts ``text`` between the marks of the page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
