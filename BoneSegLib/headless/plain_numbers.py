"""Numbers in files have a decimal point, whatever the language of the program around."""

from __future__ import annotations

import locale
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_numbers() -> Iterator[None]:
    """Reads and writes inside see plain C numbers; the locale is afterwards as it was. Also a decorator.

    Where a program has set a locale with a decimal comma, ITK and MRML write NRRD headers that nobody can read, and
    may misread those of others.
    """
    before = locale.setlocale(locale.LC_NUMERIC)
    if before == "C":
        yield
        return
    locale.setlocale(locale.LC_NUMERIC, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
