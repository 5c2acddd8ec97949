"""Which Python runs the worker: in Slicer its own, PythonSlicer, since ``sys.executable`` may be Slicer itself."""

from __future__ import annotations

import shutil
import sys

import slicer

from BoneSegLib.headless.runtime import is_application
from BoneSegLib.worker.process import Launch


def workerLaunch() -> Launch:
    if not is_application():
        return Launch()
    python = shutil.which("PythonSlicer") or sys.executable
    # The environment before Slicer changed it: PythonSlicer makes the same changes itself.
    return Launch(python, slicer.util.startupEnvironment())
