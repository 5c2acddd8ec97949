"""Which processor runs the network, and in which number format."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from pathlib import Path

import torch

from BoneSegLib.errors import MissingError, UsageError
from BoneSegLib.options import DEVICES, check_device


def choose_device(asked: str, choices: tuple[str, ...] = DEVICES) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda[:N]`` or ``mps``, of those in ``choices``.

    Raises `UsageError` for another name and `MissingError` when the device is not there.
    """
    check_device(asked, choices)
    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps") if "mps" in choices and _mps_convolves() else torch.device("cpu")
    device = torch.device(asked)
    if device.type == "cuda" and not (torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()):
        raise MissingError(
            f"The device '{asked}' is not available.",
            cause="torch finds no such NVIDIA GPU: none is here, its driver is missing, or torch is a CPU build.",
            remedy="Use --device auto or --device cpu; `boneseg doctor` shows what torch finds.",
        )
    if device.type == "mps" and not _mps_convolves():
        raise MissingError(f"The device '{asked}' is not available.", remedy="Use --device auto or --device cpu.")
    return device


def choose_precision(asked: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``.

    ``auto`` takes bf16 on an NVIDIA GPU that has it, and on a CPU where a probe shows it to be faster; that answer is
    kept per machine. Raises `UsageError` for bf16 on an Apple GPU that cannot do it.
    """
    if asked == "bf16" and device.type == "mps" and not _mps_convolves(torch.bfloat16):
        raise UsageError("This graphics card cannot compute in bf16.", remedy="Use --precision fp32 or auto.")
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bf16" if _computes_in_bf16(device) else "fp32"
    if device.type != "cpu":
        return "fp32"
    key = _machine_key()
    known = _read_choices()
    if key not in known:
        known[key] = "bf16" if _bf16_gain() > 1.15 else "fp32"
        _write_choices(known)
    return known[key]


def free_on_device(device: torch.device) -> int | None:
    """Bytes that are free on a graphics card; `None` for the CPU and for devices that do not tell."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """The context in which the network runs."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def _computes_in_bf16(device: torch.device) -> bool:
    """Whether an NVIDIA GPU has bf16: from Ampere on. torch emulates it on older ones, where it is slow or fails."""
    return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= (8, 0)


def _mps_convolves(dtype: torch.dtype = torch.float32) -> bool:
    """Apple's GPU counts only if it does the 3D convolutions of our networks, which older versions of torch lack there:
    the usual one and the transposed one."""
    if not (hasattr(torch.backends, "mps") and torch.backends.mps.is_available()):
        return False
    image, kernel = (torch.zeros(1, 1, size, size, size, device="mps", dtype=dtype) for size in (4, 2))
    try:
        torch.nn.functional.conv3d(image, kernel)
        torch.nn.functional.conv_transpose3d(image, kernel, stride=2)
    except (RuntimeError, NotImplementedError, TypeError):
        return False
    return True


def _bf16_gain() -> float:
    """How many times faster a typical convolution is in bf16 than in fp32 here.

    A small one is tried first: processors without bf16 take a hundred times as long, and nobody should wait for that.
    """
    gain = _bf16_gain_at(16)
    return gain if gain < 0.5 else _bf16_gain_at(48)


def _bf16_gain_at(size: int) -> float:
    """The same for a cube of so many voxels a side; measured in turn, the best of three."""
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    with torch.inference_mode():
        inputs = {
            dtype: (torch.rand(1, 32, size, size, size).to(dtype), torch.rand(32, 32, 3, 3, 3).to(dtype))
            for dtype in best
        }
        for round_number in range(4):
            for dtype, (image, kernel) in inputs.items():
                start = time.perf_counter()
                torch.nn.functional.conv3d(image, kernel, padding=1)
                if round_number > 0:  # the first round loads kernels
                    best[dtype] = min(best[dtype], time.perf_counter() - start)
    return best[torch.float32] / best[torch.bfloat16]


def _machine_key() -> str:
    capability = torch.backends.cpu.get_cpu_capability()
    text = f"{platform.processor()} {capability} {torch.__version__} {torch.get_num_threads()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """Where BoneSeg keeps what it measured about this machine."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "boneseg"


def _read_choices() -> dict[str, str]:
    try:
        data = json.loads((cache_folder() / "precision.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in data.items() if v in ("fp32", "bf16")} if isinstance(data, dict) else {}


def _write_choices(choices: dict[str, str]) -> None:
    # A home that cannot be written only means that the probe runs again next time.
    with contextlib.suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        temporary = cache_folder() / f"precision.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(choices), encoding="utf-8")
        temporary.replace(cache_folder() / "precision.json")
