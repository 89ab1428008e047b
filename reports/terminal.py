"""The leaderboard in a terminal, for the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from .table import ROLE_TITLES, TIED, Cell, Column, Row, Table, parts, sections

_LONGEST_NOTE = 160
_UNBOUNDED = 10_000
_DROPPED = ("auroc", "mean_rank", "ece", "fit_wall", "log_loss")
"""Columns that a narrow terminal does without, in this order: accuracy, calibration and cost stay while they can."""


class TerminalTable:
    """A rich renderable: best in bold, others that are not distinguishable with ≈, failures in words, notes below.

    A narrow terminal loses families first, then intervals, then columns, but never part of a figure.
    Texts are never read as rich markup.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.update(max_width=_UNBOUNDED)
        grids = list(self._grids())
        fitting = (grid for grid in grids if Measurement.get(console, wide, grid).maximum <= options.max_width)
        below = [Text(f"bold: best; {TIED}: not distinguishable from it (95 %)", style="dim")]
        below += [Text(f"{i} {_cut(note)}", style="dim") for i, note in enumerate(self.table.notes, 1)]
        yield Group(next(fitting, grids[-1]), *below)

    def _grids(self) -> Iterator[RichTable]:
        """Ever narrower forms of the table."""
        table = self.table
        yield _grid(table, families=True, intervals=True)
        yield _grid(table, families=False, intervals=True)
        yield _grid(table, families=False, intervals=False)
        for key in _DROPPED:
            table = _without(table, key)
            yield _grid(table, families=False, intervals=False)


def _without(table: Table, key: str) -> Table:
    return table.select(lambda column: column.key != key)


def _grid(table: Table, *, families: bool, intervals: bool) -> RichTable:
    grid = RichTable(
        title=Text(table.title, style="bold"),
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    grid.add_column("method", no_wrap=True)
    if families:
        grid.add_column("family", style="dim", no_wrap=True)
    for column in table.columns:
        grid.add_column(Text(column.title), justify="left" if column.form == "text" else "right", no_wrap=True)
    for place, (role, rows) in enumerate(sections(table)):
        if place:
            grid.add_section()
            grid.add_row(Text(ROLE_TITLES.get(role, role), style="dim italic"))
        for row in rows:
            family = [Text(row.family)] if families else []
            grid.add_row(_name(row), *family, *_cells(row, table.columns, intervals))
    return grid


def _name(row: Row) -> Text:
    text = Text(row.title)
    if row.notes:
        text.append(f" {','.join(map(str, row.notes))}", style="dim")
    return text


def _cells(row: Row, columns: tuple[Column, ...], intervals: bool) -> list[Text]:
    if row.status:
        return [Text(row.status, style="red")]
    return [_cell(cell, column, intervals) for cell, column in zip(row.cells, columns, strict=True)]


def _cell(cell: Cell, column: Column, intervals: bool) -> Text:
    value, interval = parts(cell, column)
    text = Text(value, style="bold green" if cell.mark == "best" else "")
    if intervals and interval:
        text.append(f" {interval}", style="dim")
    text.append(TIED if cell.mark == "tied" else " ", style="dim")
    return text


def _cut(note: str) -> str:
    single = " ".join(note.split())
    return single if len(single) <= _LONGEST_NOTE else single[: _LONGEST_NOTE - 1] + "…"
