"""PythonQt takes no keyword arguments: `button.setText(text="x")` fails in Slicer, and PySide6 lets some pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted((REPOSITORY / "BoneSeg").rglob("*.py"))
NOT_QT = {"format", "segment", "compare"}
"""Names that Qt has too: of text, of the worker, of the logic."""


@cache
def _names_of_qt() -> frozenset[str]:
    widgets = pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is not installed")
    from PySide6 import QtCore, QtGui

    classes = [getattr(module, name) for module in (QtCore, QtGui, widgets) for name in dir(module) if name[0] == "Q"]
    names = {name for cls in classes if isinstance(cls, type) for name in dir(cls) if not name.startswith("_")}
    return frozenset(names - NOT_QT)


def _keyword_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.keywords and isinstance(node.func, ast.Attribute)):
            continue
        root = ast.unparse(node.func).split(".")[0]
        if root == "np":
            continue
        if root in ("qt", "ctk") or node.func.attr in _names_of_qt():
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_call_of_qt_has_keyword_arguments(path):
    assert list(_keyword_calls(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("code", ["qt.QLabel(text='a')", "self.ui.box.setText(text='a')", "timer.start(msec=5)"])
def test_the_rule_finds_what_it_forbids(code):
    assert list(_keyword_calls(ast.parse(code)))


@pytest.mark.parametrize("code", ["_('{n} s').format(n=3)", "qt.QLabel('a')", "logic.writeLabels(labels, keep=True)"])
def test_the_rule_leaves_other_calls_alone(code):
    assert not list(_keyword_calls(ast.parse(code)))
