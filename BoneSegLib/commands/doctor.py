"""`boneseg doctor`: what works on this computer and what does not; safe to send to strangers."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from BoneSegLib._version import __version__
from BoneSegLib.errors import BoneSegError

PACKAGES = ("torch", "monai", "numpy", "scipy", "SimpleITK", "vtk", "slicer-core", "openvino", "matplotlib")

OPTIONAL = {
    "pydicom": "DICOM segmentations as input",
    "highdicom": "DICOM segmentations as output",
    "distributed": "batches on several processes and computers",
    "tensorboard": "curves of a training for TensorBoard",
}
"""What some commands need, and for what."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg doctor``."""
    parser.description = "Tell what works here: versions, devices, memory, disk, model. No names and no paths."
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_command(args: argparse.Namespace) -> int:
    """Prints the report; 0 if a segmentation can be made here, otherwise the exit code of what is in the way."""
    report = examine_computer()
    problems = report["problems"]
    if args.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.write(_as_text(report) + "\n")
    return int(problems[0]["exit_code"]) if problems else 0


def examine_computer() -> dict[str, Any]:
    """Everything that a report of a problem needs, without anything personal."""
    problems: list[dict[str, object]] = []
    return {
        "boneseg": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _version_of(name) for name in PACKAGES},
        "optional_packages": {name: _version_of(name) for name in OPTIONAL},
        "slicer": _checked(_slicer, problems),
        "devices": _checked(_devices, problems),
        "memory": _memory(),
        "disk_free_gb": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "model": _checked(_model, problems),
        "problems": problems,
    }


def scrub(text: str) -> str:
    """Text without the home folder and the user's name."""
    home = str(Path.home())
    user = Path(home).name
    text = text.replace(home, "~")
    return text.replace(user, "<user>") if len(user) > 3 else text


def _checked(examine, problems: list[dict[str, object]]) -> Any:
    """What ``examine`` finds; its failure becomes a problem of the report, since the report is what one needs then."""
    try:
        return examine()
    except BoneSegError as error:
        problems.append({key: scrub(text) if isinstance(text, str) else text for key, text in error.to_dict().items()})
    except Exception as error:
        problem = {
            "kind": "missing",
            "message": f"{examine.__name__.strip('_')}: {type(error).__name__}",
            "exit_code": 4,
        }
        problems.append({**problem, "cause": scrub(str(error))[:300], "remedy": ""})
    return None


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _slicer() -> str:
    from BoneSegLib.headless.runtime import ensure_runtime, is_application

    slicer = ensure_runtime()
    return (
        f"application {slicer.app.applicationVersion}" if is_application() else "slicer-core, without the application"
    )


def _devices() -> dict[str, Any]:
    import torch

    from BoneSegLib.inference.device import choose_device, choose_precision

    device = choose_device("auto")
    return {
        "chosen": str(device),
        "precision": choose_precision("auto", device),
        "cpu_threads": torch.get_num_threads(),
        "cpu_cores": os.cpu_count(),
        "cuda": [
            {
                "name": torch.cuda.get_device_name(index),
                "memory_gb": round(torch.cuda.get_device_properties(index).total_memory / 2**30, 1),
            }
            for index in range(torch.cuda.device_count())
        ],
        "torch_cuda_build": torch.version.cuda,
    }


def _memory() -> dict[str, Any]:
    from BoneSegLib.memory import available_bytes

    available = available_bytes()
    return {"available_gb": round(available / 2**30, 1) if available is not None else None}


def _model() -> dict[str, Any]:
    from BoneSegLib.models.catalogue import open_model
    from BoneSegLib.models.integrity import model_hash, verify_files

    model = open_model(None)
    verify_files(model)
    return {"name": model.name, "version": model.version, "sha256": model_hash(model), "files": "as listed"}


def _as_text(report: dict[str, Any]) -> str:
    lines = []
    for key, value in report.items():
        if key == "problems":
            continue
        shown = ", ".join(f"{k} {v}" for k, v in value.items() if v is not None) if isinstance(value, dict) else value
        lines.append(f"{key.removesuffix('_packages') + ':':<15}{shown or 'none'}")
        if key == "optional_packages":
            lines += [f"{'':<15}without {name}: no {OPTIONAL[name]}" for name, found in value.items() if not found]
    for problem in report["problems"]:
        lines.append(f"PROBLEM        {problem['message']} {problem['cause']} {problem['remedy']}".rstrip())
    lines.append("No problem found." if not report["problems"] else f"{len(report['problems'])} problem(s) found.")
    return "\n".join(lines)
