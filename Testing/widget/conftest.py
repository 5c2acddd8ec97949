"""The widget in a window, a person before it, volumes to segment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason='PySide6 is not installed: pip install -e ".[widget]"')

from BoneSegLib.worker.process import Launch
from Testing.qt_runtime.runtime import close_module, install, load_module, show_module

MODULE = Path(__file__).resolve().parents[2] / "BoneSeg" / "BoneSeg.py"
FAKES = "Testing.worker.fake_engine"


@pytest.fixture(scope="session")
def qt_application():
    return install()


@pytest.fixture
def a_module(qt_application, monkeypatch) -> Iterator[Callable[..., object]]:
    """Loads the module with a fake engine and sits a person before it. An exception in any slot fails the test."""
    import slicer

    from BoneSegLib.headless.messages import capture_messages
    from Testing.widget.person import Person

    slipped: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: slipped.append(error))
    monkeypatch.setattr(slicer.util, "showStatusMessage", lambda message, duration=0: None)

    def make(engine: str = "segment") -> Person:
        load_module(MODULE)
        arguments = ("--engine", f"{FAKES}:{engine}", "--estimator", f"{FAKES}:estimate")
        monkeypatch.setattr("BoneSegWidgets.launch.workerLaunch", lambda: Launch(arguments=arguments))
        window, module = show_module("BoneSeg")
        window.resize(440, 900)
        window.show()
        person = Person(window, module)
        person.look()
        return person

    slicer.mrmlScene.Clear(0)
    with capture_messages() as messages:
        yield make
        close_module("BoneSeg")
        slicer.mrmlScene.Clear(0)
    qt_application.processEvents()
    if slipped:
        raise slipped[0]
    assert not messages.errors, messages.errors


@pytest.fixture
def a_ct() -> Callable[..., object]:
    """Makes volume nodes with something bright in soft tissue and air."""

    def make(name: str = "CT", size: tuple[int, int, int] = (60, 60, 60)):
        import slicer

        array = np.full(size, -1000, np.int16)
        array[:, 5:-5, 5:-5] = 40
        array[10:-10, 15:-15, 15:-15] = 600
        node = slicer.util.addVolumeFromArray(array, name=name)
        node.SetSpacing(2.0, 2.0, 2.0)
        node.CreateDefaultDisplayNodes()
        return node

    return make
