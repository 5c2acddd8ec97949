"""Is this image one that a network can be asked about? Looked at before the run, told in plain words.

An error stops the run. A warning needs an answer (``force``). A note only goes into the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.errors import InputError, NeedsConfirmation
from BoneSegLib.volume import Volume

MIN_SPACING_MM, MAX_SPACING_MM = 0.05, 20.0
THICK_SLICE_MM = 5.0
SMALL_FIELD_MM = 80.0
OBLIQUE_DEGREES = 2.0
BONE_HU = 200

_SAMPLES = 2_000_000


@dataclass(frozen=True)
class Finding:
    """``severity`` is ``error``, ``warning`` or ``note``; the texts are for people."""

    severity: str
    message: str
    remedy: str = ""


def check_volume(volume: Volume, *, expects_ct: bool = True, force: bool = False) -> tuple[str, ...]:
    """The notes about ``volume``. Raises `InputError` for what cannot work and, unless ``force``, `NeedsConfirmation`.

    With ``force``, warnings become notes.
    """
    findings = examine(volume, expects_ct=expects_ct)
    for finding in findings:
        if finding.severity == "error":
            raise InputError(finding.message, remedy=finding.remedy)
    warnings = [finding for finding in findings if finding.severity == "warning"]
    if warnings and not force:
        raise NeedsConfirmation(
            " ".join(warning.message for warning in warnings),
            remedy=" ".join([*(warning.remedy for warning in warnings), "Use --force to go on anyway."]).strip(),
        )
    return tuple(finding.message for finding in findings)


def examine(volume: Volume, *, expects_ct: bool = True) -> tuple[Finding, ...]:
    """Everything worth saying about ``volume`` before a run, the most severe first."""
    findings = [*_geometry_errors(volume), *_value_errors(volume)]
    if findings:
        return tuple(findings)
    if expects_ct:
        findings += _not_a_ct(volume)
    findings += _geometry_notes(volume)
    return tuple(sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity)))


def describe(volume: Volume) -> str:
    """One line about the image: size, spacing, field of view, range of values."""
    size, spacing = volume.geometry.size, volume.geometry.spacing
    field = " x ".join(f"{n * step:.0f}" for n, step in zip(size, spacing, strict=True))
    low, high = float(volume.array.min()), float(volume.array.max())
    return (
        f"{' x '.join(map(str, size))} voxels, {' x '.join(f'{step:.2f}' for step in spacing)} mm, "
        f"field of view {field} mm, values {low:.0f} to {high:.0f}"
    )


def _geometry_errors(volume: Volume) -> list[Finding]:
    size, spacing = volume.geometry.size, volume.geometry.spacing
    if min(size) < 1:
        return [Finding("error", "The image is empty.", "Load the volume again.")]
    if min(size) == 1:
        return [
            Finding(
                "error", "The image is two-dimensional.", "Give the whole CT series (a volume), not a single slice."
            )
        ]
    flat = volume.geometry.voxel_volume < 1e-6
    if flat or min(spacing) < MIN_SPACING_MM or max(spacing) > MAX_SPACING_MM:
        shown = " x ".join(f"{step:.4g}" for step in spacing)
        return [
            Finding(
                "error",
                f"The voxel spacing, {shown} mm, cannot be right.",
                "Correct the spacing (in Slicer: Volumes module, Volume Information), or export the image again.",
            )
        ]
    return []


def _value_errors(volume: Volume) -> list[Finding]:
    array = volume.array
    if array.size == 0:
        return [Finding("error", "The image is empty.", "Load the volume again.")]
    if array.dtype.kind not in "iuf":
        return [Finding("error", f"The image's values are of type {array.dtype}, not numbers.", "Convert it to int16.")]
    if array.dtype.kind == "f" and not all(np.isfinite(plane).all() for plane in array):
        return [
            Finding(
                "error",
                "The image holds values that are not numbers (NaN or infinite).",
                "Replace them, for instance by -1024 (air), and save the image again.",
            )
        ]
    if array.min() == array.max():
        return [Finding("error", f"The image is blank: every voxel is {array.flat[0]}.", "Load another volume.")]
    return []


def _not_a_ct(volume: Volume) -> list[Finding]:
    """What CT in Hounsfield units always has: many values, and air or fat, which are negative."""
    sample = _sample(volume.array)
    low, high = float(sample.min()), float(sample.max())
    if volume.array.dtype.kind in "iu" and low >= 0 and high <= 255 and len(np.unique(sample)) <= 128:
        return [
            Finding(
                "warning",
                "This looks like a label map, not a CT: it holds few whole numbers from 0.",
                "Choose the CT that belongs to it.",
            )
        ]
    if low >= 0:
        middle = float(np.median(sample[sample > low])) if (sample > low).any() else 0.0
        if high > 1500 and 700 < middle < 1300:
            return [
                Finding(
                    "warning",
                    "The values look like a CT that lost its rescaling: they are about 1024 too high.",
                    "Subtract 1024, or load the DICOM files again.",
                )
            ]
        return [
            Finding(
                "warning",
                "This does not look like a CT in Hounsfield units: no value is negative (an MR?).",
                "Choose a CT.",
            )
        ]
    if high < BONE_HU:
        return [
            Finding(
                "warning", f"No bone can be seen: the highest value is {high:.0f} HU.", "Check the intensity scale."
            )
        ]
    return []


def _geometry_notes(volume: Volume) -> list[Finding]:
    geometry = volume.geometry
    notes = []
    thickest = max(geometry.spacing)
    if thickest > THICK_SLICE_MM:
        notes.append(f"Thick slices ({thickest:.1f} mm): edges across the slices are uncertain.")
    fields = [n * step for n, step in zip(geometry.size, geometry.spacing, strict=True)]
    if min(fields) < SMALL_FIELD_MM:
        notes.append(f"Small field of view ({min(fields):.0f} mm): bones may be hard to tell apart.")
    if geometry.shear_degrees > OBLIQUE_DEGREES:
        notes.append(f"The image is sheared by {geometry.shear_degrees:.0f} degrees (gantry tilt).")
    elif geometry.tilt_degrees > OBLIQUE_DEGREES:
        notes.append(f"The image lies {geometry.tilt_degrees:.0f} degrees off the patient's axes.")
    return [Finding("note", text) for text in notes]


def _sample(array: np.ndarray) -> np.ndarray:
    """Up to two million voxels, evenly taken."""
    step = max(1, int(np.ceil((array.size / _SAMPLES) ** (1 / 3))))
    return array[::step, ::step, ::step]
