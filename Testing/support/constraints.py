"""Writes Testing/constraints-ci.txt: the versions that are installed here (`make constraints`)."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "constraints-ci.txt"
HEAD = """\
# The versions that the continuous integration tests with, for the Python that they were written down for; other
# Pythons and people's own installations are free to take newer ones. Written by `make constraints`.
"""
LEFT_OUT = {"boneseg", "pip", "setuptools", "wheel"}


def constraints() -> str:
    """One line per installed package; a local build (+cpu) counts as its version."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version.split("+")[0]
        for one in distributions()
        if one.metadata["Name"]
    }
    lines = [f'{name}=={pins[name]} ; python_version == "{python}"' for name in sorted(set(pins) - LEFT_OUT)]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(constraints(), encoding="utf-8")
