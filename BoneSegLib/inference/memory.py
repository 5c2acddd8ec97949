"""How much memory a run will take, told before it starts."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.errors import ResourceError
from BoneSegLib.inference.resample import Shape
from BoneSegLib.models.plans import Architecture

_ACTIVATION_COPIES = 6.0
"""Feature maps of the finest stage that are alive at the same time, convolution workspace included (measured)."""


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes: the prepared image, the logits and their weights, the network at work, and the labels."""

    image: int
    logits: int
    network: int
    labels: int

    @property
    def total(self) -> int:
        return self.image + self.logits + self.network + self.labels


def plan_stage(
    architecture: Architecture,
    *,
    patch: Shape,
    grid: Shape,
    heads: int,
    in_channels: int,
    volume: Shape,
    precision: str,
) -> MemoryPlan:
    """The peak of one stage on an image of ``volume`` voxels and a network grid of ``grid`` voxels."""
    voxels = math.prod(max(size, length) for size, length in zip(grid, patch, strict=True))
    width = 2 if precision == "bf16" else 4
    features = architecture.features[0] + in_channels
    network = int(math.prod(patch) * features * width * _ACTIVATION_COPIES)
    return MemoryPlan(image=5 * voxels, logits=2 * (heads + 1) * voxels, network=network, labels=2 * math.prod(volume))


def require_memory(plan: MemoryPlan, available: int | None) -> None:
    """Raises `ResourceError` when the plan does not fit; ``available`` in bytes, `None` if unknown."""
    if available is not None and plan.total > available:
        raise ResourceError(
            "There is not enough memory for this volume.",
            cause=f"It needs about {plan.total / 2**30:.1f} GB, and {available / 2**30:.1f} GB are free.",
            remedy="Use --quality fast, limit the run to a region or to fewer structures, or close other programs.",
        )


def available_bytes() -> int | None:
    """Memory that can be taken now without swapping; `None` where the system does not tell."""
    limits = [value for value in (_meminfo_available(), _cgroup_free(), _windows_available()) if value is not None]
    return min(limits) if limits else None


def _meminfo_available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        # macOS tells the size of the memory, not what is free of it: half is a cautious guess.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _cgroup_free() -> int | None:
    """What a container may still take (cgroup 2)."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return None if limit == "max" else max(int(limit) - used, 0)
    except (OSError, ValueError):
        return None


def _windows_available() -> int | None:
    if os.name != "nt":
        return None
    import ctypes

    class MemoryStatus(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "d", "e", "f", "g", "h")),
        )

    status = MemoryStatus()
    status.length = ctypes.sizeof(status)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.free)
