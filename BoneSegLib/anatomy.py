"""The ten bones: label value, id, name, terminology code, side, colour and plausible size.

Everything that names a bone (files, scene, tables, command line) takes it from here.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from BoneSegLib.errors import UsageError


@dataclass(frozen=True)
class Structure:
    """One bone.

    ``code`` is ``(SNOMED CT code, meaning)``; ``side`` is ``"left"``, ``"right"`` or ``None``; ``volume_ml`` the range
    that an adult's whole bone plausibly has, used only to raise a flag, never to change a result. A structure of a
    model for other anatomy has no code and no plausible volume, and is called as its dataset calls it.
    """

    label: int
    id: str
    name: str
    code: tuple[str, str] | None
    side: str | None
    color: tuple[int, int, int]
    volume_ml: tuple[float, float] | None


_HIP = ("29836001", "Hip")
_FEMUR = ("71341001", "Femur")

STRUCTURES: tuple[Structure, ...] = (
    Structure(1, "hip_left", "Left hip bone", _HIP, "left", (196, 140, 112), (150.0, 650.0)),
    Structure(2, "hip_right", "Right hip bone", _HIP, "right", (112, 148, 196), (150.0, 650.0)),
    Structure(3, "sacrum", "Sacrum", ("54735007", "Sacrum"), None, (171, 133, 150), (90.0, 450.0)),
    Structure(4, "femur_left", "Left femur", _FEMUR, "left", (222, 182, 98), (200.0, 900.0)),
    Structure(5, "femur_right", "Right femur", _FEMUR, "right", (120, 184, 168), (200.0, 900.0)),
    Structure(6, "vertebra_L1", "L1 vertebra", ("66794005", "L1 vertebra"), None, (236, 216, 160), (25.0, 110.0)),
    Structure(7, "vertebra_L2", "L2 vertebra", ("14293000", "L2 vertebra"), None, (190, 205, 120), (27.0, 120.0)),
    Structure(8, "vertebra_L3", "L3 vertebra", ("36470004", "L3 vertebra"), None, (146, 186, 96), (29.0, 130.0)),
    Structure(9, "vertebra_L4", "L4 vertebra", ("11994002", "L4 vertebra"), None, (222, 150, 150), (30.0, 130.0)),
    Structure(10, "vertebra_L5", "L5 vertebra", ("49668003", "L5 vertebra"), None, (166, 120, 190), (30.0, 130.0)),
)

BY_ID: dict[str, Structure] = {structure.id: structure for structure in STRUCTURES}
BY_LABEL: dict[int, Structure] = {structure.label: structure for structure in STRUCTURES}

GROUPS: dict[str, tuple[str, ...]] = {
    "pelvis": ("hip_left", "hip_right", "sacrum"),
    "lumbar_spine": ("vertebra_L1", "vertebra_L2", "vertebra_L3", "vertebra_L4", "vertebra_L5"),
    "hips_and_femurs": ("hip_left", "hip_right", "femur_left", "femur_right"),
}


def select_structures(
    names: str | Iterable[str] | None, *, known: Sequence[Structure] = STRUCTURES
) -> tuple[Structure, ...]:
    """The structures asked for, in the order of ``known``; all of them for ``None``.

    ``names`` is a comma-separated text or several ids, each an id (``hip_left``) or a group (``pelvis``).
    Raises `UsageError` for an unknown or missing name.
    """
    if names is None:
        return tuple(known)
    wanted = names.split(",") if isinstance(names, str) else list(names)
    known_ids = [structure.id for structure in known]
    ids: set[str] = set()
    for name in (text.strip() for text in wanted):
        members = (name,) if name in known_ids else GROUPS.get(name, (name,))
        if not set(members) <= set(known_ids):
            groups = [group for group, members in GROUPS.items() if set(members) <= set(known_ids)]
            raise UsageError(
                f"Unknown structure '{name}'.", remedy="Choose from: " + ", ".join([*known_ids, *groups]) + "."
            )
        ids.update(members)
    if not ids:
        raise UsageError("No structure was named.", remedy="Name at least one, or leave the option out for all.")
    return tuple(structure for structure in known if structure.id in ids)


def foreign_structure(label: int, name: str) -> Structure:
    """A structure of a model for other anatomy: named by its dataset, coloured by its label."""
    red, green, blue = colorsys.hsv_to_rgb((label * 0.618034) % 1.0, 0.45, 0.9)
    color = (round(red * 255), round(green * 255), round(blue * 255))
    words = name.replace("_", " ").strip() or name
    return Structure(label, name, words[0].upper() + words[1:], None, None, color, None)
