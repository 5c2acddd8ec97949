"""What the pages promise, held against what is there."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from BoneSegLib.anatomy import GROUPS, STRUCTURES
from BoneSegLib.cli import COMMANDS
from BoneSegLib.errors import ALL_KINDS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
AWAITED: set[str] = set()
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_relative_link_and_picture_leads_to_a_file(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    relative = [target for target in targets if "://" not in target]
    missing = {target for target in relative if not (page.parent / target).exists()}
    assert missing - AWAITED == set()


def test_every_page_is_in_the_index():
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.relative_to(REPOSITORY / "docs").as_posix() for page in PAGES[1:]} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_the_readme_lists_every_exit_code():
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert table == {0, 1} | {kind.exit_code for kind in ALL_KINDS}


def test_the_readme_names_every_structure_group():
    assert [group for group in GROUPS if f"`{group}`" not in README] == []


def test_the_readme_names_the_structures_in_label_order():
    named = [STRUCTURES[index].id for index in (*range(6), 9)]
    positions = [README.find(f"`{name}`") for name in named]
    assert -1 not in positions
    assert positions == sorted(positions)


def _commands() -> list[list[str]]:
    """The `boneseg` lines of README's examples, as words."""
    blocks = re.findall(r"^```\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("boneseg ")]
    return [shlex.split(line)[1:] for line in lines]


def test_the_readme_shows_how_to_segment_and_to_compare():
    assert {"segment", "compare", "doctor"} <= {command for command, *_ in _commands()}


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_that_the_readme_shows_is_understood(words):
    command, *arguments = words
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(COMMANDS[command][0]).add_arguments(parser)
    parser.parse_args(arguments)


def test_every_make_target_that_the_readme_names_exists():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE))
    assert named
    assert named - targets == set()


def test_every_test_that_the_page_of_faults_names_exists():
    page = (REPOSITORY / "docs" / "faults.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+/[\w/*]+\.py)`", page))
    assert len(named) > 10
    assert [name for name in sorted(named) if not list((REPOSITORY / "Testing").glob(name))] == []


COMPARISON = "structure,dice,note\nhip_left,0.95,\nmean,{mean},\n"


@pytest.mark.parametrize(("mean", "line"), [("0.91273", "mean Dice 0.913"), ("0.8", "mean Dice 0.800")])
def test_the_demo_ends_with_the_mean_dice_of_the_comparison(tmp_path, mean, line):
    (tmp_path / "sample_comparison.csv").write_text(COMPARISON.format(mean=mean))
    script = REPOSITORY / "Testing" / "acceptance" / "demo.py"
    said = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.splitlines()[-1] == line
