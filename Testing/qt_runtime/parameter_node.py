"""`slicer.parameterNodeWrapper`, the part that the module uses: nodes, bool, int, float, str, on a real MRML node."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

import slicer
import vtk
from PySide6 import QtWidgets


@dataclasses.dataclass(frozen=True)
class WithinRange:
    minimum: float
    maximum: float

    def __call__(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


class Choice:
    def __init__(self, choices):
        self.choices = choices

    def __call__(self, value):
        if value not in self.choices:
            raise ValueError(f"Value must be one of {self.choices}, is {value}")


class Parameter:
    """One annotated name of the wrapped class."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.name = name
        self.validators: list[Callable[[Any], None]] = []
        if typing.get_origin(hint) is typing.Annotated:
            hint, *notes = typing.get_args(hint)
            self.validators = [note for note in notes if callable(note)]
        self.type = hint
        self.node_types = _node_types(hint)
        self.is_node = bool(self.node_types)
        self.default = None if self.is_node else hint() if default is ... else default
        if not self.is_node and hint not in (bool, int, float, str):
            raise TypeError(f"the type of parameter {name} is not covered by this stand-in: {hint}")

    def write(self, node, value) -> None:
        if self.is_node:
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        for validate in self.validators:
            validate(value)
        if not isinstance(value, self.type):
            raise TypeError(f"parameter {self.name} is a {self.type.__name__}, not {value!r}")
        node.SetParameter(self.name, str(value))

    def read(self, node) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        return text == "True" if self.type is bool else self.type(text)


def _node_types(hint: Any) -> tuple[type, ...]:
    """The node classes of a hint: one, or a `typing.Union` of several and None; ``A | B`` is refused, as in Slicer."""
    if isinstance(hint, type):
        return (hint,) if issubclass(hint, slicer.vtkMRMLNode) else ()
    if typing.get_origin(hint) is typing.Union and type(None) in typing.get_args(hint):
        return tuple(each for each in typing.get_args(hint) if issubclass(each, slicer.vtkMRMLNode))
    return ()


_PROPERTIES = {
    (QtWidgets.QCheckBox, bool): ("checked", "toggled"),
    (QtWidgets.QDoubleSpinBox, float): ("value", "valueChanged"),
    (QtWidgets.QSpinBox, int): ("value", "valueChanged"),
    (QtWidgets.QLineEdit, str): ("text", "textChanged"),
}


class _Connection:
    """Widgets and node kept alike."""

    def __init__(self, node, pairs) -> None:
        self._node, self._pairs, self._busy = node, pairs, False
        for widget, parameter in pairs:
            if parameter.is_node:
                # As in Slicer: what the .ui file says of the types is overruled.
                widget.nodeTypes = [each().GetClassName() for each in parameter.node_types]
            signal = "currentNodeChanged" if parameter.is_node else self._names(widget, parameter)[1]
            getattr(widget, signal).connect(self._to_node)
        self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._to_gui)
        self._to_gui()

    @staticmethod
    def _names(widget, parameter) -> tuple[str, str]:
        # As in Slicer, the widget's type must be exactly this one.
        names = _PROPERTIES.get((type(widget), parameter.type))
        if names is None:
            raise RuntimeError(f"no connector for {type(widget).__name__} and parameter {parameter.name}")
        return names

    def remove(self) -> None:
        self._node.RemoveObserver(self._tag)
        self._busy = True  # the connections to the widgets' signals stay, and do nothing

    def _to_node(self, *_) -> None:
        if self._busy:
            return
        modified = self._node.StartModify()
        for widget, parameter in self._pairs:
            value = widget.currentNode() if parameter.is_node else getattr(widget, self._names(widget, parameter)[0])
            parameter.write(self._node, value)
        self._node.EndModify(modified)

    def _to_gui(self, *_) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            for widget, parameter in self._pairs:
                value = parameter.read(self._node)
                if parameter.is_node:
                    widget.setCurrentNode(value)
                else:
                    setattr(widget, self._names(widget, parameter)[0], value)
        finally:
            self._busy = False


def parameterNodeWrapper(cls):
    """The decorator."""
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: Parameter(name, hint, getattr(cls, name, ...)) for name, hint in hints.items()}

    class Wrapper:
        def __init__(self, parameterNode):
            self.__dict__.update(parameterNode=parameterNode, _connections={})
            for parameter in parameters.values():
                if not parameter.is_node and not parameterNode.GetParameter(parameter.name):
                    # An empty text counts as unset, which is the same as the default here.
                    parameter.write(parameterNode, parameter.default)

        def __getattr__(self, name):
            if name in parameters:
                return parameters[name].read(self.parameterNode)
            return getattr(self.parameterNode, name)

        def __setattr__(self, name, value):
            if name not in parameters:
                raise AttributeError(f"there is no parameter {name}")
            parameters[name].write(self.parameterNode, value)

        def connectGui(self, ui):
            widgets = [each for each in vars(ui).values() if isinstance(each, QtWidgets.QWidget)]
            named = [(widget, widget.property("SlicerParameterName")) for widget in widgets]
            pairs = [(widget, parameters[name]) for widget, name in named if name]
            tag = len(self._connections) + 1
            self._connections[tag] = _Connection(self.parameterNode, pairs)
            return tag

        def disconnectGui(self, tag):
            self._connections.pop(tag).remove()

    Wrapper.__name__ = cls.__name__
    return Wrapper
