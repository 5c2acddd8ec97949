"""The ten bones and how they are asked for."""

from __future__ import annotations

import pytest

from BoneSegLib.anatomy import GROUPS, STRUCTURES, foreign_structure, select_structures
from BoneSegLib.errors import UsageError


def test_labels_and_ids_are_those_that_files_rely_on():
    assert [(structure.label, structure.id) for structure in STRUCTURES] == [
        (1, "hip_left"),
        (2, "hip_right"),
        (3, "sacrum"),
        (4, "femur_left"),
        (5, "femur_right"),
        (6, "vertebra_L1"),
        (7, "vertebra_L2"),
        (8, "vertebra_L3"),
        (9, "vertebra_L4"),
        (10, "vertebra_L5"),
    ]


def test_colours_are_distinct():
    assert len({structure.color for structure in STRUCTURES}) == len(STRUCTURES)


@pytest.mark.parametrize("names", ["sacrum,hip_left", ("sacrum", "hip_left"), " hip_left , sacrum,sacrum"])
def test_structures_come_in_label_order_and_once(names):
    assert [structure.id for structure in select_structures(names)] == ["hip_left", "sacrum"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_stands_for_its_members(group):
    assert tuple(structure.id for structure in select_structures(group)) == GROUPS[group]


@pytest.mark.parametrize("names", ["knee", "hip_left,knee", "", ","])
def test_an_unknown_structure_is_wrong_usage_and_the_choices_are_told(names):
    with pytest.raises(UsageError) as raised:
        select_structures(names)
    assert raised.value.exit_code == 2
    assert raised.value.remedy


def test_another_models_structures_are_asked_for_by_their_own_names():
    liver = foreign_structure(1, "liver")
    assert select_structures("liver", known=[liver]) == (liver,)
    with pytest.raises(UsageError):
        select_structures("pelvis", known=[liver])


@pytest.mark.parametrize(
    ("name", "shown"), [("vertebra_L1", "Vertebra L1"), ("liver", "Liver"), ("CTV high", "CTV high"), ("_", "_")]
)
def test_another_models_structure_is_shown_by_its_own_name(name, shown):
    assert foreign_structure(1, name).name == shown


def test_another_models_structure_may_bear_the_name_of_a_group():
    pelvis, liver = foreign_structure(1, "pelvis"), foreign_structure(2, "liver")
    assert select_structures("pelvis", known=[pelvis, liver]) == (pelvis,)


# How DICOM PS3.16 calls them in its context groups, as pydicom lists these.
IN_DICOM = {
    "hip_left": "Hip",
    "hip_right": "Hip",
    "sacrum": "Sacrum",
    "femur_left": "Femur",
    "femur_right": "Femur",
    **{f"vertebra_L{number}": f"L{number}Vertebra" for number in range(1, 6)},
}


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure.id)
def test_a_bone_has_the_snomed_code_that_dicom_gives_it(structure):
    codes = pytest.importorskip("pydicom.sr.codedict").codes
    theirs = getattr(codes.SCT, IN_DICOM[structure.id])
    assert structure.code == (theirs.value, theirs.meaning)
