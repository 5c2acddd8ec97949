"""What the worker can do. Each task reads its input from the shared memory and may write labels back into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from BoneSegLib.options import IsCancelled, Progress
from BoneSegLib.volume import LabelMap, Volume
from BoneSegLib.worker.estimate import remember_run
from BoneSegLib.worker.exchange import Exchange
from BoneSegLib.worker.messages import Message, pack_structures, unpack_geometry, unpack_options, unpack_structures

ENGINE = "BoneSegLib.inference.engine:segment"
"""What finds the bones, unless a test wants another."""


@dataclass(frozen=True)
class Job:
    """One request at work."""

    request: Message
    exchange: Exchange
    progress: Progress
    is_cancelled: IsCancelled
    engine: str


def segment(job: Job) -> Message:
    """The image's bones, with measures and flags."""
    volume = Volume(job.exchange.image, unpack_geometry(job.request["geometry"]))
    options = unpack_options(job.request["options"])
    engine = load_function(job.engine)
    labels = engine(volume, options, progress=job.progress, is_cancelled=job.is_cancelled)
    if job.engine == ENGINE:
        remember_run(volume.geometry, options, labels.info)
    return _labels_answer(job, labels)


def grow(job: Job) -> Message:
    """Slicer's grow from seeds on the image, the seeds being the cores of the labels that came along."""
    from BoneSegLib.baselines.grow_from_seeds import grow_from_seeds
    from BoneSegLib.baselines.seeds import seeds_from_labels

    geometry = unpack_geometry(job.request["geometry"])
    given = LabelMap(job.exchange.labels, geometry, unpack_structures(job.request["structures"]))
    job.progress(0.0, "Placing the seeds")
    grown = grow_from_seeds(
        Volume(job.exchange.image, geometry),
        seeds_from_labels(given),
        progress=job.progress,
        is_cancelled=job.is_cancelled,
    )
    return _labels_answer(job, grown)


def compare(job: Job) -> Message:
    """Two label maps of one grid, the reference first, and a mask after them where there is one."""
    from BoneSegLib.evaluation.compare import compare_labelmaps
    from BoneSegLib.evaluation.options import CompareOptions

    geometry = unpack_geometry(job.request["geometry"])
    structures = unpack_structures(job.request["structures"])
    reference, test, *limits = (LabelMap(array, geometry, structures) for array in job.exchange.arrays)
    comparison = compare_labelmaps(
        reference,
        test,
        options=CompareOptions(
            tolerance_mm=job.request["tolerance_mm"],
            surface=job.request["surface"],
            mask=limits[0] if limits else None,
        ),
        progress=job.progress,
        is_cancelled=job.is_cancelled,
    )
    return {"say": "compared", "comparison": comparison.to_json()}


TASKS: dict[str, Callable[[Job], Message]] = {"segment": segment, "grow": grow, "compare": compare}


def load_function(name: str) -> Callable[..., Any]:
    """The function that ``module:function`` names."""
    module, function = name.split(":")
    return getattr(import_module(module), function)


def _labels_answer(job: Job, labels: LabelMap) -> Message:
    from BoneSegLib.flags import measures_of, noted_flags

    job.exchange.labels[...] = labels.array
    return {
        "say": "done",
        "structures": pack_structures(labels.structures),
        "info": labels.info,
        "flags": noted_flags(labels),
        "measures": measures_of(labels, job.exchange.image),
    }
