"""The columns of the segment statistics and where Slicer's own Segment Statistics has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = dict[str, object]

_LABELMAP = "LabelmapSegmentStatisticsPlugin."
_SCALAR = "ScalarVolumeSegmentStatisticsPlugin."

# Our column, the key of Slicer's plugin.
SCALARS: tuple[tuple[str, str], ...] = (
    ("voxels", f"{_LABELMAP}voxel_count"),
    ("volume_mm3", f"{_LABELMAP}volume_mm3"),
    ("volume_cm3", f"{_LABELMAP}volume_cm3"),
    ("hu_mean", f"{_SCALAR}mean"),
    ("hu_sd", f"{_SCALAR}stdev"),
    ("hu_min", f"{_SCALAR}min"),
    ("hu_max", f"{_SCALAR}max"),
    ("hu_median", f"{_SCALAR}median"),
    ("hu_percentile_05", f"{_SCALAR}percentile_05"),
    ("hu_percentile_10", f"{_SCALAR}percentile_10"),
    ("hu_percentile_90", f"{_SCALAR}percentile_90"),
    ("hu_percentile_95", f"{_SCALAR}percentile_95"),
    ("surface_mm2", f"{_LABELMAP}surface_area_mm2"),
    ("feret_mm", f"{_LABELMAP}feret_diameter_mm"),
    ("roundness", f"{_LABELMAP}roundness"),
    ("flatness", f"{_LABELMAP}flatness"),
    ("elongation", f"{_LABELMAP}elongation"),
)

# Our column, the endings of its three parts, the key of Slicer's plugin.
_XYZ, _123 = ("r", "a", "s"), ("1", "2", "3")
VECTORS: tuple[tuple[str, tuple[str, str, str], str], ...] = (
    ("centroid", _XYZ, f"{_LABELMAP}centroid_ras"),
    ("principal_moment", _123, f"{_LABELMAP}principal_moments"),
    ("box_origin", _XYZ, f"{_LABELMAP}obb_origin_ras"),
    ("box_size_mm", _123, f"{_LABELMAP}obb_diameter_mm"),
    ("box_axis_1", _XYZ, f"{_LABELMAP}obb_direction_ras_x"),
    ("box_axis_2", _XYZ, f"{_LABELMAP}obb_direction_ras_y"),
    ("box_axis_3", _XYZ, f"{_LABELMAP}obb_direction_ras_z"),
)

IDENTITY = ("id", "name")
CONFIDENCE, FLAGS = "confidence", "flags"
COLUMNS: tuple[str, ...] = (
    *IDENTITY,
    *(column for column, _key in SCALARS),
    *(f"{column}_{part}" for column, parts, _key in VECTORS for part in parts),
    CONFIDENCE,
    FLAGS,
)
TEXTS: tuple[str, ...] = (*IDENTITY, FLAGS)


def remarks_on(segment_id: str, info: Mapping[str, object]) -> Row:
    """What the run noted of a segment (``info``, as `LabelMap.info`): how sure it was, and its flags as one text."""
    confidence, flags = info.get("confidence"), info.get("flags")
    return {
        CONFIDENCE: confidence.get(segment_id) if isinstance(confidence, Mapping) else None,
        FLAGS: "; ".join(flags.get(segment_id, ())) if isinstance(flags, Mapping) else "",
    }


def make_row(segment_id: str, name: str, measured: Mapping[str, object]) -> Row:
    """A row with all columns that are measured, ``None`` where nothing was measured (HU and shape of an empty segment).

    ``measured`` has plain columns and, for vectors, sequences of three under the column's name without its ending.
    """
    row: Row = {"id": segment_id, "name": name}
    for column, _key in SCALARS:
        row[column] = measured.get(column)
    for column, parts, _key in VECTORS:
        vector = measured.get(column)
        values = tuple(vector) if isinstance(vector, Sequence) else (None, None, None)
        row.update({f"{column}_{part}": value for part, value in zip(parts, values, strict=True)})
    return row
