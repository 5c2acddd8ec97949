"""Errors and warnings, as a person sees them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer


@pytest.mark.parametrize("engine", ["refusing", "crashing", "faulty"])
def test_an_error_tells_what_why_and_what_to_do_and_the_next_click_takes_it_away(a_module, a_ct, engine):
    person = a_module(engine)
    person.choose(person.ui.inputSelector, a_ct())
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error.count("<br>") == 2
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    person.click(person.ui.closeErrorButton)
    assert person.error == ""


def test_diagnostics_hold_the_error_and_the_image_but_no_names_and_no_paths(a_module, a_ct):
    person = a_module("faulty")
    person.choose(person.ui.inputSelector, a_ct(name="Jane Doe 1970"))
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    person.click(person.ui.copyDiagnosticsButton)
    text = slicer.app.clipboard().text()
    told = json.loads(text)
    assert told["error"]["kind"] == "internal error"
    assert told["image"]["size"] == [60, 60, 60]
    assert told["packages"]["torch"]
    assert "Jane" not in text
    assert "someone" not in text


def _mr():
    array = np.random.default_rng(0).integers(0, 800, (60, 60, 60)).astype(np.int16)
    return slicer.util.addVolumeFromArray(array, name="MR")


def test_an_mr_is_warned_about_and_segmented_only_when_somebody_says_so(a_module):
    person = a_module()
    person.choose(person.ui.inputSelector, _mr())
    assert "does not look like a CT" in person.ui.inputWarningLabel.text
    assert not person.ui.segmentButton.isEnabled()
    assert person.ui.segmentButton.toolTip == "Read the warning about the volume first."
    person.click(person.ui.forceCheckBox)
    assert person.module.panel.options().force
    person.click(person.ui.segmentButton)
    person.wait_for_the_end()
    assert person.error == ""


def test_the_answer_to_a_warning_does_not_count_for_the_next_volume(a_module):
    person = a_module()
    person.choose(person.ui.inputSelector, _mr())
    person.click(person.ui.forceCheckBox)
    person.choose(person.ui.inputSelector, _mr())
    assert not person.ui.forceCheckBox.checked
    assert not person.ui.segmentButton.isEnabled()


@pytest.mark.parametrize("shape", [(1, 60, 60), (60, 60, 60)])
def test_a_flat_or_blank_image_is_refused(a_module, shape):
    person = a_module()
    person.choose(person.ui.inputSelector, slicer.util.addVolumeFromArray(np.zeros(shape, np.int16)))
    assert person.ui.inputWarningLabel.text
    assert not person.ui.forceCheckBox.isVisible()
    assert not person.ui.segmentButton.isEnabled()


def test_missing_packages_are_offered_before_anything_else(a_module, a_ct, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", _without("monai"))
    installed = []

    def install(requirements):
        installed.append(requirements)
        monkeypatch.undo()

    person = a_module()
    monkeypatch.setattr(slicer.util, "pip_install", install, raising=False)
    person.choose(person.ui.inputSelector, a_ct())
    assert person.ui.packagesPanel.isVisible()
    assert "monai" in person.ui.packagesLabel.text
    assert not person.ui.segmentButton.isEnabled()
    person.click(person.ui.installPackagesButton)
    assert installed == [["--no-deps", "monai>=1.5"]]
    assert not person.ui.packagesPanel.isVisible()
    assert person.ui.segmentButton.isEnabled()


def test_without_the_pytorch_extension_the_person_is_told_to_install_it(a_module, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", _without("torch"))
    person = a_module()
    person.click(person.ui.installPackagesButton)
    assert "The PyTorch extension is not installed." in person.error


def _without(name: str):
    import importlib.util

    real = importlib.util.find_spec
    return lambda wanted, *more: None if wanted == name else real(wanted, *more)
