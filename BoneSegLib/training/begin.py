"""The first part of a training: cases read twice, once to measure and plan, once to prepare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from BoneSegLib.errors import Cancelled, InputError
from BoneSegLib.headless.atomic import check_writable
from BoneSegLib.inference.resample import Spacing
from BoneSegLib.label_rules import LabelRules, rules_of_data
from BoneSegLib.options import IsCancelled, Progress, never_cancelled, no_progress
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.data.harmonise import StraightCase, harmonise
from BoneSegLib.training.data.read_case import DrawnCase, read_case
from BoneSegLib.training.data.source import Pair, Source
from BoneSegLib.training.planning.fingerprint import Fingerprint, fingerprint_of
from BoneSegLib.training.planning.network_plan import NetworkPlan, plan_of_model
from BoneSegLib.training.planning.planner import make_plans
from BoneSegLib.training.prepared import forget_prepared, is_prepared, prepare
from BoneSegLib.training.project import FILE, Project, ProjectOptions, load_project, rules_told, save_project
from BoneSegLib.words import counted

AIR_BELOW = -500.0
"""Only CT shows air at values like this."""


def begin(
    data: Path,
    folder: Path,
    options: ProjectOptions,
    *,
    keep: bool = True,
    progress: Progress = no_progress,
    is_cancelled: IsCancelled = never_cancelled,
) -> Project:
    """Plans made from the data and kept in ``folder``, or those that an earlier run left there: cases whose files have
    changed since are prepared again. Without ``keep`` nothing is written, so that other settings can be tried next.

    Raises `InputError` for data that cannot be used, and for a folder that holds another training; `OutputError` for
    one that cannot be written.
    """
    source = find_source(data)
    if keep:
        check_writable(folder / FILE)
    project = load_project(folder, source, options)
    if project is None:
        project = _planned(folder, source, options, progress=progress, is_cancelled=is_cancelled)
        progress(1.0, "Planned")
    return _of_current_files(project, progress=progress, is_cancelled=is_cancelled) if keep else project


def prepare_cases(
    project: Project, *, progress: Progress = no_progress, is_cancelled: IsCancelled = never_cancelled
) -> None:
    """Every case as each network sees it, on disk; those that are there and whole are left."""
    missing = [
        pair
        for pair in project.source.pairs
        if not all(is_prepared(project.prepared(plan), pair.name) for plan in project.plans)
    ]
    for done, pair in enumerate(missing):
        if is_cancelled():
            raise Cancelled
        progress(done / len(missing), f"Preparing case {done + 1} of {len(missing)}")
        case = _straight(read_case(pair, project.source), project.rules, is_ct=project.is_ct)
        for plan in project.plans:
            prepare(case, plan, project.prepared(plan), labels=len(project.rules.names))
    progress(1.0, "Prepared")


def _of_current_files(project: Project, *, progress: Progress, is_cancelled: IsCancelled) -> Project:
    """The project, saved, with a note on the cases whose files have changed; what was prepared from the old ones goes.

    It goes before the new hashes are saved: a kill in between is made good by the next run.
    """
    hashes = {}
    for done, pair in enumerate(project.source.pairs):
        if is_cancelled():
            raise Cancelled
        progress(done / len(project.source.pairs), f"Looking for changes in case {done + 1}")
        hashes[pair.name] = _hash(pair)
    # Nothing is known of cases that were prepared before hashes were kept.
    changed = [name for name, now in hashes.items() if project.hashes.get(name, now) != now]
    for plan in project.plans:
        for name in changed:
            forget_prepared(project.prepared(plan), name)
    source = replace(project.source, notes=(*project.source.notes, *([_told(changed)] if changed else [])))
    project = replace(project, source=source, hashes=hashes)
    save_project(project)
    return project


def _hash(pair: Pair) -> str:
    """Of the bytes, not of dates: the data may be a copy on another computer."""
    found = hashlib.sha256()
    for path in (*_files(pair.image), *_files(pair.labels)):
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except OSError as error:
            raise InputError(f"'{path.name}' cannot be read.", cause=error.strerror or "") from error
    return found.hexdigest()


def _files(path: Path) -> list[Path]:
    """A header in a file of its own has its voxels beside it."""
    if path.suffix.lower() not in (".mhd", ".nhdr"):
        return [path]
    return sorted(other for other in path.parent.iterdir() if other.name.startswith(f"{path.stem}."))


def _told(changed: Sequence[str]) -> str:
    names = ", ".join(changed[:5]) + (", ..." if len(changed) > 5 else "")
    return (
        f"{len(changed)} of the cases changed since they were prepared, and are prepared again: {names}. Plans and "
        "weights stay. Where the budget is spent, give a larger one; or begin anew in another folder."
    )


def _planned(
    folder: Path, source: Source, options: ProjectOptions, *, progress: Progress, is_cancelled: IsCancelled
) -> Project:
    rules = rules_told(source, options) or _rules_of_drawn(source)
    fingerprints: list[Fingerprint] = []
    channel = options.modality or source.channel
    for done, case in enumerate(_cases(source, is_cancelled)):
        progress(done / len(source.pairs), f"Measuring case {done + 1} of {len(source.pairs)}")
        channel = channel or ("CT" if float(case.image.array.min()) < AIR_BELOW else "MR")
        straight = _straight(case, rules, is_ct=channel.casefold() == "ct")
        fingerprints.append(fingerprint_of(straight, labels=len(rules.names)))
    voxels = np.sum([one.voxels for one in fingerprints], axis=0)[1:]
    _require_drawn(dict(zip(rules.names, voxels.tolist(), strict=True)), rules)
    return Project(
        folder=folder,
        source=source,
        rules=rules,
        channel=channel,
        plans=_plans(fingerprints, channel, options),
        median_size_mm=_median_size(fingerprints),
        voxels=dict(zip(rules.names, voxels.tolist(), strict=True)),
        options=options,
    )


def _plans(fingerprints: list[Fingerprint], channel: str, options: ProjectOptions) -> tuple[NetworkPlan, ...]:
    is_ct = channel.casefold() == "ct"
    if options.fine_tune is None:
        return make_plans(fingerprints, is_ct=is_ct, options=options.planner)
    from BoneSegLib.inference.loading import load_model

    model = load_model(options.fine_tune)
    if model.dataset.is_ct != is_ct:
        raise InputError(
            f"The model to start from was trained on {model.dataset.channels[0]}, the data are {channel}.",
            remedy="Choose another model, or say what the data are with --modality.",
        )
    stages = model.stages_of("full")[: options.planner.stages]
    if any(stage.plans.transpose != (0, 1, 2) for stage in stages):
        raise InputError(
            "The model to start from sees the image's axes in another order (transpose_forward in plans.json).",
            remedy="Choose another model, or train without --fine-tune.",
        )
    if options.planner.stages is not None and len(stages) < options.planner.stages:
        raise InputError("The model to start from has one network only.", remedy="Leave --stages out.")
    return tuple(plan_of_model(stage, air=model.pads_with_air) for stage in stages)


def _rules_of_drawn(source: Source) -> LabelRules:
    """Without ``--labels`` and without a dataset.json: what was drawn anywhere, by one more reading."""
    values: set[int] = set()
    segments: dict[str, None] = {}
    for case in _cases(source, never_cancelled):
        if case.segments:
            segments.update(dict.fromkeys(names[-1] for names in case.segments.values()))
        else:
            values.update(int(value) for value in np.unique(case.drawn))
    if segments and values - {0}:
        raise InputError(
            "Some cases name their labels (.seg.nrrd), others have values only.",
            remedy="Say what belongs together: --labels liver=1,Liver spleen=2,Spleen",
        )
    if not segments and not values - {0}:
        raise InputError("Nothing is drawn in any case.", remedy="Check the label files.")
    return rules_of_data({}, values, segments)


def _cases(source: Source, is_cancelled: IsCancelled) -> Iterator[DrawnCase]:
    for pair in source.pairs:
        if is_cancelled():
            raise Cancelled
        yield read_case(pair, source)


def _straight(case: DrawnCase, rules: LabelRules, *, is_ct: bool) -> StraightCase:
    straight = harmonise(case.image, case.labels(rules), is_ct=is_ct)
    return StraightCase(case.name, straight.image, straight.labels, straight.spacing)


def _require_drawn(voxels: dict[str, int], rules: LabelRules) -> None:
    absent = [name for name, count in voxels.items() if not count]
    if absent:
        asked = "; ".join(f"{name} = {', '.join(map(str, rules.sources[name]))}" for name in absent[:5])
        raise InputError(
            f"{counted(len(absent), 'label')} drawn in no case: {', '.join(absent[:5])}.",
            cause=f"Asked for is: {asked}.",
            remedy="Leave them out, of --labels or of dataset.json, or check the values that they stand for.",
        )


def _median_size(fingerprints: list[Fingerprint]) -> Spacing:
    sizes = np.array([np.array(one.shape) * one.spacing for one in fingerprints])
    k, j, i = (float(size) for size in np.median(sizes, axis=0))
    return (k, j, i)
