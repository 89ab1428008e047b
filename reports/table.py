"""A table as an object: rows of cells with intervals and marks, its frame, and its narrow forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from .metrics.cards import Direction
from .statistics.intervals import UNKNOWN, Estimate

Mark = Literal["", "best", "tied"]
Form = Literal["score", "seconds", "count", "rank", "p", "text"]

MISSING = "–"
TIED = "≈"
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Column:
    """A column: ``scale`` turns the frame's unit into the one shown; ```paper`` columns stand in the narrow form too;
    in a ``trivial`` one a constant guess is never marked."""

    key: str
    title: str
    group: str
    form: Form = "score"
    direction: Direction | None = None
    scale: float = 1.0
    paper: bool = False
    trivial: bool = False
    description: str = ""


@dataclass(frozen=True)
class Cell:
    """A figure with interval and mark, or a text."""

    estimate: Estimate = UNKNOWN
    mark: Mark = ""
    text: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    """One method. ``status`` says why there are no figures; ``notes`` are 1-based places in the table's notes."""

    name: str
    title: str
    family: str
    role: str
    cells: tuple[Cell, ...]
    status: str = ""
    notes: tuple[int, ...] = ()
    fusion: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and rows with a title and footnotes; ``stub`` heads the rows' names.

    All text in it may come from plugins: every renderer escapes it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    legend: str = ""
    stub: str = "Method"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"table {self.name!r}: row {row.name!r} has {len(row.cells)} cells for {len(self.columns)} columns"
                )

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Column groups from left to right with their number of columns."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return tuple(found)

    def select(self, keep: Callable[[Column], bool]) -> Table:
        """The same table with only the columns that are kept."""
        places = [i for i, column in enumerate(self.columns) if keep(column)]
        rows = tuple(replace(row, cells=tuple(row.cells[i] for i in places)) for row in self.rows)
        return replace(self, columns=tuple(self.columns[i] for i in places), rows=rows)

    def narrow(self) -> Table:
        """Only the columns that a printed page has room for."""
        return self.select(lambda column: column.paper)

    def panels(self) -> tuple[Table, ...]:
        """One table for each column group."""
        names = dict.fromkeys(column.group for column in self.columns)
        return tuple(self._panel(group) for group in names)

    def _panel(self, group: str) -> Table:
        kept = self.select(lambda column: column.group == group)
        return replace(kept, name=f"{self.name}-{group.lower()}", title=f"{self.title}: {group}")

    def cell(self, method: str, key: str) -> Cell:
        """The cell of a method in a column.

        Raises
        ------
        KeyError: there is no such row or column.
        """
        for place, column in enumerate(self.columns):
            if column.key == key:
                for row in self.rows:
                    if row.name == method:
                        return row.cells[place]
        raise KeyError((method, key))

    def frame(self) -> pd.DataFrame:
        """All figures as numbers in the results' units: value, ``_low``, ``_high`` and ``_mark`` of each column."""
        records = []
        for row in self.rows:
            record: dict[str, object] = {
                "method": row.name,
                "title": row.title,
                "family": row.family,
                "role": row.role,
                "status": row.status,
            }
            for column, cell in zip(self.columns, row.cells, strict=True):
                if column.form == "text":
                    record[column.key] = cell.text
                    continue
                figure = cell.estimate
                record |= {
                    column.key: figure.value,
                    f"{column.key}_low": figure.low,
                    f"{column.key}_high": figure.high,
                    f"{column.key}_mark": cell.mark,
                }
            numbers = dict.fromkeys([*row.notes, *(n for cell in row.cells for n in cell.notes)])
            record["notes"] = " ".join(self.notes[number - 1] for number in numbers)
            records.append(record)
        return pd.DataFrame.from_records(records)

    def to_csv(self) -> str:
        """The frame as CSV text."""
        return self.frame().to_csv(index=False, lineterminator="\n")

    def to_markdown(self) -> str:
        """GitHub-flavoured Markdown."""
        from .render.table_markdown import render

        return render(self)

    def to_latex(self) -> str:
        """A booktabs table."""
        from .render.table_latex import render

        return render(self)

    def to_html(self) -> str:
        """A table element with its footnotes."""
        from .render.table_html import render

        return render(self)


def number(value: float, form: Form) -> str:
    """A figure as readers expect it: three decimals for scores, fewer for large seconds, k and M for counts."""
    if not np.isfinite(value):
        return MISSING
    if form == "score":
        return f"{value:.3f}"
    if form == "rank":
        return f"{value:.1f}"
    if form == "p":
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    if form == "count":
        for step, letter in _STEPS:
            if abs(value) >= step:
                return f"{value / step:.3g}{letter}"
        return f"{value:.0f}"
    if 0 < value < 0.001:
        return "<0.001"
    return f"{value:.{_decimals(value)}f}"


def parts(cell: Cell, column: Column) -> tuple[str, str]:
    """The figure and its interval as texts: "± half" where symmetric, "[low, high]" otherwise, or empty."""
    if column.form == "text":
        return (cell.text or MISSING, "")
    figure = cell.estimate
    if not figure.known:
        return (MISSING, "")
    value = figure.value * column.scale
    main = number(value, column.form)
    if not figure.spread or main.startswith("<"):
        return (main, "")
    low, high = (number(v * column.scale, column.form) for v in (figure.low, figure.high))
    if figure.symmetric or low == high:
        return (main, f"± {half_width(figure.half * column.scale, value, column.form)}")
    return (main, f"[{low}, {high}]")


def half_width(half: float, value: float, form: Form) -> str:
    """Half an interval with the decimals of its figure; one that these would round to nothing says under what it is."""
    if form == "count" and half >= 0.5:
        return number(half, form)
    decimals = {"score": 3, "p": 3, "rank": 1, "count": 0}.get(form, _decimals(value))
    text = f"{half:.{decimals}f}"
    return text if float(text) else f"<{10.0**-decimals:.{decimals}f}"


def sections(table: Table) -> Sequence[tuple[str, tuple[Row, ...]]]:
    """Rows by role, in the order of the table: ("ceiling" | "method" | "floor", rows)."""
    roles = dict.fromkeys(row.role for row in table.rows)
    return [(role, tuple(row for row in table.rows if row.role == role)) for role in roles]


ROLE_TITLES = {"ceiling": "Ceiling", "method": "Methods", "floor": "Floor: simple baselines"}


def _decimals(value: float) -> int:
    return 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
