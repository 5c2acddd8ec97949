"""In which way the results of a cohort are made, so that one folder never holds results made in several ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from BoneSegLib.batch.job import Job
    from BoneSegLib.options import SegmentOptions

# Device and number format change a result by a few voxels at most, and a cohort may move to another machine.
_OPTIONS = (
    "structures",
    "quality",
    "folds",
    "mirroring",
    "roi",
    "second_look",
    "discs",
    "drop_unnamed",
    "drop_lifted",
    "drop_islands",
    "fill_holes",
    "refine",
    "drafts",
    "coarse_to_fine",
)


def settings_of(job: Job) -> dict[str, Any]:
    """Plain data, kept in the output folder and compared when a batch is resumed."""
    return {
        "model": f"{job.model.name} {job.model.version}".strip(),
        "model_sha256": job.model_sha256,
        "format": job.folder.suffix,
        **_chosen(job.options),
    }


def made_alike(info: Mapping[str, Any], options: SegmentOptions, model_sha256: str) -> bool:
    """Whether a result that says ``info`` of itself was made by this model with these options."""
    told = info.get("options")
    if info.get("model_sha256") != model_sha256 or not isinstance(told, Mapping):
        return False
    return all(told.get(name) == value for name, value in _chosen(options).items())


def _chosen(options: SegmentOptions) -> dict[str, Any]:
    """As they come back from JSON, which knows no tuples."""
    plain = json.loads(json.dumps(options.to_dict(), default=str))
    return {name: plain[name] for name in _OPTIONS}
