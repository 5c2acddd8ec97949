"""One run in a process of its own, for test_memory.py: prints what it planned and what it then used, in bytes.

`memory_run.py MODEL_FOLDER [LIMIT]`: ``LIMIT`` bytes of address space may be added to what the process has when the run
starts. A warm-up before it loads every library and kernel, so that only the run itself counts.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np
import torch

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.errors import ResourceError
from BoneSegLib.inference import stage
from BoneSegLib.inference.loading import LoadedStage


def bright_is_bone(batch: torch.Tensor) -> torch.Tensor:
    answer = torch.empty((len(batch), *batch.shape[2:], 3))
    answer[..., 0], answer[..., 1], answer[..., 2] = -batch[0, 0], batch[0, 0], -9.0
    return answer.movedim(-1, 1)


def ball(size: int) -> Volume:
    """A bright ball in air, in a cube of so many mm and voxels."""
    along = np.arange(size, dtype=np.float32) - size / 2
    far = along[:, None, None] ** 2 + along[:, None] ** 2 + along**2 > (0.3 * size) ** 2
    array = np.where(far, -1000, 1000).astype(np.int16)
    return Volume(array, Geometry.from_spacing((size, size, size), (1.0, 1.0, 1.0)))


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def main(model: str, limit: str = "") -> None:
    torch.set_num_threads(1)
    stage.load_stage = lambda *_: LoadedStage((bright_is_bone,), ())
    options = SegmentOptions(
        model=Path(model), device="cpu", precision="fp32", force=True, drop_islands=False, fill_holes=False
    )
    segment(ball(64), options)
    plans = []
    require = stage.require_memory

    def noting(plan, available):
        plans.append(plan.total)
        require(plan, available)

    stage.require_memory = noting
    volume = ball(420)
    if limit:
        most = status("VmSize") + int(limit)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status("VmRSS")
    outcome = {"error": None}
    try:
        found = int((segment(volume, options).array > 0).sum())
        outcome["found"] = found / int((volume.array > 0).sum())
    except ResourceError as error:
        outcome["error"] = str(error)
    sys.stdout.write(json.dumps({**outcome, "planned": max(plans), "used": status("VmHWM") - before}) + "\n")


main(*sys.argv[1:])
