"""A CSV that lists cases: columns ``case``, ``image`` and ``reference``, of which only ``image`` must be there."""

from __future__ import annotations

import csv
from pathlib import Path

from BoneSegLib.batch.cases import Case
from BoneSegLib.batch.names import require_safe_name, safe_name
from BoneSegLib.errors import BoneSegError, InputError
from BoneSegLib.headless.image_file import stem

COLUMNS = ("case", "image", "reference", "series")


def read_case_list(path: Path) -> list[Case]:
    """The cases of a CSV; its paths are relative to the folder it lies in. Commas or semicolons part the columns.

    An image that does not exist makes a case that fails. Raises `InputError` for a file that is no such list, for an
    unusable name and for the same name twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"'{path.name}' cannot be read.", cause=str(error), remedy="Give a CSV in UTF-8.") from error
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
    columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
    if "image" not in columns:
        raise InputError(
            f"'{path.name}' has no column 'image'.",
            cause=f"Its columns are: {', '.join(columns) or 'none'}.",
            remedy="Its first line should be: case,image,reference (case and reference may be left out).",
        )
    reader.fieldnames = columns
    cases: list[Case] = []
    for line in reader:
        values = {name: str(line.get(name) or "").strip() for name in COLUMNS}
        if any(values.values()):
            cases.append(_case(values, path.parent, f"'{path.name}', line {reader.line_num}"))
    _require_distinct(cases, path)
    return cases


def _case(values: dict[str, str], folder: Path, where: str) -> Case:
    if not values["image"]:
        raise InputError(f"{where}: there is no image.", remedy="Fill the column 'image', or remove the line.")
    image = folder / values["image"]
    given = Path(values["image"])
    name = require_safe_name(values["case"], where) if values["case"] else _name_of(given)
    problem: BoneSegError | None = None
    if not image.exists():
        problem = InputError(f"'{image}' does not exist.", cause=f"{where} names it.", remedy="Check the path.")
    return Case(
        name,
        image,
        series=values["series"] or None,
        reference=folder / values["reference"] if values["reference"] else None,
        problem=problem,
    )


def _name_of(image: Path) -> str:
    """The path as the list has it, without its suffix; the file's name alone where it leads elsewhere."""
    if image.is_absolute() or ".." in image.parts:
        return safe_name(stem(image))
    return safe_name((image.parent / stem(image)).as_posix())


def _require_distinct(cases: list[Case], path: Path) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.name.casefold() in seen:
            raise InputError(
                f"'{path.name}' names the case '{case.name}' twice.", remedy="Give each line another name in 'case'."
            )
        seen.add(case.name.casefold())
