"""Does the confidence of a bone tell how good it is? A calibration plot and figures, for the bundled model or another.

    python Testing/benchmarks/confidence.py --ct CT LABELS --ct CT LABELS -o out/confidence [--model FOLDER]

Each CT is segmented as it is and distorted (noise, blur, thick slices, cut), so that there are good bones and bad ones.
For each candidate measure it prints, for vertebrae, for other bones and for all, how it goes with Dice (Spearman's rank
correlation), how well it tells bones with a Dice below 0.7 from the others (area under the ROC curve), and the shares
of both that lie below the limit of the flag. Writes ``confidence.csv``, a row per bone, and ``confidence.png``; with
``--again`` only the figures of a table that is there.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from BoneSegLib import SegmentOptions, Volume, segment
from BoneSegLib.evaluation.overlap import count_overlap
from BoneSegLib.flags import noted_confidence
from BoneSegLib.flags.judge import LOW_CONFIDENCE
from BoneSegLib.headless.read import read_volume
from BoneSegLib.inference import engine
from BoneSegLib.inference.confidence import Probabilities
from BoneSegLib.inference.restore import LogitsBlock, decide_labels
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import parse_rules
from BoneSegLib.models.catalogue import open_model
from BoneSegLib.models.model import Model
from BoneSegLib.volume import Geometry, LabelMap

BAD_DICE = 0.7
FEWEST_ML = 2.0
"""Of less bone in the reference (a tip at the edge of the image) Dice says little."""


def reference_of(path: Path) -> np.ndarray:
    """Our labels (uint8 kji), or those of TotalSegmentator's task "total"."""
    array = read_volume(path).array
    if array.max() <= 10:
        return array.astype(np.uint8)
    return parse_rules([TOTALSEGMENTATOR]).apply(array.astype(np.uint8), {})


def noisy(volume: Volume, labels: np.ndarray, *, sd: float) -> tuple[Volume, np.ndarray]:
    noise = np.random.default_rng(0).normal(0, sd, volume.array.shape)
    return Volume((volume.array + noise).astype(np.int16), volume.geometry), labels


def blurred(volume: Volume, labels: np.ndarray, *, mm: float) -> tuple[Volume, np.ndarray]:
    from scipy import ndimage

    sigma = [mm / step for step in volume.geometry.spacing[::-1]]
    return Volume(ndimage.gaussian_filter(volume.array, sigma), volume.geometry), labels


def thick(volume: Volume, labels: np.ndarray, *, every: int) -> tuple[Volume, np.ndarray]:
    matrix = volume.geometry.ijk_to_ras.copy()
    matrix[:3, 2] *= every
    array = np.ascontiguousarray(volume.array[::every])
    return Volume(array, Geometry(array.shape[::-1], matrix)), np.ascontiguousarray(labels[::every])


def cut(volume: Volume, labels: np.ndarray, *, first: float, last: float) -> tuple[Volume, np.ndarray]:
    """Only the slices between two shares of the way."""
    start, stop = (int(share * len(volume.array)) for share in (first, last))
    matrix = volume.geometry.ijk_to_ras.copy()
    matrix[:3, 3] += start * matrix[:3, 2]
    array = volume.array[start:stop]
    return Volume(array, Geometry(array.shape[::-1], matrix)), labels[start:stop]


Distortion = Callable[[Volume, np.ndarray], tuple[Volume, np.ndarray]]
DISTORTIONS: dict[str, Distortion] = {
    "as it is": lambda volume, labels: (volume, labels),
    "noise 60 HU": lambda volume, labels: noisy(volume, labels, sd=60),
    "noise 150 HU": lambda volume, labels: noisy(volume, labels, sd=150),
    "blur 2 mm": lambda volume, labels: blurred(volume, labels, mm=2),
    "blur 4 mm": lambda volume, labels: blurred(volume, labels, mm=4),
    "every 4th slice": lambda volume, labels: thick(volume, labels, every=4),
    "lower half": lambda volume, labels: cut(volume, labels, first=0.0, last=0.5),
    "middle": lambda volume, labels: cut(volume, labels, first=0.3, last=0.7),
    "upper half": lambda volume, labels: cut(volume, labels, first=0.5, last=1.0),
}


def each_network(model: Model, watched: list[Probabilities]) -> Callable[..., None]:
    """The engine's `decide_labels`, with the probabilities of every network added to ``watched``."""

    def decide(blocks: Iterable[LogitsBlock], *rest: object) -> None:
        watched.append(Probabilities(model.dataset.heads))
        decide_labels(watched[-1].watch(blocks), *rest)

    return decide


