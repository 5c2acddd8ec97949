"""The versions that the continuous integration installs: with hashes, complete, and those that the project asks for."""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from Testing.support.constraints import FILE, HEAD, ORACLES, lines

CHOSEN_APART = {"torch", "boneseg"}


def locked() -> dict[str, str]:
    """Versions by name."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+) ;", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE))


def asked_for() -> list[Requirement]:
    """What is installed to test: the dependencies, the extras of the set-up, and the oracles with their imports."""
    texts = list(requires("boneseg") or ())
    for path in (ORACLES, ORACLES.with_name("requirements-oracles-imports.txt")):
        texts += [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return [one for one in map(Requirement, texts) if canonicalize_name(one.name) not in CHOSEN_APART]


def test_every_version_has_the_hash_of_its_file():
    entries = FILE.read_text(encoding="utf-8").removeprefix(HEAD).rstrip("\n").split("\n")
    heads, hashes = entries[::2], entries[1::2]
    assert len(heads) == len(hashes) > 50
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+ ; .+ \\", head) for head in heads)
    assert all(re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}", one) for one in hashes)


@pytest.mark.parametrize("requirement", asked_for(), ids=str)
def test_what_the_project_asks_for_is_locked_in_a_version_that_suits(requirement):
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


def test_the_lines_hold_for_this_python_on_this_platform_alone():
    text = lines({"one": "1.2"}, {"one": "ab" * 32}).removeprefix(HEAD)
    entry = Requirement(text.partition("\\")[0].strip())
    assert entry.marker is not None
    assert entry.marker.evaluate()
    assert not entry.marker.evaluate({"python_version": "3.9"})
    assert not entry.marker.evaluate({"sys_platform": "win32" if sys.platform != "win32" else "linux"})
