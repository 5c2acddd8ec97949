"""What the benchmark found, as a table and a picture."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- measured by make bench -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """One contender at one quality. ``same``: share of voxels with nnunetv2's label, ``same_bone``: of those that are
    bone in either; ``dice``: against this engine with all of nnU-Net's windows; ``peak`` GiB; ``steps`` in seconds."""

    quality: str
    name: str
    seconds: float
    ratio: float
    spread: tuple[float, float]
    peak: float
    steps: dict[str, float]
    same: float
    same_bone: float
    dice: float
    rounds: int

    @property
    def in_network(self) -> float:
        return sum(value for name, value in self.steps.items() if name.startswith("network"))


def table(rows: Sequence[Row], *, about: str, others: Sequence[str]) -> str:
    """Markdown."""
    lines = [
        f"{about}; {os.cpu_count()} cores, {platform.machine()}; in turn, each in its own process. Imports, reading",
        "and writing are not counted. Ratio: nnunetv2's time over this one's in the same round, median (range).",
        "",
        "| quality | engine | s | ratio | outside of the network | peak GB | same as nnunetv2: all, bone | Dice |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        outside = 100 * (1 - row.in_network / row.seconds)
        low, high = row.spread
        spread = f" ({low:.1f} to {high:.1f})" if row.rounds > 1 else ""
        lines.append(
            f"| {row.quality} | {row.name} | {row.seconds:.1f} | {row.ratio:.1f}{spread} | {outside:.0f} % "
            f"| {row.peak:.2f} | {100 * row.same:.3f} %, {100 * row.same_bone:.2f} % | {row.dice:.4f} |"
        )
    lines += ["", "| quality | engine | seconds of each step |", "|---|---|---|"]
    for row in rows:
        steps = ", ".join(f"{name} {value:.2f}" for name, value in row.steps.items() if value >= 0.005)
        lines.append(f"| {row.quality} | {row.name} | {steps} |")
    return "\n".join([*lines, "", *others])


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