def rows_of(name: str, volume: Volume, reference: np.ndarray, options: SegmentOptions) -> Iterator[dict[str, object]]:
    """One row per bone that was found: its Dice, its confidence, and the first network's probability of its name."""
    model = open_model(options.model)
    watched: list[Probabilities] = []
    engine.decide_labels = each_network(model, watched)
    try:
        labels: LabelMap = segment(volume, options)
    finally:
        engine.decide_labels = decide_labels
    first = watched[0].means()
    overlap = count_overlap(reference, labels.array, [structure.label for structure in labels.structures])
    for structure in labels.structures:
        counts = overlap.of(structure.label)
        volume_ml = max(counts.reference, counts.test) * volume.geometry.voxel_volume / 1000
        confidence = noted_confidence(labels).get(structure.id)
        if volume_ml >= FEWEST_ML and counts.test and confidence is not None:
            head = model.network_labels[structure.id]
            yield {
                "case": name,
                "structure": structure.id,
                "dice": counts.dice,
                "confidence": confidence,
                "first network": first[head] or 0.0,
            }


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def area_under_roc(values: np.ndarray, is_bad: np.ndarray) -> float:
    """The chance that a bad bone has a lower value than a good one."""
    bad, good = values[is_bad], values[~is_bad]
    return float(((bad[:, None] < good).sum() + 0.5 * (bad[:, None] == good).sum()) / max(1, bad.size * good.size))


def draw(rows: list[dict[str, object]], path: Path, *, threshold: float, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 5), layout="constrained")
    groups = {"hips, sacrum, femurs": "#4c78a8", "lumbar vertebrae": "#e45756"}
    for (group, color), is_spine in zip(groups.items(), (False, True), strict=True):
        chosen = [row for row in rows if is_vertebra(row) == is_spine]
        confidence, dice = (np.array([row[key] for row in chosen], float) for key in ("confidence", "dice"))
        axes.scatter(confidence, dice, s=22, color=color, label=group)
    axes.axvline(threshold, color="gray", linestyle="--", label=f"limit {threshold:.2f}")
    axes.set(xlabel="confidence", ylabel="Dice", ylim=(-0.02, 1.02), title=title)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", nargs=2, type=Path, action="append", default=[], metavar=("CT", "LABELS"))
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for confidence.csv and confidence.png")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--quality", default="full")
    parser.add_argument("--distortions", nargs="*", choices=list(DISTORTIONS), default=list(DISTORTIONS))
    parser.add_argument("--again", action="store_true", help="the figures of the confidence.csv in the folder, no run")
    args = parser.parse_args()
    title = f"{open_model(args.model).name}, {args.quality}"
    if args.again:
        with (args.output / "confidence.csv").open(newline="", encoding="utf-8") as file:
            report(list(csv.DictReader(file)), args.output, title=title)
        return
    if not args.ct:
        parser.error("--ct: at least one CT with its labels, or --again")
    args.output.mkdir(parents=True, exist_ok=True)
    options = SegmentOptions(model=args.model, quality=args.quality, device="cpu", precision="fp32", force=True)
    rows: list[dict[str, object]] = []
    for image, labels in args.ct:
        volume, reference = read_volume(image), reference_of(labels)
        for name in args.distortions:
            rows += rows_of(f"{image.name}, {name}", *DISTORTIONS[name](volume, reference), options)
            write_rows(rows, args.output / "confidence.csv")
            print(f"{image.name}, {name}: {len(rows)} bones so far", flush=True)
    report(rows, args.output, title=title)


def write_rows(rows: list[dict[str, object]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def report(rows: list[dict[str, object]], folder: Path, *, title: str) -> None:
    groups = {
        "all": rows,
        "vertebrae": [row for row in rows if is_vertebra(row)],
        "others": [row for row in rows if not is_vertebra(row)],
    }
    below = f"below {LOW_CONFIDENCE}"
    print(f"{'':<28}{'bones':>6}{'bad':>5}{'Spearman':>9}{'ROC area':>9}  {below}: bad, good")
    for group, chosen in groups.items():
        dices = np.array([row["dice"] for row in chosen], float)
        is_bad = dices < BAD_DICE
        if is_bad.all() or not is_bad.any():
            print(f"{group}: all of {len(chosen)} bones are good, or all are bad.")
            continue
        for name in [key for key in chosen[0] if key not in ("case", "structure", "dice")]:
            values = np.array([row[name] for row in chosen], float)
            bad, good = ((values[which] < LOW_CONFIDENCE).mean() for which in (is_bad, ~is_bad))
            figures = f"{rank_correlation(values, dices):>9.2f}{area_under_roc(values, is_bad):>9.2f}"
            print(f"{group + ', ' + name:<28}{len(chosen):>6}{is_bad.sum():>5}{figures}{bad:>14.0%}{good:>6.0%}")
    draw(rows, folder / "confidence.png", threshold=LOW_CONFIDENCE, title=title)


def is_vertebra(row: dict[str, object]) -> bool:
    return str(row["structure"]).startswith("vertebra")


if __name__ == "__main__":
    main()
