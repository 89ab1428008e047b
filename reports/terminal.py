"""The leaderboard in a terminal, for the end of a run."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from .table import ROLE_TITLES, TIED, Cell, Column, Row, Table, parts, sections

_LONGEST_NOTE = 160


def terminal_table(table: Table) -> Group:
    """A rich renderable: best in bold, others that are not distinguishable with ≈, failures in words, notes below.

    Texts are never read as rich markup.
    """
    grid = RichTable(
        title=Text(table.title, style="bold"), title_justify="left", box=None, pad_edge=False, header_style="dim"
    )
    grid.add_column("method", no_wrap=True)
    grid.add_column("family", style="dim", no_wrap=True)
    for column in table.columns:
        grid.add_column(Text(column.title), justify="left" if column.form == "text" else "right", no_wrap=True)
    for place, (role, rows) in enumerate(sections(table)):
        if place:
            grid.add_section()
            grid.add_row(Text(ROLE_TITLES.get(role, role), style="dim italic"))
        for row in rows:
            grid.add_row(_name(row), Text(row.family), *_cells(row, table.columns))
    below = [Text(f"bold: best; {TIED}: not distinguishable from it (95 %)", style="dim")]
    below += [Text(f"{i} {_cut(note)}", style="dim") for i, note in enumerate(table.notes, 1)]
    return Group(grid, *below)


def _name(row: Row) -> Text:
    text = Text(row.title)
    if row.notes:
        text.append(f" {','.join(map(str, row.notes))}", style="dim")
    return text


def _cells(row: Row, columns: tuple[Column, ...]) -> list[Text]:
    if row.status:
        return [Text(row.status, style="red")]
    return [_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)]


def _cell(cell: Cell, column: Column) -> Text:
    value, interval = parts(cell, column)
    text = Text(value, style="bold green" if cell.mark == "best" else "")
    if interval.startswith("±"):
        text.append(interval.replace(" ", ""), style="dim")
    text.append(TIED if cell.mark == "tied" else " ", style="dim")
    return text


def _cut(note: str) -> str:
    single = " ".join(note.split())
    return single if len(single) <= _LONGEST_NOTE else single[: _LONGEST_NOTE - 1] + "…"
