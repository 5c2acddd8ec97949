"""Pictures of the module in each of its states, for the documentation: ``python screenshots.py FOLDER``.

The sample CT is segmented by the bundled model, and compared with its true labels. ``--fake`` takes a fake engine
instead, to look at the layout without waiting.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from PySide6 import QtGui, QtWidgets  # noqa: E402
from PySide6.QtCore import Qt  # noqa: E402

from Testing.qt_runtime.runtime import close_module, install, load_module, show_module  # noqa: E402

SAMPLE = ROOT / "Resources" / "SampleData"
WIDTH = 440
FAKES = "Testing.worker.fake_engine"
TIMEOUT_S = 1800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quality", choices=("full", "fast"), default="full", help="(default: %(default)s)")
    parser.add_argument("--fake", action="store_true", help="a fake engine instead of the model")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    application = install()
    application.setStyle("Fusion")
    camera = _Camera(application, args.folder)
    _take_all(camera, fake=args.fake, quality=args.quality)
    sys.stdout.write("\n".join(f"{path}" for path in camera.taken) + "\n")
    return 0


def _take_all(camera: _Camera, *, fake: bool, quality: str) -> None:
    import slicer

    _load(fake=fake)
    window, module = show_module("BoneSeg")
    ui = module.ui
    window.show()
    camera.take("widget-idle", window)
    from BoneSegWidgets.sampleData import loadSample

    ui.inputSelector.setCurrentNode(loadSample()[0])
    ui.qualityComboBox.setCurrentIndex(ui.qualityComboBox.findData(quality))
    camera.wait(lambda: ui.estimateLabel.text.startswith("On the"))
    camera.take("widget-input", window)
    ui.advancedSection.collapsed = False
    camera.take("widget-advanced", window)
    ui.advancedSection.collapsed = True
    ui.segmentButton.click()
    camera.wait(lambda: "left" in ui.progressLabel.text or not module.controller.isRunning)
    camera.take("widget-running", window)
    camera.wait(lambda: not module.controller.isRunning)
    camera.wait(lambda: ui.estimateLabel.text.startswith("On the"))
    camera.take("widget-done", window)
    _compare(camera, window, module)
    camera.take("widget-comparison", window)
    ui.comparisonDetails.collapsed = False
    camera.take("widget-matches", window)
    ui.comparisonDetails.collapsed = True
    _fail(module, slicer)
    camera.take("widget-error", window)
    close_module("BoneSeg")


def _load(*, fake: bool) -> None:
    load_module(ROOT / "BoneSeg" / "BoneSeg.py")
    if fake:
        import BoneSegWidgets.launch

        from BoneSegLib.worker.process import Launch

        arguments = ("--engine", f"{FAKES}:slow", "--estimator", f"{FAKES}:estimate")
        BoneSegWidgets.launch.workerLaunch = lambda: Launch(arguments=arguments)


def _compare(camera: _Camera, window, module) -> None:
    from BoneSegLib.headless.read import read_labelmap
    from BoneSegLib.scene.write import write_labels

    ui = module.ui
    truth = write_labels(read_labelmap(SAMPLE / "sample_labels.nii.gz"), name="True labels")
    for section in (ui.segmentSection, ui.resultsSection):
        section.collapsed = True
    ui.comparisonSection.collapsed = False
    ui.referenceSelector.setCurrentNode(truth)
    ui.compareButton.click()
    camera.wait(lambda: not module.controller.isRunning)


def _fail(module, slicer) -> None:
    """An error that happens to people: an image that was warned about, and a region beside it."""
    import numpy as np

    ui = module.ui
    ui.comparisonSection.collapsed = True
    ui.segmentSection.collapsed = False
    array = np.random.default_rng(0).integers(0, 900, (40, 80, 80)).astype(np.int16)
    ui.inputSelector.setCurrentNode(slicer.util.addVolumeFromArray(array, name="Spine MR"))
    from BoneSegLib.worker.failures import from_exit

    module.errors.show(from_exit(-9, ()))


class _Camera:
    """Takes a window's picture in a light and a dark theme."""

    def __init__(self, application, folder: Path) -> None:
        self._application = application
        self._folder = folder
        self.taken: list[Path] = []

    def take(self, name: str, window) -> None:
        for theme, palette in (("", _light()), ("-dark", _dark())):
            self._application.setPalette(palette)
            self._fit(window)
            path = self._folder / f"{name}{theme}.png"
            window.grab().save(str(path))
            self.taken.append(path)
        self._application.setPalette(_light())

    def _fit(self, window) -> None:
        for _ in range(3):
            QtWidgets.QApplication.processEvents()
            hint = window.layout().sizeHint()
            window.resize(max(WIDTH, window.minimumSizeHint().width()), window.layout().heightForWidth(WIDTH))
            if not window.layout().hasHeightForWidth():
                window.resize(WIDTH, hint.height())
        QtWidgets.QApplication.processEvents()

    def wait(self, until: Callable[[], bool]) -> None:
        give_up = time.monotonic() + TIMEOUT_S
        while not until():
            if time.monotonic() > give_up:
                raise TimeoutError
            QtWidgets.QApplication.processEvents()
            time.sleep(0.01)


def _light() -> QtGui.QPalette:
    return QtGui.QPalette(QtGui.QColor(240, 240, 240))


def _dark() -> QtGui.QPalette:
    palette = QtGui.QPalette(QtGui.QColor(50, 50, 50))
    palette.setColor(QtGui.QPalette.Base, QtGui.QColor(35, 35, 35))
    palette.setColor(QtGui.QPalette.AlternateBase, QtGui.QColor(43, 43, 43))
    for role in (QtGui.QPalette.Text, QtGui.QPalette.WindowText, QtGui.QPalette.ButtonText):
        palette.setColor(role, Qt.white)
        palette.setColor(QtGui.QPalette.Disabled, role, QtGui.QColor(127, 127, 127))
    return palette


if __name__ == "__main__":
    sys.exit(main())
