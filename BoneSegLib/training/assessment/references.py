"""Cases with a reference, in the names of the model that is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BoneSegLib.anatomy import BY_ID
from BoneSegLib.errors import InputError
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import LabelRules, parse_rules, refuse_totalsegmentator
from BoneSegLib.models.model import Model
from BoneSegLib.training.data.find import find_source
from BoneSegLib.training.data.read_case import DrawnCase, read_case
from BoneSegLib.volume import LabelMap, Volume

LABELS_FILE = "labels.json"
"""In a folder of cases: what the values of its references mean, as a file for ``--labels``."""


@dataclass(frozen=True, eq=False)
class Judged:
    """One case: the image, and what is true of it."""

    name: str
    image: Volume
    reference: LabelMap


def read_references(folder: Path, model: Model, words: tuple[str, ...]) -> Iterator[Judged]:
    """The cases of a folder, one after the other.

    ``words``: as ``--labels``; none to go by the folder's own labels.json, or else by names and values.
    """
    source = find_source(folder)
    own = folder / LABELS_FILE
    if not words and own.is_file():
        words = (str(own),)
    told = bool(words)
    rules = parse_rules(words) if told else rules_of_model(model)
    known = {structure.id for structure in model.structures}
    strange = [name for name in rules.names if name not in known]
    if strange:
        raise InputError(f"The model knows no '{strange[0]}'.", remedy="It knows: " + ", ".join(sorted(known)) + ".")
    drawn_at_all = False
    for pair in source.pairs:
        case = read_case(pair, source)
        if not told:
            _require_own_values(case, model)
        reference = case.labels(rules)
        drawn_at_all |= bool(reference.array.any())
        yield Judged(case.name, case.image, reference)
    if not drawn_at_all:
        raise InputError(
            f"No reference in '{folder.name}' holds a structure of the model.",
            remedy="Say which values are which: --labels hip_left=77 sacrum=25,26",
        )


def _require_own_values(case: DrawnCase, model: Model) -> None:
    """Raises `InputError` where the values plainly are another software's."""
    if not (case.by_name or case.segments):
        own = {0, *(structure.label for structure in model.structures)}
        strange = set(np.unique(case.drawn).tolist()) - own
        refuse_totalsegmentator(
            strange, f"The reference of {case.name}", remedy=f"Say so: --labels {TOTALSEGMENTATOR}."
        )


def case_names(folders: Sequence[Path]) -> list[str]:
    """The names of all cases, before any is read. Raises `InputError` where two have the same."""
    names: list[str] = []
    for folder in folders:
        for pair in find_source(folder).pairs:
            if pair.name in names:
                raise InputError(
                    f"Two cases are called '{pair.name}'.",
                    cause=f"The second one is in '{folder.name}'.",
                    remedy="Rename one, or judge the folders one by one.",
                )
            names.append(pair.name)
    return names


def rules_of_model(model: Model) -> LabelRules:
    """Each structure by its label value, its id or its name."""
    return LabelRules(
        {
            structure.id: tuple(dict.fromkeys((structure.label, structure.id, *_name(structure.id))))
            for structure in model.structures
        }
    )


def _name(structure: str) -> tuple[str, ...]:
    known = BY_ID.get(structure)
    return (known.name,) if known and known.name.casefold() != structure.casefold() else ()
