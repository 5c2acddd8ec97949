"""Texts that several parts of the widget need."""

from __future__ import annotations

import html

from slicer.i18n import tr as _

from BoneSegLib.errors import BoneSegError
from BoneSegLib.flags import kinds


def boneName(structureId: str, default: str = "") -> str:
    """A bone's name in the user's language; segments keep their English names, which other tools know."""
    names = {
        "hip_left": _("Left hip bone"),
        "hip_right": _("Right hip bone"),
        "sacrum": _("Sacrum"),
        "femur_left": _("Left femur"),
        "femur_right": _("Right femur"),
        "vertebra_T12": _("T12 vertebra"),
        "vertebra_L1": _("L1 vertebra"),
        "vertebra_L2": _("L2 vertebra"),
        "vertebra_L3": _("L3 vertebra"),
        "vertebra_L4": _("L4 vertebra"),
        "vertebra_L5": _("L5 vertebra"),
        "vertebra_S1": _("S1 vertebra"),
        "mean": _("Mean"),
    }
    return names.get(structureId, default or structureId)


def flagText(flag: str) -> str:
    """A flag of `BoneSegLib.flags` in the user's language."""
    known = {
        kinds.NOT_FOUND: _("not found"),
        kinds.CUT: _("cut by the field of view"),
        kinds.CUT_BY_REGION: _("cut by the region of interest"),
        kinds.LARGE: _("unusually large"),
        kinds.SMALL: _("unusually small"),
        kinds.SIDE: _("side doubtful"),
        kinds.APART: _("apart from the hip bone"),
        kinds.HEAD: _("femoral head inside"),
        kinds.ORDER: _("order doubtful"),
        kinds.LEVEL: _("level uncertain"),
        kinds.LOW_CONFIDENCE: _("low confidence"),
    }
    if flag.endswith(" fragments"):
        return _("{count} fragments").format(count=flag.split()[0])
    return known.get(flag, flag)


def duration(seconds: float) -> str:
    """A length of time as people say it, rounded the more the longer it is."""
    if seconds < 60:
        step = 1 if seconds < 10 else 5
        return _("{seconds} s").format(seconds=max(1, round(seconds / step) * step))
    minutes, rest = int(seconds // 60), int(seconds % 60 // 10 * 10)
    if seconds < 3600 and not rest:
        return _("{minutes} min").format(minutes=minutes)
    if seconds < 3600:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return _("{hours} h {minutes} min").format(hours=int(seconds // 3600), minutes=int(seconds % 3600 // 60))


def gigabytes(size: float) -> str:
    return _("{size} GB").format(size=f"{size / 2**30:.1f}")


def deviceName(device: str) -> str:
    """``cpu``, ``cuda:0``, ``mps`` for people."""
    names = {"cpu": _("processor"), "cuda": _("NVIDIA GPU"), "mps": _("Apple GPU")}
    return names.get(device.split(":")[0], device)


def inWindow(text: str) -> str:
    """A text of the library, which speaks of the command line's options, in the words of the widget."""
    words = (
        ("--quality fast", _("quality 'Fast'")),
        ("quality 'fast'", _("quality 'Fast'")),
        ("--device auto", _("device 'Automatic'")),
        ("--device cpu", _("device 'Processor'")),
        ("with --model", _("under Advanced")),
        ("--model DIR", _("under Advanced")),
        ("--force", _("'Segment it anyway'")),
    )
    for option, word in words:
        text = text.replace(option, word)
    return text


def errorHtml(error: BoneSegError) -> str:
    """What happened, why, what to do."""
    message, *rest = (html.escape(inWindow(part)) for part in (error.message, error.cause, error.remedy))
    return "<br>".join([f"<b>{message}</b>", *(part for part in rest if part)])
