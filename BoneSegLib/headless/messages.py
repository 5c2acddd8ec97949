"""VTK and MRML report errors by printing them. Here they are caught, so that they can be told or raised."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from BoneSegLib.errors import InputError

Warn = Callable[[str], None]
"""Takes a sentence that the user should read, though the work goes on."""


def log_warning(message: str) -> None:
    """Tells the log: what is done with a warning unless the caller wants it."""
    logging.getLogger("boneseg").warning(message)


@dataclass
class Messages:
    """What was reported while they were captured, each reduced to its sentence."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def cause(self) -> str:
        """The most telling error: the last one, since VTK's later messages name the file and the node."""
        return self.errors[-1] if self.errors else ""


@contextmanager
def capture_messages() -> Iterator[Messages]:
    """Collects VTK, ITK-in-Slicer and MRML messages instead of printing them.

    The previous output window comes back afterwards, so inside Slicer the error log goes on as before.
    """
    import vtk

    messages = Messages()

    @vtk.calldata_type(vtk.VTK_STRING)
    def keep_error(_caller, _event, text) -> None:
        messages.errors.append(sentence(text))

    @vtk.calldata_type(vtk.VTK_STRING)
    def keep_warning(_caller, _event, text) -> None:
        messages.warnings.append(sentence(text))

    previous = vtk.vtkOutputWindow.GetInstance()
    # vtkLogger prints on its own, whatever the output window does.
    verbosity = vtk.vtkLogger.ConvertToVerbosity(int(vtk.vtkLogger.GetCurrentVerbosityCutoff()))
    window = vtk.vtkStringOutputWindow()
    window.AddObserver(vtk.vtkCommand.ErrorEvent, keep_error)
    window.AddObserver(vtk.vtkCommand.WarningEvent, keep_warning)
    vtk.vtkOutputWindow.SetInstance(window)
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    try:
        yield messages
    finally:
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
        vtk.vtkOutputWindow.SetInstance(previous)


@contextmanager
def errors_raised(message: str, *, remedy: str = "") -> Iterator[Messages]:
    """Raises `InputError` with ``message`` when an error was reported inside; its cause is the report."""
    with capture_messages() as messages:
        yield messages
    if messages.errors:
        raise InputError(message, cause=messages.cause(), remedy=remedy)


def sentence(text: str) -> str:
    """The message proper of "ERROR: In file, line n / class (0x...): Class::Method: message"."""
    body = re.sub(r"^(ERROR|Warning|Generic Warning): In [^\n]*\n", "", text.strip())
    body = re.sub(r"^\w+ \(0x[0-9a-fA-F]+\): ", "", body)
    body = re.sub(r"^(\w+(::\w+)?: )+", "", body)
    words = " ".join(body.split())
    return words if words.endswith((".", "!")) else f"{words}."
