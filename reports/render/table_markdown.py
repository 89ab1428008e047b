"""Tables as GitHub-flavoured Markdown, with everything from data and plugins escaped."""

from __future__ import annotations

import re

from ..table import MISSING, ROLE_TITLES, TIED, Cell, Column, Row, Table, parts, sections

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$<>&])")


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return (
        _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
        .replace(r"\<", "&lt;")
        .replace(r"\>", "&gt;")
        .replace(r"\&", "&amp;")
    )


def render(table: Table) -> str:
    """The table, its legend and its footnotes."""
    head = [escape(table.stub), *(escape(column.title) for column in table.columns)]
    align = [":--", *(":--" if column.form == "text" else "--:" for column in table.columns)]
    lines = [_line(head), _line(align)]
    several = len(sections(table)) > 1
    for role, rows in sections(table):
        if several:
            lines.append(_line([f"*{ROLE_TITLES.get(role, role)}*", *[""] * len(table.columns)]))
        lines += [_line([escape(row.title) + _numbers(row.notes), *_cells(row, table.columns)]) for row in rows]
    below = [escape(table.legend)] if table.legend else []
    below += [f"[{i}] {escape(note)}" for i, note in enumerate(table.notes, 1)]
    return "\n".join(lines) + "\n" + "".join(f"\n{paragraph}\n" for paragraph in below)


def _cells(row: Row, columns: tuple[Column, ...]) -> list[str]:
    if row.status:
        return [f"*{escape(row.status)}*", *[MISSING] * (len(columns) - 1)]
    return [_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)]


def _cell(cell: Cell, column: Column) -> str:
    value, interval = parts(cell, column)
    value = escape(value)
    shown = f"**{value}**" if cell.mark == "best" else value
    return " ".join(filter(None, (shown, escape(interval), TIED if cell.mark == "tied" else ""))) + _numbers(cell.notes)


def _numbers(notes: tuple[int, ...]) -> str:
    return "".join(f" [{n}]" for n in notes)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
