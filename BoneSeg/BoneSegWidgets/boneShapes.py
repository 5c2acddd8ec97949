"""The ten bones drawn from the front: outlines for the picture in which bones are chosen."""

from __future__ import annotations

import qt

SIZE = (200, 258)
"""Width and height of the drawing; y goes down. Somebody stands before us: their right is on our left."""

_HIP = [
    *((73, 104), (64, 92), (47, 87), (31, 90), (17, 104), (12, 121), (17, 134), (24, 142), (25, 155), (20, 167)),
    *((24, 183), (32, 198), (40, 211), (51, 216), (59, 208), (67, 200), (81, 198), (96, 193), (99, 181), (95, 172)),
    *((80, 169), (67, 162), (61, 152), (66, 139), (75, 127), (78, 115)),
]
_HOLE = [(66, 172), (77, 177), (78, 186), (69, 193), (58, 191), (53, 181)]
_FEMUR = [
    *((30, 154), (39, 157), (43, 166), (40, 175), (31, 180), (22, 188), (25, 200), (19, 211), (18, 234), (20, 257)),
    *((20, 257), (5, 257), (5, 257), (6, 234), (3, 208), (0, 191), (0, 178), (6, 171), (13, 174), (18, 168), (21, 158)),
]
_SACRUM = [
    *((71, 104), (86, 100), (100, 99), (114, 100), (129, 104), (126, 118), (118, 134), (109, 148), (103, 159)),
    *((97, 159), (91, 148), (82, 134), (74, 118)),
]
_HALF_VERTEBRA = [(0, 1.5), (17, 0), (18.5, 1), (16, 5), (26, 4.5), (28, 7), (26, 9), (16, 10), (18.5, 14), (17, 15.5)]
_FIRST_VERTEBRA, _VERTEBRA_HEIGHT, _WIDER = 6.0, 18.0, 0.05

Points = list[tuple[float, float]]


def boneShapes() -> dict:
    """A qt.QPainterPath for each structure id, from behind to the front."""
    shapes = {f"vertebra_L{number + 1}": _smooth(_vertebra(number)) for number in range(5)}
    shapes["sacrum"] = _smooth(_SACRUM)
    for side, points in (("right", _HIP), ("left", _mirrored(_HIP))):
        hole = _HOLE if side == "right" else _mirrored(_HOLE)
        shapes[f"hip_{side}"] = _smooth(points).subtracted(_smooth(hole))
    shapes["femur_right"] = _smooth(_FEMUR)
    shapes["femur_left"] = _smooth(_mirrored(_FEMUR))
    return shapes


def _vertebra(number: int) -> Points:
    """From L1, 0, to L5, 4: the lower, the wider."""
    top, width = _FIRST_VERTEBRA + _VERTEBRA_HEIGHT * number, 1 + _WIDER * number
    right = [(100 + width * x, top + y) for x, y in _HALF_VERTEBRA]
    return [*right, (100, top + 14), *_mirrored(right[1:])]


def _mirrored(points: Points) -> Points:
    """The other side; also the other way round, so that it goes on where the first ended."""
    return [(SIZE[0] - x, y) for x, y in reversed(points)]


def _smooth(points: Points):
    """A closed outline that touches the middle of each line between two points."""
    middles = [((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in zip(points, points[1:] + points[:1], strict=True)]
    path = qt.QPainterPath()
    path.moveTo(*middles[-1])
    for (x, y), (u, v) in zip(points, middles, strict=True):
        path.quadTo(x, y, u, v)
    path.closeSubpath()
    return path
