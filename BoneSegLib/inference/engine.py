"""The engine: a volume in, labels on the same grid out.

A model is one network or a cascade: the first names the bones over the whole field of view, the next sees the image and
those names and finds the edges, only where bones are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from BoneSegLib.anatomy import Structure, select_structures
from BoneSegLib.checks import check_volume
from BoneSegLib.errors import Cancelled, ResourceError
from BoneSegLib.flags import NOTHING_FOUND, flags_of
from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.confidence import combine, mean_probabilities
from BoneSegLib.inference.device import choose_device, choose_precision
from BoneSegLib.inference.frame import make_frame, needs_straightening, resample_between, straight_geometry
from BoneSegLib.inference.loading import choose_folds, load_model
from BoneSegLib.inference.provenance import describe_run
from BoneSegLib.inference.region import cut_out, region_of
from BoneSegLib.inference.resample import axis_orders
from BoneSegLib.inference.restore import LogitsBlock, decide_labels
from BoneSegLib.inference.stage import AIR_HU, Coarse, StageTask, run_stage
from BoneSegLib.models.model import Model, Stage
from BoneSegLib.options import IsCancelled, Progress, SegmentOptions, never_cancelled, no_progress
from BoneSegLib.postprocessing import clean_labels
from BoneSegLib.refinement import RefineOptions, refine_edges
from BoneSegLib.volume import LabelMap, Volume


def segment(
    volume: Volume,
    options: SegmentOptions | None = None,
    *,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> LabelMap:
    """Segments ``volume``; the labels lie on its own grid.

    Raises a `BoneSegLib.errors.BoneSegError`: `InputError` for an unusable image, `NeedsConfirmation` for a suspicious
    one (unless ``options.force``), `ModelError`, `MissingError`, `ResourceError`, `Cancelled`.
    """
    options = options or SegmentOptions()
    started = time.perf_counter()
    model = load_model(options.model)
    structures = select_structures(options.structures, known=model.structures)
    notes = check_volume(volume, expects_ct=model.dataset.is_ct, force=options.force)
    device = choose_device(options.device)
    region = region_of(volume, options.roi)
    part = cut_out(volume, region)
    run = _Run(model, options, structures, device, progress, is_cancelled)
    try:
        found, clock = run.find(part)
    except torch.OutOfMemoryError:
        notes = (*notes, f"The memory of device '{device}' did not suffice; the CPU was used.")
        run = _Run(model, options, structures, torch.device("cpu"), progress, is_cancelled)
        found, clock = run.find(part)
    except MemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or "not enough memory" in str(error):
            raise _out_of_memory() from error
        raise
    info = describe_run(
        model,
        options,
        device=run.device,
        precision=run.precision,
        seconds=clock.seconds,
        seconds_total=time.perf_counter() - started,
        confidence=found.confidence,
        notes=notes,
    )
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    labels[region] = found.labels
    result = _judged(LabelMap(labels, volume.geometry, structures, info))
    progress(1.0, "Done")
    return result


def _judged(labels: LabelMap) -> LabelMap:
    """With its flags noted, and said plainly if nothing was found."""
    notes = labels.info["notes"]
    if isinstance(notes, list) and not labels.array.any():
        notes = [*notes, NOTHING_FOUND]
    return replace(labels, info={**labels.info, "notes": notes, "flags": flags_of(labels)})


@dataclass(frozen=True, eq=False)
class _Found:
    """``labels`` (uint8 kji) and, per structure id, how sure the networks were (0 to 1)."""

    labels: np.ndarray
    confidence: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Run:
    """One volume through the stages of a model on one device."""

    model: Model
    options: SegmentOptions
    structures: tuple[Structure, ...]
    device: torch.device
    progress: Progress
    is_cancelled: IsCancelled

    @property
    def precision(self) -> str:
        return choose_precision(self.options.precision, self.device)

    def find(self, volume: Volume) -> tuple[_Found, Clock]:
        """What is found, on the volume's grid, and the time that each step took."""
        clock = Clock()
        if not (self.model.canonical and needs_straightening(volume.geometry)):
            return self._find_in_straight(volume, clock), clock
        box = straight_geometry(volume.geometry)
        outside = AIR_HU if self.model.dataset.is_ct else float(volume.array.min())
        array = resample_between(volume.array, volume.geometry, box, linear=True, fill=outside)
        clock.lap("straighten")
        found = self._find_in_straight(Volume(array, box, volume.name), clock)
        labels = resample_between(found.labels, box, volume.geometry, linear=False, fill=0)
        clock.lap("straighten")
        return _Found(labels, found.confidence), clock

    def _find_in_straight(self, volume: Volume, clock: Clock) -> _Found:
        stages = self.model.stages_of(self.options.quality)
        transpose = stages[0].plans.transpose
        frame = make_frame(volume.array, volume.geometry, canonical=self.model.canonical, transpose=transpose)
        image, spacing = frame.view(volume.array), frame.spacing(volume.geometry)
        clock.lap("prepare")
        block, confidence = self._run_stages(stages, image, spacing, clock)
        self.progress(0.95, "Restoring the labels")
        last = stages[-1].configuration
        found = decide_labels(block, frame.shape, axis_orders(last.logits_resampling, last.spacing, spacing))
        labels = np.zeros(volume.array.shape, dtype=np.uint8)
        frame.view(labels)[...] = self._label_table()[found]
        clock.lap("restore")
        if self.options.refine:
            labels = self._refined(volume, labels, half_voxel=max(last.spacing) / 2)
            clock.lap("refine")
        if self.options.postprocess:
            clean_labels(labels, [structure.label for structure in self.structures])
            clock.lap("postprocess")
        return _Found(labels, confidence)

    def _refined(self, volume: Volume, labels: np.ndarray, *, half_voxel: float) -> np.ndarray:
        """Edges at full resolution; they may move by half a voxel of the network that found them."""
        coarse = LabelMap(labels, volume.geometry, self.structures)
        options = RefineOptions(band_mm=half_voxel)
        return refine_edges(volume, coarse, options=options, is_cancelled=self.is_cancelled).array

    def _run_stages(
        self, stages: tuple[Stage, ...], image: np.ndarray, spacing: tuple[float, float, float], clock: Clock
    ) -> tuple[LogitsBlock, dict[str, float]]:
        """The last network's logits, and how sure the networks were of each structure."""
        wanted = {structure.id: self.model.network_labels[structure.id] for structure in self.structures}
        probabilities = []
        coarse: Coarse | None = None
        for number, stage in enumerate(stages):
            name = "Finding the bones" if number == 0 else "Finding their edges"
            begin, end = _share_of_stage(number, len(stages))
            self.progress(begin, name)
            if self.is_cancelled():
                raise Cancelled
            task = StageTask(
                stage=stage,
                image=image,
                spacing=spacing,
                folds=choose_folds(stage, self.options.folds),
                wanted=tuple(wanted.values()),
                device=self.device,
                precision=self.precision,
                mirroring=self.options.mirroring,
                pads_with_air=self.model.pads_with_air,
                everywhere=not self.options.coarse_to_fine,
            )
            block = run_stage(
                task,
                coarse,
                clock=clock,
                on_window=lambda done, total: self.progress(begin + (end - begin) * done / total, name),  # noqa: B023
                is_cancelled=self.is_cancelled,
            )
            probabilities.append(mean_probabilities(block))
            clock.lap("confidence")
            coarse = Coarse(block, stage)
        return block, combine(probabilities, wanted)

    def _label_table(self) -> np.ndarray:
        """Network label -> label to write; what was not asked for becomes background."""
        table = np.zeros(256, dtype=np.uint8)
        for structure in self.structures:
            table[self.model.network_labels[structure.id]] = structure.label
        return table


def _share_of_stage(number: int, count: int) -> tuple[float, float]:
    """Which part of the progress bar a stage gets: the first of a cascade is quick."""
    if count == 1:
        return (0.02, 0.95)
    return (0.02, 0.15) if number == 0 else (0.15, 0.95)


def _out_of_memory() -> ResourceError:
    return ResourceError(
        "The computer ran out of memory.",
        remedy="Use --quality fast, limit the run to a region or to fewer structures, or close other programs.",
    )
