"""Which package is to blame when an import fails."""

from __future__ import annotations

import traceback
from pathlib import Path

_LIBRARY_FAILURES = ("cannot open shared object file", "WinError 126", "WinError 127", "WinError 1114")


def broken_package(error: BaseException) -> str | None:
    """The package that is missing or that could not load its own libraries; ``None`` for any other failure."""
    if isinstance(error, ImportError):
        return (error.name or "").split(".")[0] or _raised_in(error)
    if isinstance(error, OSError) and any(text in str(error) for text in _LIBRARY_FAILURES):
        return _raised_in(error)
    return None


def _raised_in(error: BaseException) -> str | None:
    """The package whose ``__init__.py`` was being loaded last."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    return next((path.parent.name for path in reversed(files) if path.name == "__init__.py"), None)
