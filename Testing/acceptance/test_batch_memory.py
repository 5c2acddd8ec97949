"""Memory over many cases."""

from __future__ import annotations

import subprocess
import sys

import pytest

from Testing.support.batches import REPOSITORY, SHAPE, SPACING, save, words
from Testing.support.phantoms import two_blocks


@pytest.mark.slow
def test_memory_stays_flat_over_many_small_cases(model, tmp_path):
    """Peak memory after 200 cases is that after 40, but for what the index itself takes."""
    volume, _ = two_blocks(SHAPE, SPACING)
    image = save(tmp_path / "ct.nii.gz", volume.array)
    code = (
        "import resource, sys\n"
        "from BoneSegLib.batch import runner\n"
        "real, seen = runner.write_index, []\n"
        "def spy(rows, folder):\n"
        "    real(rows, folder)\n"
        "    seen.append(int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize())\n"
        "runner.write_index = spy\n"
        "from BoneSegLib.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(seen[40], seen[-1])\n"
    )
    rows = "".join(f"c{number},{image}\n" for number in range(200))
    (tmp_path / "list.csv").write_text("case,image\n" + rows)
    command = [sys.executable, "-c", code, *words(model, tmp_path / "list.csv", "-o", tmp_path / "out")]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=3000, check=True).stdout
    early, late = map(int, said.splitlines()[-1].split())
    assert late - early < 30e6
