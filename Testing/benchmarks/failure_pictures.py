"""Draws where the bundled model fails, for docs/accuracy.md: CT, reference and what is found, in a slice of each case.

    python -m Testing.benchmarks.failure_pictures [--data FOLDER] [-o FILE]

The slice is the one in which most of a bone is missed or false. Synthetic cases are made anew from their numbers.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from BoneSegLib import SegmentOptions, segment
from BoneSegLib.anatomy import BY_ID, STRUCTURES
from BoneSegLib.headless.read import read_labelmap, read_volume
from BoneSegLib.inference.frame import make_frame
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import parse_rules
from Testing.benchmarks.judge import ROOT, lay_out_real, synthesize_held_out

AXIAL, CORONAL, SAGITTAL = 0, 1, 2
_SHOWN_HU = (-150, 850)
_MARGIN_MM = 25.0
_HIGHEST = 1.4
"""In widths: a higher slice is drawn narrower."""


@dataclass(frozen=True)
class Failure:
    """``case``: the number of a held-out synthetic case, or None for the labelled real CT; ``plane`` shows it best."""

    case: int | None
    structure: str
    plane: int
    title: str


FAILURES = (
    Failure(None, "vertebra_L3", AXIAL, "s0009, a real CT:\nprocesses of L3 end early"),
    Failure(247, "vertebra_L4", SAGITTAL, "synth_00247:\nevery name is one too high"),
    Failure(173, "femur_left", CORONAL, "synth_00173:\na head that is not in view"),
    Failure(189, "hip_left", AXIAL, "synth_00189:\nsacrum called hip bone"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with ct/, labelmaps/"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "failures", help="where cases are kept")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "images" / "failures.png")
    args = parser.parse_args()
    slices = [_slice(failure, *_read(failure, args.data, args.work)) for failure in FAILURES]
    heights = [min(each.height, _HIGHEST) for each in slices]
    figure, rows = plt.subplots(len(slices), 3, figsize=(8.0, 2.5 * sum(heights) + 0.5 * len(slices)),
                                height_ratios=heights, layout="constrained")  # fmt: skip
    for row, failure, each in zip(rows, FAILURES, slices, strict=True):
        _draw(row, failure, each)
    figure.savefig(args.output, dpi=80)
    sys.stderr.write(f"{args.output}\n")
    return 0


@dataclass(frozen=True, eq=False)
class _Slice:
    """Gray values (0-1) and labels of one plane; ``aspect``: mm per row over mm per column."""

    gray: np.ndarray
    reference: np.ndarray
    found: np.ndarray
    aspect: float

    @property
    def height(self) -> float:
        """In widths."""
        return self.aspect * self.gray.shape[0] / self.gray.shape[1]


def _read(failure: Failure, data: Path, work: Path) -> tuple[tuple[np.ndarray, ...], tuple[float, ...]]:
    """HU, reference and found labels (kji of an LPS grid, k upwards), and mm along k, j, i."""
    if failure.case is None:
        folder, rules = lay_out_real(data, work), parse_rules([TOTALSEGMENTATOR])
        image, labels = folder / "s0009_ct.nii.gz", folder / "s0009_labels.nii.gz"
    else:
        number, rules = failure.case, None
        folder = synthesize_held_out(data / "labelmaps", work / "synthetic", first=number, count=number + 1)
        image = folder / "imagesTr" / f"synth_{number:05d}_0000.nii.gz"
        labels = folder / "labelsTr" / f"synth_{number:05d}.nii.gz"
    volume = read_volume(image)
    reference = read_labelmap(labels, rules=rules)
    found = segment(volume, SegmentOptions(force=True))
    frame = make_frame(volume.array, volume.geometry, canonical=True, transpose=(0, 1, 2))
    return tuple(frame.view(one.array) for one in (volume, reference, found)), frame.spacing(volume.geometry)


def _slice(failure: Failure, arrays: tuple[np.ndarray, ...], spacing: tuple[float, ...]) -> _Slice:
    _, reference, found = arrays
    label, plane = BY_ID[failure.structure].label, failure.plane
    others = tuple(axis for axis in range(3) if axis != plane)
    at = int(((reference == label) != (found == label)).sum(axis=others).argmax())
    # Heads up; an axial slice already has its front above.
    ct, reference, found = (array.take(at, axis=plane)[:: 1 if plane == AXIAL else -1] for array in arrays)
    down, across = (spacing[axis] for axis in others)
    part = _around((reference > 0) | (found > 0), (down, across))
    gray = np.clip((ct[part].astype(float) - _SHOWN_HU[0]) / (_SHOWN_HU[1] - _SHOWN_HU[0]), 0, 1)
    return _Slice(gray, reference[part], found[part], down / across)


def _draw(axes: np.ndarray, failure: Failure, shown: _Slice) -> None:
    titles = (failure.title, "reference", "found")
    for axis, labels, title in zip(axes, (None, shown.reference, shown.found), titles, strict=True):
        picture = np.repeat(shown.gray[..., None], 3, axis=2)
        for structure in STRUCTURES if labels is not None else ():
            inside = labels == structure.label
            picture[inside] = 0.45 * picture[inside] + 0.55 * np.array(structure.color) / 255
        axis.imshow(picture, aspect=shown.aspect)
        axis.axis("off")
        axis.set_title(title, fontsize=9)


def _around(bone: np.ndarray, steps: tuple[float, ...]) -> tuple[slice, slice]:
    ends = []
    for axis, step in enumerate(steps):
        places = np.flatnonzero(bone.any(axis=1 - axis))
        margin = int(_MARGIN_MM / step)
        ends.append(slice(max(0, int(places[0]) - margin), int(places[-1]) + margin + 1))
    return ends[0], ends[1]


if __name__ == "__main__":
    sys.exit(main())
