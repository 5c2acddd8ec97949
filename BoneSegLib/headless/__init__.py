"""The MRML runtime where there is no Slicer application, and files: images, DICOM, segmentations, scenes.

`runtime.ensure_runtime` makes `slicer.mrmlScene`, `slicer.app` and `slicer.modules` on the `slicer-core` wheel and does
nothing inside Slicer. `read` and `write` turn files into nodes and back, in both. `messages` catches what VTK and MRML
would only print.
"""

from __future__ import annotations

from BoneSegLib.headless.runtime import ensure_runtime

__all__ = ["ensure_runtime"]
