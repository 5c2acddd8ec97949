"""Running out of memory, told as one thing: torch, its devices, numpy and ITK each say it in their own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from BoneSegLib.errors import ResourceError

_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "failed to allocate",
    "alloc_failed",
    "bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory, of the computer or of a device, did not suffice."""
    text = str(error).casefold()
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(word in text for word in _WORDS))


def is_out_of_device_memory(error: BaseException) -> bool:
    """The same of a graphics card's memory: the computer's own is asked for by torch's CPU allocator, or by numpy."""
    return isinstance(error, RuntimeError) and is_out_of_memory(error) and "cpuallocator" not in str(error).casefold()


@contextmanager
def memory_errors_told(
    *, remedy: str = "Limit the run to a region or to fewer structures, or close other programs."
) -> Iterator[None]:
    """Raises `ResourceError` where memory did not suffice inside, that of the computer or of its graphics card."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(
            "The computer ran out of memory.",
            remedy=remedy,
        ) from error
