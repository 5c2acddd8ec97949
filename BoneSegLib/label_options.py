"""Options of the command line that say what the values of somebody else's label maps mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from BoneSegLib.label_rules import LabelRules

TOTALSEGMENTATOR = "totalsegmentator"


def add_label_options(parser: argparse.ArgumentParser, *sides: str) -> None:
    """``--reference-labels`` for the side ``reference``, and the like."""
    for side in sides:
        parser.add_argument(
            f"--{side}-labels",
            nargs="+",
            metavar="NAME=VALUES",
            help=f"what the values of a label map mean that is the {side}: '{TOTALSEGMENTATOR}', or as in hip_left=77 "
            "sacrum=25,26 (default: BoneSeg's, 1 to 10)",
        )


def rules_from_words(words: Sequence[str] | None) -> LabelRules | None:
    """What such an option says; ``None`` where it was not given. Raises `UsageError`, `InputError`."""
    if words is None:
        return None
    from BoneSegLib.label_rules import parse_rules

    return parse_rules(words)
