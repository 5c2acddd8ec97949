"""Two segmentations compared: overlap and surface distance per bone, with definitions, tables, pictures and a report.

Works on arrays and `BoneSegLib.volume.Geometry`; knows no MRML. Importing the package loads nothing; each name is
imported from its file when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from BoneSegLib.evaluation.agreement import BlandAltman, bland_altman
    from BoneSegLib.evaluation.cohort import Cohort
    from BoneSegLib.evaluation.cohort_report import write_cohort_report
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.evaluation.matching import Pair, SegmentDescription, match_structures
    from BoneSegLib.evaluation.options import CompareOptions
    from BoneSegLib.evaluation.raters import RaterTable, compare_all_pairs
    from BoneSegLib.evaluation.report import write_report
    from BoneSegLib.evaluation.result import Comparison, Score
    from BoneSegLib.evaluation.surface_mesh import surface_distance_polydata

_HOMES = {
    "BlandAltman": "agreement",
    "Cohort": "cohort",
    "CompareOptions": "options",
    "Comparison": "result",
    "Pair": "matching",
    "RaterTable": "raters",
    "Score": "result",
    "SegmentDescription": "matching",
    "bland_altman": "agreement",
    "compare_all_pairs": "raters",
    "compare_labelmaps": "compare",
    "match_structures": "matching",
    "surface_distance_polydata": "surface_mesh",
    "write_cohort_report": "cohort_report",
    "write_report": "report",
}

__all__ = [
    "BlandAltman",
    "Cohort",
    "CompareOptions",
    "Comparison",
    "Pair",
    "RaterTable",
    "Score",
    "SegmentDescription",
    "bland_altman",
    "compare_all_pairs",
    "compare_labelmaps",
    "match_structures",
    "surface_distance_polydata",
    "write_cohort_report",
    "write_report",
]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
