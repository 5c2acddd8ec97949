"""Bones chosen by clicks on the picture, by boxes and by presets, which always show the same."""

from __future__ import annotations

import pytest
from PySide6 import QtCore, QtTest

from BoneSegLib.anatomy import GROUPS, STRUCTURES

# Somewhere inside of each bone, as shares of the picture's width and height; the patient's right is on our left.
PLACES = {
    "hip_left": (0.76, 0.42),
    "hip_right": (0.24, 0.42),
    "sacrum": (0.5, 0.45),
    "femur_left": (0.95, 0.85),
    "femur_right": (0.05, 0.85),
    **{f"vertebra_L{number}": (0.5, 0.055 + 0.07 * (number - 1)) for number in range(1, 6)},
}


def _widget_at(person, place):
    picture = person.module.panel.bones.picture.button("sacrum").parent()
    point = QtCore.QPoint(round(place[0] * picture.width), round(place[1] * picture.height))
    return picture.childAt(point), point


@pytest.mark.parametrize("bone", PLACES)
def test_a_click_on_a_bone_of_the_picture_leaves_it_out_and_takes_it_in_again(a_module, bone):
    person = a_module()
    bones = person.module.panel.bones
    button, point = _widget_at(person, PLACES[bone])
    assert button is bones.picture.button(bone)
    QtTest.QTest.mouseClick(button, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, point)
    assert not bones.box(bone).checked
    assert bones.chosen() == tuple(each.id for each in STRUCTURES if each.id != bone)
    QtTest.QTest.mouseClick(button, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, point)
    assert len(bones.chosen()) == 10


@pytest.mark.parametrize("place", [(0.05, 0.05), (0.5, 0.75), (0.34, 0.71)])
def test_beside_the_bones_and_in_the_holes_between_them_there_is_nothing_to_click(a_module, place):
    assert _widget_at(a_module(), place)[0] is None


def test_picture_follows_boxes_and_presets(a_module):
    person = a_module()
    bones = person.module.panel.bones
    person.click(bones.box("sacrum"))
    assert not bones.picture.button("sacrum").checked
    person.click(bones.button("pelvis"))
    shown = tuple(each.id for each in STRUCTURES if bones.picture.button(each.id).checked)
    assert shown == bones.chosen() == GROUPS["pelvis"]
