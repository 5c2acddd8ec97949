"""Draws the pictures of docs/metrics.md with the library's own code, so that they show what it does.

python Testing/benchmarks/metrics_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.distances import surface_distances
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.evaluation.surfaces import extract_surface
from BoneSegLib.volume import Geometry, LabelMap

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
REFERENCE, TEST, GRAY = "#1f5a94", "#e07a1f", "#8a8a86"


def ball(shape, centre, radius, spacing=1.0):
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum((x * spacing - c) ** 2 for x, c in zip(axes, centre, strict=True)) <= radius**2


def score(reference, test, *, spacing=1.0, surface="surfel", tolerance=2.0):
    geometry = Geometry.from_spacing(reference.shape[::-1], (spacing,) * 3)
    one, other = (LabelMap(mask.astype(np.uint8), geometry) for mask in (reference, test))
    options = CompareOptions(structures=("hip_left",), surface=surface, tolerance_mm=tolerance)
    return compare_labelmaps(one, other, options=options).score("hip_left")


def outline(axis, mask, color, **line):
    axis.contour(np.pad(mask, 1), levels=[0.5], colors=[color], extent=None, **line)


def plain(axis, title=""):
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(title, fontsize=10)


def draw_surfaces():
    """The two definitions of a surface, in one slice."""
    mask = ball((14, 14, 14), (6.5, 6.5, 6.5), 4.6)
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.7))
    names = {
        "voxel": 'surface="voxel": centres of boundary voxels',
        "surfel": 'surface="surfel": middles of mixed cells',
    }
    for axis, (kind, title) in zip(axes, names.items(), strict=True):
        present = extract_surface(mask, np.eye(4), kind=kind).present[6 if kind == "voxel" else 7]
        axis.pcolormesh(
            np.arange(15) - 0.5, np.arange(15) - 0.5, mask[6], cmap="Greys", vmin=0, vmax=5, edgecolor="#ddd"
        )
        j, i = np.nonzero(present)
        shift = 0.0 if kind == "voxel" else -0.5
        axis.plot(i + shift, j + shift, "o", color=REFERENCE, markersize=4.5)
        axis.set_xlim(0.5, 12.5)
        axis.set_ylim(0.5, 12.5)
        plain(axis, title)
    save(figure, "metrics-surfaces.png")


def draw_size():
    """The same error costs small bones more Dice."""
    radii = np.arange(4, 31, 2)
    dice, assd, share = [], [], []
    for radius in radii:
        n = 2 * radius + 9
        middle = (n // 2,) * 3
        found = score(ball((n,) * 3, middle, radius), ball((n,) * 3, middle, radius - 1.0))
        dice.append(found.dice)
        assd.append(found.assd_mm)
        share.append(found.nsd)
    figure, axis = plt.subplots(figsize=(6.2, 3.2))
    axis.plot(radii, dice, "o-", color=REFERENCE, label="Dice")
    axis.plot(radii, share, "s-", color=TEST, label="NSD, tolerance 2 mm")
    axis.plot(radii, assd, "^-", color=GRAY, label="ASSD, mm")
    axis.set_xlabel("radius of a ball, mm; the test is 1 mm smaller all round")
    axis.set_ylim(0, 1.25)
    axis.legend(frameon=False, loc="lower right")
    save(figure, "metrics-size.png")


def draw_spike():
    """One thin spike moves the greatest distance, and little else."""
    shape = (60, 60, 90)
    reference = ball(shape, (30, 30, 32), 20)
    test = ball(shape, (30, 30, 33), 20)
    test[29:32, 29:32, 50:76] = True
    found = score(reference, test)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3), width_ratios=(1, 1.25))
    outline(left, reference[30], REFERENCE)
    outline(left, test[30], TEST)
    plain(left, "reference (blue), test (orange)")
    surfaces = [extract_surface(mask, np.eye(4), kind="surfel") for mask in (reference, test)]
    distances = surface_distances(*surfaces)
    right.hist(
        distances.test_to_reference,
        bins=60,
        weights=distances.test_weights / distances.test_weights.sum(),
        color="#cfd6dd",
    )
    right.set_yscale("log")
    for value, name, color, height in (
        (found.assd_mm, f"ASSD {found.assd_mm:.2f}", GRAY, 0.93),
        (found.hausdorff95_mm, f"HD95 {found.hausdorff95_mm:.2f}", REFERENCE, 0.82),
        (found.hausdorff_mm, f"Hausdorff {found.hausdorff_mm:.1f}", TEST, 0.93),
    ):
        right.axvline(value, color=color)
        late = value > 15
        right.text(
            value + (-0.4 if late else 0.4),
            height,
            name,
            color=color,
            ha="right" if late else "left",
            transform=right.get_xaxis_transform(),
        )
    right.set_xlabel("distance from the test's surface to the reference's, mm")
    right.set_ylabel("share of the surface")
    save(figure, "metrics-spike.png")


def draw_tolerance():
    """NSD depends on the tolerance and on the voxels."""
    tolerances = np.linspace(0, 5, 41)
    figure, axis = plt.subplots(figsize=(6.2, 3.2))
    for spacing, color in ((0.5, REFERENCE), (1.5, GRAY), (3.0, TEST)):
        n = int(60 / spacing)
        pair = ball((n,) * 3, (30,) * 3, 20, spacing), ball((n,) * 3, (30, 30, 32), 20, spacing)
        axis.plot(
            tolerances,
            [score(*pair, spacing=spacing, tolerance=t).nsd for t in tolerances],
            color=color,
            label=f"voxels of {spacing:g} mm",
        )
    axis.axvline(2.0, color="#ccc", linewidth=1)
    axis.text(2.05, 0.05, "default", color=GRAY, fontsize=9, transform=axis.get_xaxis_transform())
    axis.set_xlabel("tolerance, mm; the test is a ball moved by 2 mm")
    axis.set_ylabel("NSD")
    axis.legend(frameon=False, loc="lower right")
    save(figure, "metrics-tolerance.png")


def save(figure, name):
    IMAGES.mkdir(parents=True, exist_ok=True)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(IMAGES / name, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    draw_surfaces()
    draw_size()
    draw_spike()
    draw_tolerance()
