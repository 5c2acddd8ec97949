"""What each number means: printed with every result, in the JSON and in the report.

Names follow Maier-Hein, Reinke et al., "Metrics reloaded: recommendations for image analysis validation",
Nature Methods 21 (2024).
"""

from __future__ import annotations

from dataclasses import dataclass

from BoneSegLib.evaluation.options import CompareOptions


@dataclass(frozen=True)
class Metric:
    """A column: its name in files, its short name for people, its unit, and which way is better."""

    column: str
    title: str
    unit: str
    better: str  # "higher", "lower", "zero" or "" where neither is better
    definition: str


_R, _T = "R (reference)", "T (test)"

METRICS: tuple[Metric, ...] = (
    Metric("dice", "Dice", "", "higher", f"2 |R∩T| / (|R| + |T|), in voxels of {_R} and {_T}."),
    Metric("jaccard", "Jaccard", "", "higher", "|R∩T| / |R∪T|, in voxels."),
    Metric(
        "hausdorff_mm",
        "Hausdorff",
        "mm",
        "lower",
        "The greatest distance from any point of one surface to the other surface, the larger of both directions.",
    ),
    Metric(
        "hausdorff95_mm",
        "HD95",
        "mm",
        "lower",
        "The 95th percentile of the distances from one surface to the other, the larger of both directions.",
    ),
    Metric(
        "assd_mm",
        "ASSD",
        "mm",
        "lower",
        "Average symmetric surface distance: the mean of the distances of both directions pooled together.",
    ),
    Metric(
        "nsd",
        "NSD",
        "",
        "higher",
        "Normalised surface Dice: the share of both surfaces that lies within the tolerance of the other surface.",
    ),
    Metric("volume_reference_ml", "Volume R", "ml", "", "Voxels of the reference times the volume of a voxel."),
    Metric("volume_test_ml", "Volume T", "ml", "", "Voxels of the test on the reference's grid, likewise."),
    Metric(
        "volume_difference_percent",
        "Volume difference",
        "%",
        "zero",
        "100 (volume T - volume R) / volume R; positive where the test is larger.",
    ),
    Metric("precision", "Precision", "", "higher", "|R∩T| / |T|: how much of the test belongs to the reference."),
    Metric("recall", "Recall", "", "higher", "|R∩T| / |R|: how much of the reference was found."),
    Metric("centroid_distance_mm", "Centroids apart", "mm", "lower", "Distance between the two centres of mass."),
    Metric(
        "masd_mm", "MASD", "mm", "lower", "Mean average surface distance: the mean of the two one-way mean distances."
    ),
    Metric(
        "distance_reference_to_test_mm",
        "R to T",
        "mm",
        "lower",
        "Mean distance from the reference's surface to the test's.",
    ),
    Metric(
        "distance_test_to_reference_mm",
        "T to R",
        "mm",
        "lower",
        "Mean distance from the test's surface to the reference's.",
    ),
)

BY_COLUMN: dict[str, Metric] = {metric.column: metric for metric in METRICS}

_SURFACES = {
    "surfel": (
        "The surface is cut into elements, one in each cell of 2x2x2 neighbouring voxel centres that holds both inside "
        "and outside voxels. An element lies at the middle of its cell and weighs as much as the area in mm2 of "
        "the marching-cubes polygons there. Means, percentiles and shares are weighted by these areas (Nikolov et al., "
        "J Med Internet Res 23(7):e26151, 2021)."
    ),
    "voxel": (
        "The surface is the set of centres of boundary voxels: those of the structure with at least one of their six "
        "neighbours outside it. Each counts the same; percentiles are interpolated linearly."
    ),
}

POLICY: tuple[str, ...] = (
    "All distances are exact and Euclidean, in millimetres between points in the patient: spacing, oblique and sheared "
    "grids are taken into account through the grid's full matrix.",
    "A test on another grid is read at the centres of the reference's voxels (nearest voxel in space; outside the "
    "test's image is background); all numbers are then of the reference's grid.",
    "A structure absent from both has no number but its volumes, and stays out of the means.",
    "A structure absent from one side has Dice, Jaccard and NSD 0; its distances are not defined and stay out of the "
    "means, which say of how many structures they are.",
    "Outside the image is background, so a structure cut by the image's edge has a surface there; a note says so.",
    "With a mask, voxels outside it are left out, and the faces where the mask cuts a structure are no surface.",
)


def definitions(options: CompareOptions) -> dict[str, object]:
    """The definitions of a comparison made with ``options``, as plain data."""
    return {
        "surface": options.surface,
        "surface_definition": _SURFACES[options.surface],
        "tolerance_mm": options.tolerance_mm,
        "policy": list(POLICY),
        "columns": {
            metric.column: {
                "title": metric.title,
                "unit": metric.unit,
                "better": metric.better,
                "is": metric.definition,
            }
            for metric in METRICS
        },
    }
