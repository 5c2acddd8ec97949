"""The plan against what a run then uses, and runs that get less than they need; each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from BoneSegLib.inference.memory import MemoryPlan, plan_stage, windows_at_once
from BoneSegLib.memory import available_bytes
from BoneSegLib.models.architecture import Architecture
from Testing.support.nnunet_folder import write_quick_folder

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_quick_folder(tmp_path_factory.mktemp("trained"))


def run(model: Path, *limit: int) -> dict:
    words = [sys.executable, str(Path(__file__).with_name("memory_run.py")), str(model), *map(str, limit)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("free", "windows"), [(None, 1), (0, 1), (600, 2), (2 * 100 + 2 * 350, 3), (10**6, 8)])
def test_windows_go_together_as_far_as_the_memory_of_the_device_reaches(free, windows):
    plan = MemoryPlan(image=10, resampling=10, logits=100, network=100, deciding=10, labels=10)
    assert windows_at_once(plan, free) == windows


@linux_only
def test_a_run_uses_what_was_planned(model):
    outcome = run(model)
    assert outcome["found"] == pytest.approx(1.0, abs=0.02)
    assert outcome["planned"] > 150e6, "a small plan would say little"
    assert outcome["used"] == pytest.approx(outcome["planned"], rel=0.15)


@linux_only
def test_too_little_memory_is_told_before_the_run_and_not_by_a_crash(model):
    outcome = run(model, 60_000_000)
    assert "not enough memory" in outcome["error"]
    assert outcome["used"] < 40e6, "nothing was started"


@linux_only
def test_a_limit_on_memory_counts_as_memory_that_is_free():
    code = (
        "import resource; from BoneSegLib.memory import available_bytes as free; before = free();"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); print(free() < 2**30 < before or before < 2**30)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"
    assert available_bytes() > 0


@pytest.mark.parametrize(("slices", "most"), [(300, 1.0e9), (1000, 1.6e9)])
def test_a_long_ct_takes_little_more_than_its_labels_and_its_image(slices, most):
    """The logits do not grow with the length of the scan. The figures are those of a network as large as ours."""
    plan = plan_stage(
        Architecture((8, 16, 32, 64, 96), ((3, 3, 3),) * 5, ((1, 1, 1), *((2, 2, 2),) * 4)),
        patch=(64, 64, 64),
        grid=(slices // 2, 250, 250),
        heads=12,
        in_channels=12,
        volume=(slices, 512, 512),
        precision="fp32",
    )
    assert plan.total < most
