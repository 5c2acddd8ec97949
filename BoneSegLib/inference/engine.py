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
from BoneSegLib.errors import Cancelled
from BoneSegLib.flags import NOTHING_FOUND, flags_of
from BoneSegLib.inference.bones import (
    bone_limits,
    drop_lifted_femurs,
    drop_unnamed,
    knows_bones_alone,
    named_mm3,
    names_first,
    refine_options,
    without_hesitation,
)
from BoneSegLib.inference.clock import Clock
from BoneSegLib.inference.confidence import Probabilities
from BoneSegLib.inference.device import choose_device, choose_precision
from BoneSegLib.inference.drafts import drafts_of
from BoneSegLib.inference.frame import make_frame, needs_straightening, resample_between, straight_geometry
from BoneSegLib.inference.loading import choose_folds, load_model
from BoneSegLib.inference.looks import last_looks, second_looks
from BoneSegLib.inference.names import resample_names
from BoneSegLib.inference.out_of_memory import is_out_of_device_memory, memory_errors_told
from BoneSegLib.inference.provenance import describe_run
from BoneSegLib.inference.region import cut_out, region_of
from BoneSegLib.inference.resample import axis_orders
from BoneSegLib.inference.restore import decide_labels
from BoneSegLib.inference.stage import AIR_HU, StageTask, require_least_memory, run_stage, stage_grid
from BoneSegLib.inference.vertebrae import move_names_to_discs, vertebra_chain
from BoneSegLib.models.model import SIDE_BY_SIDE, Model, Stage
from BoneSegLib.options import IsCancelled, Progress, SegmentOptions, never_cancelled, no_progress
from BoneSegLib.postprocessing import clean_labels
from BoneSegLib.refinement import refine_edges
from BoneSegLib.volume import LabelMap, Volume, count_labels


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
    if options.drafts and not drafts_of(model, options):
        notes = (*notes, "No drafts were made: only the last network of a cascade that finds bones makes them.")
    device = choose_device(options.device)
    region = region_of(volume, options.roi)
    part = cut_out(volume, region)
    run = _Run(model, options, structures, device, progress, is_cancelled)
    with memory_errors_told():
        outcome = run.find_if_memory_suffices(part)
        # The CPU's turn comes here, where nothing of the first attempt is alive any more.
        if outcome is None:
            notes = (*notes, f"The memory of device '{device}' did not suffice; the CPU was used.")
            run = replace(run, device=torch.device("cpu"))
            outcome = run.find(part)
        found, clock = outcome
        labels = found.labels
        if part.array.shape != volume.array.shape:
            labels = np.zeros(volume.array.shape, dtype=np.uint8)
            labels[region] = found.labels
        there = count_labels(labels)
        # Of a bone that was dropped in the end there is nothing to be sure of.
        sure = {item.id: found.confidence[item.id] for item in structures
                if there[item.label] and item.id in found.confidence}  # fmt: skip
        result = LabelMap(labels, volume.geometry, structures, {"confidence": sure})
        flags = flags_of(result, region)
    clock.lap("flags")
    info = describe_run(
        model,
        options,
        device=run.device,
        precision=run.precision,
        seconds=clock.seconds,
        seconds_total=time.perf_counter() - started,
        confidence=sure,
        notes=notes if labels.any() else (*notes, NOTHING_FOUND),
    )
    progress(1.0, "Done")
    return replace(result, info={**info, "flags": flags})


