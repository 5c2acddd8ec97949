"""Qt properties on classes made in Python: seen by the .ui loader, and attributes with a setter as in C++."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from PySide6.QtCore import Property

_numbers = count()


def prop(kind: Any, default: Any = None, changed: Callable[[Any, Any], None] | None = None) -> Property:
    """A property that keeps its value; ``changed(self, value)`` is called when it takes another."""
    key = f"_property_{next(_numbers)}"

    def read(self) -> Any:
        return self.__dict__.get(key, list(default) if isinstance(default, list) else default)

    def write(self, value: Any) -> None:
        old = read(self)
        self.__dict__[key] = value
        if changed and old != value:
            changed(self, value)

    return Property(kind, read, write)


def with_setters(cls: type) -> type:
    """Adds ``setName`` for every property ``name``."""
    for name, member in list(vars(cls).items()):
        setter = "set" + name[:1].upper() + name[1:]
        if isinstance(member, Property) and not hasattr(cls, setter):
            setattr(cls, setter, _setter(name))
    return cls


def _setter(name: str) -> Callable[[Any, Any], None]:
    return lambda self, value: setattr(self, name, value)
