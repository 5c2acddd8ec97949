"""Writes docs/errors.md: every error that the code can raise, read off the sources (`make docs`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from BoneSegLib.errors import ALL_KINDS, BoneSegError

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "errors.md"
FILLED_IN = "…"

HEAD = """# Errors

Every error is told the same way, on the command line, in the module and in a batch: what is wrong, why, and what to do
next. Its kind decides the exit code of `boneseg`, and `--json` prints it as one object (`kind`, `message`, `cause`,
`remedy`, `exit_code`). Whatever happens, files and scene are then as they were before.

In the tables, … stands for what is filled in: a name, a number, a list. This page is made from the code by `make docs`.
"""


@dataclass(frozen=True, order=True)
class Raised:
    """One error as the source has it, with … for what is filled in."""

    room: str
    message: str
    cause: str
    remedy: str


def errors_of(kind: type[BoneSegError], sources: list[Path]) -> list[Raised]:
    """What the sources raise of one kind, each once."""
    found = set()
    for path in sources:
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        room = parts[1] if parts[0] == "BoneSegLib" else "module"
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), kind.__name__):
            texts = {keyword.arg: text_of(keyword.value) for keyword in call.keywords}
            message = text_of(call.args[0]) if call.args else ""
            if re.search(r"\w", message):
                found.add(Raised(room, message, texts.get("cause", ""), texts.get("remedy", "")))
    return sorted(found)


def text_of(node: ast.expr) -> str:
    """A text as people will read it; what is computed becomes …, of two alternatives both are told."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(FILLED_IN if isinstance(part, ast.FormattedValue) else text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    if isinstance(node, ast.BoolOp):
        return text_of(node.values[-1])
    if isinstance(node, ast.IfExp):
        return " / ".join(text for text in (text_of(node.body), text_of(node.orelse)) if text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args:
        return re.sub(r"\{\w+\}", FILLED_IN, text_of(node.args[0]))
    return FILLED_IN


def page() -> str:
    """The whole page."""
    sources = sorted([*(REPOSITORY / "BoneSegLib").rglob("*.py"), *(REPOSITORY / "BoneSeg").rglob("*.py")])
    parts = [HEAD]
    for kind in ALL_KINDS:
        purpose = " ".join((kind.__doc__ or "").split())
        parts.append(f"## {kind.kind.capitalize()} (exit code {kind.exit_code})\n\n{purpose}\n")
        rows = errors_of(kind, sources)
        if rows:
            head = ["| message | cause | remedy | room |", "|---|---|---|---|"]
            parts.append("\n".join([*head, *map(_row, rows)]) + "\n")
    return "\n".join(parts)


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _row(raised: Raised) -> str:
    cells = (raised.message, raised.cause, raised.remedy, f"`{raised.room}`")
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
