"""Worker processes of one machine take different graphics cards, also after some of them died."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from BoneSegLib.batch import slots

REPOSITORY = Path(__file__).resolve().parents[3]
HOLD = (
    "import sys, pathlib\n"
    "from BoneSegLib.batch.slots import own_slot\n"
    "print(own_slot(pathlib.Path(sys.argv[1])), own_slot(pathlib.Path(sys.argv[1])), flush=True)\n"
    "sys.stdin.read()\n"
)


def worker(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a slot until it ends, and the slot."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first, again = process.stdout.readline().split()
    assert first == again, "a process keeps its slot"
    return process, int(first)


def test_each_process_has_a_number_of_its_own_and_a_new_one_takes_that_of_a_killed_one(tmp_path):
    held = [worker(tmp_path) for _ in range(3)]
    assert [slot for _, slot in held] == [0, 1, 2]
    held[1][0].kill()
    held[1][0].wait()
    held[1] = worker(tmp_path)
    assert held[1][1] == 1
    for process, _ in held:
        process.communicate("")


@pytest.mark.parametrize(
    ("asked", "cards", "slot", "expected"),
    [
        ("auto", 4, 0, "cuda:0"),
        ("auto", 4, 3, "cuda:3"),
        ("auto", 4, 6, "cuda:2"),
        ("auto", 0, 1, "auto"),
        ("cpu", 4, 1, "cpu"),
        ("cuda", 4, 1, "cuda"),
        ("cuda:2", 4, 1, "cuda:2"),
    ],
)
def test_cards_are_dealt_in_turn_and_a_device_that_was_named_stays(monkeypatch, asked, cards, slot, expected):
    monkeypatch.setattr(slots, "own_slot", lambda: slot)
    assert slots.own_device(asked, cards) == expected