@dataclass(frozen=True, eq=False)
class _Found:
    """``labels`` (uint8 kji) and, per structure id, how sure the last network was (0 to 1)."""

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

    def find_if_memory_suffices(self, volume: Volume) -> tuple[_Found, Clock] | None:
        """What `find` says; `None` where the memory of a graphics card does not suffice."""
        try:
            return self.find(volume)
        except RuntimeError as error:
            if self.device.type == "cpu" or not is_out_of_device_memory(error):
                raise
            return None

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
        wanted = {structure.id: self.model.network_labels[structure.id] for structure in self.structures}
        tasks = [self._task(stage, image, spacing, tuple(wanted.values())) for stage in stages]
        tasks[0] = replace(tasks[0], more_looks=second_looks(self.model, self.options))
        tasks = self._with_drafts(tasks)
        tasks[-1] = replace(tasks[-1], more_looks=tasks[-1].more_looks + last_looks(self.model, self.options))
        for task in tasks:
            require_least_memory(task)
        labels = np.zeros(volume.array.shape, dtype=np.uint8)
        means, named = self._run_stages(tasks, frame.view(labels), clock)
        confidence = {name: round(mean, 4) for name, head in wanted.items() if (mean := means[head]) is not None}
        if self.is_cancelled():
            raise Cancelled
        self.progress(0.95, "Finishing the labels")
        self._finish(tasks[-1], frame.view(labels), named)
        clock.lap("postprocess")
        return _Found(labels, confidence)

    def _run_stages(
        self, tasks: list[StageTask], labels: np.ndarray, clock: Clock
    ) -> tuple[tuple[float | None, ...], np.ndarray | None]:
        """Writes ``labels`` (uint8, the shape of the tasks' image, the last network's values); returns that network's
        mean probabilities, and the mm3 of each label that the first one named, where it names bones for the last."""
        probabilities, names = Probabilities(tasks[-1].stage.dataset.heads), None
        named: np.ndarray | None = None
        for number, task in enumerate(tasks):
            is_first, is_last = number == 0, number + 1 == len(tasks)
            title = "Finding the bones" if is_first else "Finding their edges"
            begin, end = _share_of_task(number, tasks)
            self.progress(begin, title)
            if self.is_cancelled():
                raise Cancelled
            blocks = run_stage(
                task,
                names,
                clock=clock,
                on_window=lambda done, total: self.progress(begin + (end - begin) * done / total, title),  # noqa: B023
                is_cancelled=self.is_cancelled,
            )
            spine = self._settled_by_discs(task) if is_first else ()
            is_draft = not is_last and tasks[number + 1].stage is task.stage
            decided = np.zeros(stage_grid(task), dtype=np.uint8) if is_draft else labels
            configuration = task.stage.configuration
            axes = axis_orders(configuration.logits_resampling, configuration.spacing, task.spacing)
            if is_last:
                blocks = probabilities.watch(blocks)
                if self._is_named_first and self._has_edges_moved(task):
                    blocks = without_hesitation(blocks)
            decide_labels(blocks, decided, axes)
            if is_draft:
                self._drop_islands_of(decided, task)
            elif not is_last:
                grid, spacing = stage_grid(tasks[number + 1]), tasks[number + 1].stage.configuration.spacing
                decided = resample_names(labels, grid, task.spacing, spacing)
                labels[:] = 0
            names = decided
            if spine:
                # The first network counts the vertebrae well and measures them badly.
                clock.lap("restore")
                move_names_to_discs(decided, spine, task.image, task.spacing)
                clock.lap("discs")
            if is_first and self._is_named_first:
                if self.options.drop_lifted:
                    drop_lifted_femurs(decided, self.model)
                spacing = tasks[number + 1].stage.configuration.spacing
                named = named_mm3(decided, spacing)
            clock.lap("restore")
        if self._has_edges_moved(tasks[-1]):
            self._refine(tasks[-1], labels)
            clock.lap("refine")
        return probabilities.means(), named

    def _finish(self, task: StageTask, labels: np.ndarray, named: np.ndarray | None) -> None:
        """From what the last network found to the labels of the structures asked for, in place.

        Islands go first: where a bone begins must not be told by a few voxels far away from it.
        """
        model, options = self.model, self.options
        if options.drop_islands:
            bones = bone_limits(model, options.quality, task.spacing)
            clean_labels(labels, task.wanted, holes=False, bones=bones)
        if named is not None and options.drop_unnamed:
            drop_unnamed(labels, named, model, options.quality, task.spacing)
        if self._is_named_first and options.drop_lifted:
            drop_lifted_femurs(labels, model)
        table = self._label_table()
        for plane in labels:
            plane[:] = table[plane]
        if options.fill_holes:
            clean_labels(labels, [structure.label for structure in self.structures], islands=False)

    @property
    def _is_named_first(self) -> bool:
        return names_first(self.model, self.options.quality)

    def _drop_islands_of(self, draft: np.ndarray, task: StageTask) -> None:
        """False bone must not grow from draft to draft, as it does where windows show little but it."""
        bones = bone_limits(self.model, self.options.quality, task.stage.configuration.spacing, is_draft=True)
        values = [self.model.network_labels[structure.id] for structure in self.model.structures]
        clean_labels(draft, values, holes=False, bones=bones)

    def _refine(self, task: StageTask, labels: np.ndarray) -> None:
        """Edges at full resolution; they may move by half a voxel of the network that found them."""
        band_mm = max(task.stage.configuration.spacing) / 2
        options = refine_options(self.model, self.options.quality, band_mm=band_mm)
        refine_edges(task.image, labels, task.spacing, options=options, is_cancelled=self.is_cancelled)

    def _has_edges_moved(self, task: StageTask) -> bool:
        return self.options.refine and knows_bones_alone(task.stage.dataset)

    def _settled_by_discs(self, task: StageTask) -> tuple[int, ...]:
        """The network's labels from the sacrum up, if the image's discs have the last word on them."""
        heads_up = self.model.canonical and task.stage.plans.transpose == (0, 1, 2)
        if self.options.discs and heads_up and task.stage.dataset.is_ct:
            return vertebra_chain(task.stage.dataset.labels)
        return ()

    def _task(
        self, stage: Stage, image: np.ndarray, spacing: tuple[float, float, float], wanted: tuple[int, ...]
    ) -> StageTask:
        return StageTask(
            stage=stage,
            image=image,
            spacing=spacing,
            folds=choose_folds(stage, self.options.folds),
            wanted=wanted,
            device=self.device,
            precision=self.precision,
            mirroring=self.options.mirroring,
            pads_with_air=self.model.pads_with_air,
            everywhere=not self.options.coarse_to_fine,
        )

    def _with_drafts(self, tasks: list[StageTask]) -> list[StageTask]:
        """The networks in the order in which they run: the last one as often as it makes drafts, and once more."""
        last = replace(tasks[-1], step=self.model.step_of(self.options.quality))
        draft = replace(last, step=SIDE_BY_SIDE)
        return [*tasks[:-1], *[draft] * drafts_of(self.model, self.options), last]

    def _label_table(self) -> np.ndarray:
        """Network label -> label to write; what was not asked for becomes background."""
        table = np.zeros(256, dtype=np.uint8)
        for structure in self.structures:
            table[self.model.network_labels[structure.id]] = structure.label
        return table


def _share_of_task(number: int, tasks: list[StageTask]) -> tuple[float, float]:
    """Which part of the progress bar a task gets: the first of a cascade is quick, and so are drafts."""
    if len(tasks) == 1:
        return (0.02, 0.95)
    ends = [0.02, *np.linspace(0.15, 0.15 + 0.1 * (len(tasks) - 2), len(tasks) - 1), 0.95]
    return (float(ends[number]), float(ends[number + 1]))
