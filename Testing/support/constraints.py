"""Writes Testing/constraints-ci.txt: the versions installed here, and the hashes of their files (`make constraints`).

torch is left out, since the build that suits a machine is chosen apart (see Makefile). The hash is of the one file that
pip takes for this Python on this platform; the lines hold for that alone, and other machines pass over them.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "constraints-ci.txt"
ORACLES = FILE.with_name("requirements-oracles.txt")
HEAD = """\
# The versions that the continuous integration tests with, and the hashes of their files, for the Python and the
# platform that they were written down for; others, and people's own installations, are free to take newer ones.
# Written by `make constraints`.
"""
LEFT_OUT = {"boneseg", "pip", "py-spy", "torch", "wheel"}


def installed_versions() -> dict[str, str]:
    """By name; the oracles as their own file wants them."""
    pins = {_normal(one.metadata["Name"]): one.version.split("+")[0] for one in distributions() if one.metadata["Name"]}
    wanted = re.findall(r"^([\w.-]+)==(\S+)", ORACLES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    pins.update({_normal(name): version for name, version in wanted})
    return {name: pins[name] for name in sorted(set(pins) - LEFT_OUT)}


def hashes_of(versions: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of the file that pip would install, by name. Asks the package index; installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, report = Path(folder) / "wanted.txt", Path(folder) / "report.json"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
        subprocess.run([*pip, "--report", str(report), "-r", str(wanted)], check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {_normal(one["metadata"]["name"]): one["download_info"]["archive_info"]["hashes"]["sha256"] for one in found}


def lines(versions: Mapping[str, str], hashes: Mapping[str, str]) -> str:
    """A requirement per package, with its hash, for this Python on this platform only."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    here = f'python_version == "{python}" and sys_platform == "{sys.platform}" and '
    here += f'platform_machine == "{platform.machine()}"'
    return HEAD + "".join(
        f"{name}=={version} ; {here} \\\n    --hash=sha256:{hashes[name]}\n" for name, version in versions.items()
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    versions = installed_versions()
    FILE.write_text(lines(versions, hashes_of(versions)), encoding="utf-8")
