"""PythonQt's conventions on PySide6's classes.

Qt properties are attributes (``w.text``; calling ``w.text()`` fails as in Slicer), ``w.connect("clicked()", f)`` takes
signatures, objects have ``name``, ``className()`` and ``delete()``, and new attributes on C++ objects are refused. An
unknown signal raises here, where PythonQt only prints.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

_VIRTUAL_GETTERS = {"sizeHint", "minimumSizeHint"}
_CONNECTIONS = "_pythonqt_connections"
_MODULES = (QtCore, QtGui, QtWidgets)


def apply_conventions() -> None:
    """Patches PySide6's classes, once."""
    if hasattr(QtCore.QObject, "className"):
        return
    for cls in _qobject_classes():
        _properties_as_attributes(cls)
        cls.__setattr__ = _set_attribute
    _patch_qobject(QtCore.QObject)


def _qobject_classes() -> list[type]:
    members = (getattr(module, name) for module in _MODULES for name in dir(module))
    return [each for each in members if isinstance(each, type) and issubclass(each, QtCore.QObject)]


def _properties_as_attributes(cls: Any) -> None:
    meta = cls.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name not in _VIRTUAL_GETTERS:
            setattr(cls, name, _property(name))


def _property(name: str) -> property:
    def write(self, value: Any) -> None:
        if not self.setProperty(name, value) and self.metaObject().indexOfProperty(name) >= 0:
            raise AttributeError(f"Property '{name}' does not accept {value!r} of type {type(value).__name__}")

    return property(lambda self: self.property(name), write)


def _set_attribute(self, name: str, value: Any) -> None:
    """Every Shiboken class has a setattr of its own, which knows nothing of Python's descriptors."""
    cls = type(self)
    if cls.__module__.startswith("PySide6") and not hasattr(cls, name):
        raise AttributeError(f"'{name}' does not exist on {cls.__name__}; C++ objects take no new attributes")
    member = next((base.__dict__[name] for base in cls.__mro__ if name in base.__dict__), None)
    if isinstance(member, QtCore.Property):
        member.fset(self, value)
    elif hasattr(type(member), "__set__"):
        member.__set__(self, value)
    else:
        self.__dict__[name] = value


def _patch_qobject(cls: Any) -> None:
    original = cls.__getattribute__

    def get_attribute(self, name: str) -> Any:
        # Shiboken hard-wires these two in its own getattr.
        if name == "connect":
            return types.MethodType(_connect, self)
        if name == "disconnect":
            return types.MethodType(_disconnect, self)
        return original(self, name)

    cls.__getattribute__ = get_attribute
    cls.name = property(lambda self: self.property("objectName"), lambda self, text: self.setObjectName(text))
    cls.className = lambda self: self.metaObject().className()
    cls.delete = lambda self: self.deleteLater()


def _connect(self, signature: str, receiver: Any, slot: str | None = None) -> bool:
    function = getattr(receiver, slot.split("(")[0]) if slot else receiver
    count = 0 if signature.rstrip().endswith("()") else _arity(function)

    def call(*arguments: Any) -> None:
        function(*(arguments if count is None else arguments[:count]))

    self.__dict__.setdefault(_CONNECTIONS, []).append((signature, function, call))
    _signal(self, signature).connect(call)
    return True


def _disconnect(self, signature: str | None = None, function: Callable | None = None) -> bool:
    connections = self.__dict__.get(_CONNECTIONS, [])
    for connection in list(connections):
        if signature in (None, connection[0]) and function in (None, connection[1]):
            _signal(self, connection[0]).disconnect(connection[2])
            connections.remove(connection)
    return True


def _signal(self, signature: str) -> Any:
    match = re.match(r"\s*(\w+)\s*(?:\((.*)\))?\s*$", signature)
    name, arguments = match.groups() if match else (signature, None)
    signal = getattr(self, name, None)
    if signal is None or not hasattr(signal, "connect"):
        raise ValueError(f"QObject::connect: No such signal {type(self).__name__}::{signature}")
    if arguments and "," not in arguments:
        try:
            return signal[arguments]
        except (KeyError, IndexError, TypeError):
            pass  # the default overload
    return signal


def _arity(function: Callable) -> int | None:
    """How many of a signal's arguments the function takes; ``None`` for any number."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        return None
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)
