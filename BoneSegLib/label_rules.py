"""Which drawn values become which label: names, values and segments told by the user or by the data.

A label map says nothing of its values: 1 is a hip bone to BoneSeg and a spleen to TotalSegmentator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from BoneSegLib.anatomy import STRUCTURES, Structure
from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.json_input import read_json
from BoneSegLib.label_options import TOTALSEGMENTATOR

Token = int | str
BONES = "bones"
_TOTAL: dict[str, tuple[Token, ...]] = {
    "hip_left": (77,), "hip_right": (78,), "sacrum": (25, 26), "femur_left": (75,), "femur_right": (76,),
    "vertebra_L1": (31,), "vertebra_L2": (30,), "vertebra_L3": (29,), "vertebra_L4": (28,), "vertebra_L5": (27,),
}  # fmt: skip
"""Values of TotalSegmentator's task ``total``, version 2 (its ``class_map``; Wasserthal et al. 2023). It has the first
segment of the sacrum apart."""
_MOST = 254


@dataclass(frozen=True)
class LabelRules:
    """``sources``: name of each label, in order (its value in training is 1, 2, 3, ...) -> drawn values or segments."""

    sources: Mapping[str, tuple[Token, ...]]

    def __post_init__(self) -> None:
        if not 1 <= len(self.sources) <= _MOST:
            raise InputError(f"There are {len(self.sources)} labels.", remedy=f"Name 1 to {_MOST} of them.")
        seen: dict[Token, str] = {}
        for name, tokens in self.sources.items():
            if is_background(name):
                raise UsageError(
                    f"A label cannot be called '{name}'.",
                    cause="Models call that background which is no label at all.",
                    remedy="Leave it out, or give it another name: --labels NAME=VALUE ...",
                )
            for token in tokens:
                if token == 0:
                    raise UsageError(f"Label '{name}' asks for the value 0, which is the background.")
                if seen.setdefault(_folded(token), name) != name:
                    raise UsageError(f"'{token}' is asked for twice: by '{seen[_folded(token)]}' and by '{name}'.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.sources)

    def apply(
        self, array: NDArray, segments: Mapping[int, Sequence[str]], *, by_name: bool = False
    ) -> NDArray[np.uint8]:
        """Drawn values (integers, 0 and more) as labels; ``segments`` tells the names that a value goes by.

        ``by_name``: only the names count.
        """
        values: dict[Token, set[int]] = {}
        for value, known in segments.items():
            for name in known:
                values.setdefault(_folded(name), set()).add(value)
        table = np.zeros(int(array.max(initial=0)) + 1, np.uint8)
        for label, tokens in enumerate(self.sources.values(), start=1):
            for token in tokens:
                if isinstance(token, str):
                    drawn = values.get(_folded(token), set())
                else:
                    drawn = set() if by_name else {token}
                table[[value for value in drawn if value < len(table)]] = label
        return table[array]

    def values_of(self, structures: Iterable[Structure]) -> dict[int, int]:
        """Drawn value -> label of the structure that it stands for, by their ids; names of segments are left out."""
        return {
            token: structure.label
            for structure in structures
            for token in self.sources.get(structure.id, ())
            if isinstance(token, int)
        }


def parse_rules(words: Sequence[str]) -> LabelRules:
    """``--labels``: one JSON file, ``bones``, ``totalsegmentator``, or words ``name=1,2``.

    Raises `UsageError`, `InputError`.
    """
    if list(words) == [BONES]:
        return LabelRules({structure.id: (structure.label, structure.id) for structure in STRUCTURES})
    if list(words) == [TOTALSEGMENTATOR]:
        return LabelRules(_TOTAL)
    if len(words) == 1 and "=" not in words[0]:
        return _read_rules(Path(words[0]))
    sources: dict[str, tuple[Token, ...]] = {}
    for word in words:
        name, _, listed = word.partition("=")
        tokens = tuple(_token(text.strip()) for text in listed.split(",") if text.strip())
        if not name or not tokens:
            raise UsageError(f"'{word}' names no label.", remedy="Write --labels name=1,2 other=3, or a JSON file.")
        if name in sources:
            raise UsageError(f"Label '{name}' is given twice.", remedy="Merge values with commas: name=1,2")
        sources[name] = tokens
    return LabelRules(sources)


def refuse_totalsegmentator(strange: Iterable[int], name: str, *, remedy: str) -> None:
    """Raises `InputError` where two of TotalSegmentator's bones or more are among the values of a label map that are
    ``strange``, standing for nothing."""
    theirs = {token for tokens in _TOTAL.values() for token in tokens}
    if len(theirs.intersection(strange)) >= 2:
        raise InputError(
            f"{name} has the values of TotalSegmentator's labels.",
            cause="There 1 is the spleen and 77 the left hip bone; for BoneSeg 1 is the left hip bone.",
            remedy=remedy,
        )


def rules_of_data(named: Mapping[str, int], values: Iterable[int], segments: Iterable[str]) -> LabelRules:
    """Without ``--labels``: as dataset.json names them, or each segment by its name, or each value ``label_7``.

    Names of segments are the same in capitals and without; one that is called background is none.
    """
    if named:
        return LabelRules({name: (value,) for name, value in sorted(named.items(), key=lambda item: item[1])})
    spelt: dict[Token, str] = {}
    for name in segments:
        if not is_background(name):
            spelt.setdefault(_folded(name), name)
    if spelt:
        return LabelRules({name: (name,) for name in spelt.values()})
    return LabelRules({f"label_{value}": (value,) for value in sorted(set(values) - {0})})


def is_background(name: str) -> bool:
    """Whether that is what models call the voxels that are no label."""
    return name.casefold() == "background"


def _read_rules(path: Path) -> LabelRules:
    """``{"liver": 1, "kidneys": [2, 3], "spine": ["L1 vertebra", ...]}``, or a dataset.json."""
    if not path.is_file():
        raise UsageError(f"There is no file of labels '{path}'.", remedy="Write --labels name=1,2 other=3")
    data = read_json(path)
    labels = data["labels"] if isinstance(data.get("labels"), dict) else data
    sources = {}
    for name, listed in labels.items():
        tokens = listed if isinstance(listed, list) else [listed]
        if not tokens or not all(isinstance(token, (int, str)) and not isinstance(token, bool) for token in tokens):
            raise InputError(
                f"'{path.name}': label '{name}' should be a value, a segment's name, or a list of such.",
                remedy='Write {"liver": 1, "kidneys": [2, 3]}.',
            )
        if not is_background(name):
            sources[str(name)] = tuple(tokens)
    return LabelRules(sources)


def _token(text: str) -> Token:
    return int(text) if text.isdigit() else text


def _folded(token: Token) -> Token:
    return token.casefold() if isinstance(token, str) else token
