"""The closing lines of `make demo`: where the results are, and how well they fit the sample's true labels."""

from __future__ import annotations

import csv
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Read the comparison in ``folder``; the last line printed is the mean Dice."""
    comparison = folder / "sample_comparison.csv"
    with comparison.open(newline="") as file:
        dice = {row["structure"]: row["dice"] for row in csv.DictReader(file)}
    say = sys.stdout.write
    say("\nResults\n")
    say(f"  {folder / 'sample.seg.nrrd'}           the segmentation; 3D Slicer opens it\n")
    say(f"  {folder / 'sample_statistics.csv'}     volume, intensity and shape of each bone\n")
    say(f"  {comparison}     agreement with the true labels\n")
    say(f"mean Dice {float(dice['mean']):.3f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
