"""Where the slices of a volume were taken, as Slicer's DICOM database knows it."""

from __future__ import annotations

import numpy as np
import slicer

from BoneSegLib.slice_steps import SAME_PLACE_MM, Unevenness, unevenness_of

_UIDS = "DICOM.instanceUIDs"
_POSITION, _ORIENTATION = "0020,0032", "0020,0037"


def uneven_slices(volume_node) -> Unevenness | None:
    """Whether slices of a volume that was loaded from DICOM are missing or lie unevenly.

    A volume has one spacing, so the image does not tell; its files do. ``None`` where they are even, and where nothing
    is known of them (not from DICOM, no database, files deleted).
    """
    positions = _positions(volume_node)
    return None if positions is None else unevenness_of(positions)


def _positions(volume_node) -> np.ndarray | None:
    """Places on the slices' normal, ascending, in mm; several slices in one place count once."""
    database = getattr(slicer, "dicomDatabase", None)
    uids = (volume_node.GetAttribute(_UIDS) or "").split()
    if database is None or len(uids) < 3:
        return None
    directions = _numbers(database.instanceValue(uids[0], _ORIENTATION), 6)
    origins = [_numbers(database.instanceValue(uid, _POSITION), 3) for uid in uids]
    if directions is None or any(origin is None for origin in origins):
        return None
    places = np.sort(np.array(origins) @ np.cross(directions[:3], directions[3:]))
    return places[np.concatenate([[True], np.diff(places) > SAME_PLACE_MM])]


def _numbers(text: str | None, count: int) -> np.ndarray | None:
    """The numbers of a DICOM value, which are divided by backslashes."""
    try:
        numbers = np.array([float(part) for part in (text or "").split("\\")])
    except ValueError:
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None
