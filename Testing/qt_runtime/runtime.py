"""Puts the stand-ins into place, and loads a scripted module as Slicer's module factory does."""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets


def install() -> QtWidgets.QApplication:
    """Makes `qt`, `ctk`, `slicer.app` and the rest importable; returns the application. Once is enough."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    if "qt" in sys.modules:
        return application
    from Testing.qt_runtime.pythonqt import apply_conventions

    _keep_none_alive()
    QtCore.qInstallMessageHandler(_tell)
    apply_conventions()
    _own_settings()
    from BoneSegLib.headless.messages import capture_messages

    with capture_messages():
        import slicer
        import slicer.util

        from Testing.qt_runtime.application import QtApplication

        if not isinstance(getattr(slicer, "app", None), QtApplication):
            QtApplication()
    _install_modules(slicer)
    return application


def _tell(kind, context, message: str) -> None:
    """Qt's messages, but for what the offscreen platform says of each window."""
    if "propagateSizeHints" not in message:
        sys.stderr.write(f"Qt: {message}\n")


def _keep_none_alive() -> None:
    """PySide6 6.12.0 gives back one reference to None too many from each call that returns nothing.

    Before Python 3.12, which made None immortal, that ends the process after some ten thousand calls.
    """
    if sys.version_info < (3, 12):
        references = ctypes.c_ssize_t.from_address(id(None))
        references.value += 2**40


def _own_settings() -> None:
    """Nobody's settings are read or changed."""
    QtCore.QCoreApplication.setOrganizationName("BoneSegTesting")
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
    folder = tempfile.mkdtemp(prefix="boneseg-settings-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, folder)


def _install_modules(slicer) -> None:
    from Testing.qt_runtime import ctk_widgets, mrml_widgets, parameter_node, scripted_module
    from Testing.qt_runtime.ui_loader import UiLoader

    qt, ctk = types.ModuleType("qt"), types.ModuleType("ctk")
    for module in (QtCore, QtGui, QtWidgets, QtUiTools):
        vars(qt).update({name: getattr(module, name) for name in dir(module) if not name.startswith("_")})
    qt.QUiLoader = UiLoader
    vars(ctk).update(ctk_widgets.WIDGETS)
    vars(slicer).update(mrml_widgets.WIDGETS)
    slicer.qSlicerScriptedLoadableModuleWidget = ModuleWidget
    sys.modules.update(qt=qt, ctk=ctk)
    _add(slicer, "i18n", tr=lambda text: text, translate=lambda context, text: text)
    _add(slicer, "ScriptedLoadableModule", **_public(scripted_module, "ScriptedLoadableModule"))
    names = ("parameterNodeWrapper", "WithinRange", "Choice")
    _add(slicer, "parameterNodeWrapper", **{name: getattr(parameter_node, name) for name in names})


def _public(module, start: str) -> dict[str, object]:
    members = {name: value for name, value in vars(module).items() if name.startswith(start)}
    return {**members, "__all__": list(members)}


def _add(slicer, name: str, **members) -> None:
    module = types.ModuleType(f"slicer.{name}")
    vars(module).update(members)
    sys.modules[f"slicer.{name}"] = module
    setattr(slicer, name, module)


class Module:
    """The C++ object that a scripted module is given as its parent."""

    def __init__(self, name: str, path: str) -> None:
        self.name = self.moduleName = name
        self.path = path
        self.widget: ModuleWidget | None = None

    def widgetRepresentation(self):
        return self.widget


class ModuleWidget(QtWidgets.QWidget):
    """The C++ widget around a module's own."""

    def __init__(self) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self.isEntered = False
        self.python = None

    def self(self):
        return self.python


def load_module(path: Path) -> Module:
    """Runs the file and makes the module object, as at Slicer's start."""
    import slicer

    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    source = importlib.util.module_from_spec(spec)
    sys.modules[name] = source
    spec.loader.exec_module(source)
    module = Module(name, str(path))
    setattr(slicer.modules, name.lower(), module)
    setattr(slicer.modules, f"{name}Instance", getattr(source, name)(module))
    slicer.app.complete_startup()
    return module


def show_module(name: str) -> tuple[ModuleWidget, object]:
    """Makes the module's widget, if it is not there, and enters it; returns Qt's widget and the Python object."""
    import slicer

    module = getattr(slicer.modules, name.lower())
    if module.widget is None:
        widget = ModuleWidget()
        widget.python = getattr(sys.modules[name], f"{name}Widget")(widget)
        module.widget = widget
        setattr(slicer.modules, f"{name}Widget", widget.python)
        widget.python.setup()
    if not module.widget.isEntered:
        module.widget.isEntered = True
        module.widget.python.enter()
    return module.widget, module.widget.python


def leave_module(name: str) -> None:
    """What happens when another module is chosen."""
    import slicer

    module = getattr(slicer.modules, name.lower())
    if module.widget is not None and module.widget.isEntered:
        module.widget.python.exit()
        module.widget.isEntered = False


def close_module(name: str) -> None:
    """What happens when Slicer ends."""
    import slicer

    leave_module(name)
    module = getattr(slicer.modules, name.lower())
    if module.widget is not None:
        module.widget.python.cleanup()
        module.widget.deleteLater()
        module.widget = None


def reload_module(name: str) -> None:
    """What the developer's button does."""
    import slicer

    path = Path(getattr(slicer.modules, name.lower()).path)
    close_module(name)
    load_module(path)
    show_module(name)
