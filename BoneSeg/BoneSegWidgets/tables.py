"""Tables as high as their contents, with numbers on the right."""

from __future__ import annotations

from dataclasses import dataclass

import qt

_ROW_HEIGHT = 22


@dataclass(frozen=True)
class Column:
    """``wide`` columns share what is left of the width."""

    title: str
    number: bool = False
    wide: bool = False
    tip: str = ""


def fillTable(table, columns, rows, shownRows: int = 11, rowHeight: int = _ROW_HEIGHT) -> None:
    """``rows`` of texts, or of (text, icon). The table grows to ``shownRows`` rows and scrolls beyond."""
    table.clear()
    table.setColumnCount(len(columns))
    table.setRowCount(len(rows))
    table.setHorizontalHeaderLabels([column.title for column in columns])
    header = table.horizontalHeader()
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setMinimumSectionSize(_ROW_HEIGHT)
    table.verticalHeader().setDefaultSectionSize(rowHeight)
    for index, column in enumerate(columns):
        mode = qt.QHeaderView.Stretch if column.wide else qt.QHeaderView.ResizeToContents
        header.setSectionResizeMode(index, mode)
        if column.tip:
            table.horizontalHeaderItem(index).setToolTip(column.tip)
        for rowIndex, row in enumerate(rows):
            table.setItem(rowIndex, index, _item(row[index], column))
    table.setFixedHeight(_headerHeight(table) + rowHeight * min(shownRows, max(1, len(rows))) + 4)


def fitHeight(table) -> None:
    """Rows as high as their texts need, wrapped in the columns' present widths, and the table as high as its rows."""
    table.resizeRowsToContents()
    rows = sum(table.rowHeight(row) for row in range(table.rowCount))
    table.setFixedHeight(_headerHeight(table) + max(rows, _ROW_HEIGHT) + 4)


def _headerHeight(table) -> int:
    hint = table.horizontalHeader().sizeHint
    # A property in PythonQt, a method where it is overridden.
    return hint.height() if hasattr(hint, "height") else hint().height()


def _item(cell, column: Column):
    text, icon = cell if isinstance(cell, tuple) else (cell, None)
    item = qt.QTableWidgetItem(text)
    item.setToolTip(text)
    if icon is not None:
        item.setIcon(icon)
    if column.number:
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    return item
