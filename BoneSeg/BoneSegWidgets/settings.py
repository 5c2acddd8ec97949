"""Choices that belong to this computer, not to the scene."""

from __future__ import annotations

import qt
import slicer

_GROUP = "BoneSeg/"


def readText(name: str, default: str = "") -> str:
    return str(slicer.util.settingsValue(_GROUP + name, default))


def readFlag(name: str, default: bool) -> bool:
    return slicer.util.settingsValue(_GROUP + name, default, converter=slicer.util.toBool)


def write(name: str, value: object) -> None:
    qt.QSettings().setValue(_GROUP + name, value)
