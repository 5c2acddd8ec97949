"""What a person should look at again: each bone judged alone, beside its neighbours, and by the networks' confidence.

Flags are remarks; nothing changes a result. Nothing here needs more than the labels, which may come from anywhere.
"""

from __future__ import annotations

from BoneSegLib.flags.judge import NOTHING_FOUND, flags_of, noted_confidence, noted_flags
from BoneSegLib.flags.measures import measures_of

__all__ = ["NOTHING_FOUND", "flags_of", "measures_of", "noted_confidence", "noted_flags"]
