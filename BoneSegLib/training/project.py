"""What a training settles before its first step: cases, labels, modality and plans; kept in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from BoneSegLib.errors import InputError
from BoneSegLib.evaluation.tables import write_atomically
from BoneSegLib.inference.resample import Spacing
from BoneSegLib.json_input import read_json
from BoneSegLib.label_rules import LabelRules, parse_rules, rules_of_data
from BoneSegLib.sides import Mirroring, mirroring_of
from BoneSegLib.training.data.source import Source
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.planning.plan_file import plan_from_json
from BoneSegLib.training.planning.planner import PlannerOptions

FILE = "training.json"
_PREPARED = "prepared"
_WORDS = {"memory_gb": "--memory", "patch": "--window", "fine_tune": "--fine-tune", "mirror": "mirroring"} | {
    name: f"--{name}" for name in ("labels", "modality", "features", "stages", "spacing")
}
"""What the command line calls an option."""


@dataclass(frozen=True, kw_only=True)
class ProjectOptions:
    """``labels``: words of ``--labels``, none for all that was drawn. ``modality``: ``None`` to tell by the data.
    ``fine_tune``: a model folder whose plans and weights are the start. ``mirror``: let training mirror images where
    the names of labels allow it. ``unasked``: options of the planner that depend on the computer and that nobody gave;
    a training goes on elsewhere with what it was begun with."""

    labels: tuple[str, ...] = ()
    modality: str | None = None
    planner: PlannerOptions = field(default_factory=PlannerOptions)
    fine_tune: Path | None = None
    mirror: bool = True
    unasked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        content = json.loads(json.dumps(asdict(self), default=str))
        del content["unasked"]
        # A path would differ on another computer.
        content["fine_tune"] = self.fine_tune.resolve().name if self.fine_tune else None
        return content


@dataclass(frozen=True, eq=False, kw_only=True)
class Project:
    """A training in ``folder``. ``voxels``: drawn voxels of each label over all cases, by name. ``hashes``: of the
    files that each case was prepared from, by name."""

    folder: Path
    source: Source
    rules: LabelRules
    channel: str
    plans: tuple[NetworkPlan, ...]
    median_size_mm: Spacing
    voxels: dict[str, int]
    options: ProjectOptions
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ct(self) -> bool:
        return self.channel.casefold() == "ct"

    @property
    def cases(self) -> tuple[str, ...]:
        return tuple(pair.name for pair in self.source.pairs)

    @property
    def mirroring(self) -> Mirroring:
        found = mirroring_of(self.rules.names)
        return found if self.options.mirror else Mirroring((), tuple(range(len(self.rules.names) + 1)))

    def prepared(self, plan: NetworkPlan) -> Path:
        """The folder of the cases as one network sees them."""
        return self.folder / _PREPARED / plan.name

    def fold_folder(self, plan: NetworkPlan, fold: str) -> Path:
        """The folder of one training: checkpoint and curves."""
        return self.folder / plan.name / f"fold_{fold}"


def save_project(project: Project) -> None:
    """Writes ``training.json``, whole or not at all."""
    content = {
        "options": project.options.to_dict(),
        "cases": list(project.cases),
        "hashes": dict(project.hashes),
        "labels": {name: list(tokens) for name, tokens in project.rules.sources.items()},
        "voxels": project.voxels,
        "channel": project.channel,
        "median_size_mm": list(project.median_size_mm),
        "plans": [asdict(plan) for plan in project.plans],
    }
    project.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(project.folder / FILE, json.dumps(content, indent=2) + "\n")


def load_project(folder: Path, source: Source, options: ProjectOptions) -> Project | None:
    """The training that ``folder`` holds, ``None`` if none. Raises `InputError` if it was begun differently."""
    if not (folder / FILE).is_file():
        return None
    content = read_json(folder / FILE)
    _require_same("cases", content["cases"], [pair.name for pair in source.pairs])
    begun, asked = _flat(content["options"]), _flat(options.to_dict())
    begun["fine_tune"] = Path(begun["fine_tune"]).name if begun.get("fine_tune") else None
    for key in asked:
        if key not in options.unasked:
            _require_same(_WORDS.get(key, key.replace("_", " ")), begun.get(key), asked[key])
    told = rules_told(source, options)
    if told is not None:
        _require_same("labels", list(content["labels"].items()), [(name, list(t)) for name, t in told.sources.items()])
    k, j, i = content["median_size_mm"]
    return Project(
        folder=folder,
        source=source,
        rules=LabelRules({name: tuple(tokens) for name, tokens in content["labels"].items()}),
        channel=content["channel"],
        plans=tuple(plan_from_json(plan) for plan in content["plans"]),
        median_size_mm=(k, j, i),
        voxels=content["voxels"],
        options=replace(options, planner=replace(options.planner, **{key: begun[key] for key in options.unasked})),
        hashes=content.get("hashes", {}),
    )


def rules_told(source: Source, options: ProjectOptions) -> LabelRules | None:
    """What ``--labels`` (a file may have changed) or dataset.json says now; `None` where neither says a word."""
    if options.labels:
        return parse_rules(options.labels)
    return rules_of_data(source.label_names, (), ()) if source.label_names else None


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """The planner's options among the others."""
    return {**{key: value for key, value in options.items() if key != "planner"}, **options["planner"]}


def _require_same(what: str, begun: Any, asked: Any) -> None:
    if begun != asked:
        raise InputError(
            f"The folder holds a training that was begun with other {what}.",
            cause=f"It was begun with {_short(begun)}; asked for is {_short(asked)}.",
            remedy="Go on with what it was begun with, or choose another folder.",
        )


def _short(value: Any) -> str:
    if value is None:
        return "the default"
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 6:
        return f"{len(value)} of them"
    return json.dumps(value)
