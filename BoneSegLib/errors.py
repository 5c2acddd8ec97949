"""What can go wrong, told so that a person can act on it.

Every error that reaches a user is a `BoneSegError`: what is wrong, why (``cause``), what to do next (``remedy``), and
the exit code of the command line. They are raised where the trouble is found and caught once, at the edge (command
line, widget, batch runner).
"""

from __future__ import annotations


class BoneSegError(Exception):
    """Base of all errors. ``exit_code`` 6 (internal) unless a kind says otherwise."""

    exit_code = 6
    kind = "internal error"

    def __init__(self, message: str, *, cause: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.cause, self.remedy) if part)

    def __reduce__(self):
        return _rebuild, (type(self), self.message, self.cause, self.remedy)

    def to_dict(self) -> dict[str, object]:
        """The error as plain data, for ``--json``, batch tables and the worker process."""
        return {
            "kind": self.kind,
            "message": self.message,
            "cause": self.cause,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


def _rebuild(kind: type[BoneSegError], message: str, cause: str, remedy: str) -> BoneSegError:
    """Unpickling needs the keyword-only arguments back."""
    return kind(message, cause=cause, remedy=remedy)


class UsageError(BoneSegError):
    """Unknown option, command or structure."""

    exit_code = 2
    kind = "wrong usage"


class InputError(BoneSegError):
    """The image, the segmentation or a path given by the user cannot be used."""

    exit_code = 3
    kind = "invalid input"


class NeedsConfirmation(InputError):
    """The input is suspicious: go on only when the user says so (``--force``)."""

    kind = "needs confirmation"


class OutputError(BoneSegError):
    """The result cannot be written where it was asked for."""

    exit_code = 3
    kind = "output not writable"


class ModelError(BoneSegError):
    """The model folder is incomplete, tampered with or of a kind that is not supported."""

    exit_code = 3
    kind = "invalid model"


class MissingError(BoneSegError):
    """Something needed is absent here: a package, a device, a model."""

    exit_code = 4
    kind = "missing"


class ResourceError(BoneSegError):
    """Out of memory or disk."""

    exit_code = 5
    kind = "out of memory or disk"


class InternalError(BoneSegError):
    """A fault of BoneSeg itself."""


class Cancelled(BoneSegError):
    """The user stopped the run; nothing was changed."""

    exit_code = 130
    kind = "cancelled"

    def __init__(self, message: str = "Cancelled. Nothing was changed.", *, cause: str = "", remedy: str = "") -> None:
        super().__init__(message, cause=cause, remedy=remedy)


ALL_KINDS: tuple[type[BoneSegError], ...] = (
    UsageError,
    InputError,
    NeedsConfirmation,
    OutputError,
    ModelError,
    MissingError,
    ResourceError,
    InternalError,
    Cancelled,
)
