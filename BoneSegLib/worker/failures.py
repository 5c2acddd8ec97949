"""What went wrong in the worker, or with it, as an error that a person can act on."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from BoneSegLib.errors import BoneSegError, InternalError, MissingError, ResourceError
from BoneSegLib.packages import broken_package

_REPORT = "Run again. If it happens again, please report it with the diagnostics."
_ACCESS_VIOLATION = 0xC0000005
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\\/:*?\"<>|\r\n]+)+[\\/]([^\\/:*?\"<>|\r\n]+)")


def from_exception(error: BaseException) -> BoneSegError:
    """An exception of the engine as one of our kinds."""
    if isinstance(error, BoneSegError):
        return error
    if isinstance(error, MemoryError):
        return _out_of_memory("")
    package = broken_package(error)
    if package:
        return _missing(package)
    if isinstance(error, OSError) and error.errno == 28:
        return ResourceError("The disk is full.", remedy="Free some space and run again.")
    cause = without_paths(f"{type(error).__name__}: {error}")
    return InternalError("Something went wrong that should not have.", cause=cause, remedy=_REPORT)


def from_exit(code: int, last_lines: Sequence[str]) -> BoneSegError:
    """A worker that ended without an answer; ``code`` is negative for a signal, as `subprocess` has it."""
    said = next((line for line in reversed(last_lines) if line.strip()), "")
    cause = without_paths(said.strip())
    if code == -getattr(signal, "SIGKILL", 9) or "MemoryError" in said or "bad_alloc" in said:
        return _out_of_memory("The system ended the worker process, most likely since memory ran short.")
    if code in (-getattr(signal, "SIGSEGV", 11), _ACCESS_VIOLATION, _ACCESS_VIOLATION - 2**32):
        cause = cause or "It touched memory that is not its own (a fault in torch or in a driver)."
        remedy = "Slicer and your scene are unharmed. Run again with the device 'cpu'."
        return InternalError("The worker process crashed.", cause=cause, remedy=remedy)
    module = re.search(r"No module named '([\w.]+)'", said)
    if module:
        return MissingError(
            f"The Python package '{module.group(1)}' is not installed.", remedy="Let BoneSeg install it."
        )
    cause = f"It ended with code {code}." + (f" Its last words: {cause}" if cause else "")
    return InternalError("The worker process ended unexpectedly.", cause=cause, remedy=_REPORT)


def without_paths(text: str) -> str:
    """File names instead of paths, since a path may hold a person's name."""
    return _PATH.sub(r"\1", text)


def _out_of_memory(cause: str) -> ResourceError:
    return ResourceError(
        "The computer ran out of memory.",
        cause=cause,
        remedy="Limit the run to a region or to fewer structures, or close other programs. Your scene is unharmed.",
    )


def _missing(package: str) -> MissingError:
    return MissingError(f"The Python package '{package}' is missing, or broken.", remedy="Let BoneSeg install it.")
