"""Bones as segments of a DICOM segmentation, and the way back: which bone a segment is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from BoneSegLib._version import __version__
from BoneSegLib.anatomy import Structure
from BoneSegLib.dicom_seg.packages import require

_SCT = "SCT"
_ANATOMICAL_STRUCTURE = ("123037004", _SCT, "Anatomical Structure")
_SIDES = {"left": ("7771000", _SCT, "Left"), "right": ("24028007", _SCT, "Right")}
_ARTIFICIAL_INTELLIGENCE = ("123109", "DCM", "Artificial Intelligence")
# A private scheme (PS3.16, 8: such names begin with 99) for structures of models that have no codes.
_OWN_SCHEME = "99BONESEG"


def describe(structures: Sequence[Structure], info: Mapping[str, object]) -> list[Any]:
    """An item of the Segment Sequence for each structure, numbered from 1.

    ``info`` is that of the label map: with a model in it the segments are said to be made automatically by that model.
    """
    highdicom = require("highdicom")
    model = info.get("model")
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=str(model or "not recorded")[:64],
        version=str(info.get("model_version") or __version__)[:64],
        family=_code(_ARTIFICIAL_INTELLIGENCE),
        source="BoneSeg",
    )
    items = []
    for number, structure in enumerate(structures, start=1):
        item = highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=structure.name,
            segmented_property_category=_code(_ANATOMICAL_STRUCTURE),
            segmented_property_type=_code(_type_of(structure)),
            algorithm_type="AUTOMATIC" if model else "SEMIAUTOMATIC",
            algorithm_identification=algorithm,
            display_color=highdicom.color.CIELabColor.from_rgb(*structure.color),
        )
        if structure.side is not None:
            kind = item.SegmentedPropertyTypeCodeSequence[0]
            kind.SegmentedPropertyTypeModifierCodeSequence = [_code(_SIDES[structure.side])]
        items.append(item)
    return items


def recognise(segments: Iterable[Any], structures: Sequence[Structure]) -> tuple[dict[int, Structure], list[str]]:
    """Segment number -> structure, by code and side or else by name; and the names of segments that are none."""
    by_code = {(_type_of(one)[0], one.side): one for one in structures if one.code}
    by_name = {name.casefold(): one for one in structures for name in (one.id, one.name)}
    found, unknown = {}, []
    for segment in segments:
        structure = by_code.get(_coded(segment)) or by_name.get(str(segment.get("SegmentLabel", "")).casefold())
        if structure is None:
            unknown.append(str(segment.get("SegmentLabel", segment.SegmentNumber)))
        else:
            found[int(segment.SegmentNumber)] = structure
    return found, unknown


def _type_of(structure: Structure) -> tuple[str, str, str]:
    if structure.code is None:
        return (f"label{structure.label}", _OWN_SCHEME, structure.name[:64])
    return (structure.code[0], _SCT, structure.code[1])


def _coded(segment: Any) -> tuple[str, str | None]:
    """(type code, side); other programs tell the side as a modifier of the type or of the anatomic region."""
    kinds = segment.get("SegmentedPropertyTypeCodeSequence") or []
    if not kinds:
        return ("", None)
    modifiers = list(kinds[0].get("SegmentedPropertyTypeModifierCodeSequence") or [])
    for region in segment.get("AnatomicRegionSequence") or []:
        modifiers += region.get("AnatomicRegionModifierSequence") or []
    codes = {modifier.get("CodeValue") for modifier in modifiers}
    side = next((side for side, code in _SIDES.items() if code[0] in codes), None)
    return (str(kinds[0].get("CodeValue", "")), side)


def _code(parts: tuple[str, str, str]) -> Any:
    value, scheme, meaning = parts
    return require("highdicom").sr.CodedConcept(value, scheme, meaning)
