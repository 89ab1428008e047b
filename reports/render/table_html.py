"""Tables as HTML: sortable, with small whiskers for one column, everything from data and plugins escaped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..figures.style import colour
from ..table import MISSING, ROLE_TITLES, Cell, Column, Row, Table, parts, sections

_WIDTH, _PAD, _FAR = 100.0, 5.0, 2.5


@dataclass(frozen=True)
class Whisker:
    """A figure and its interval in pixels along a small axis, and where the best of the table stands.

    ``off``: the figure lies beyond the axis.
    """

    low: float
    value: float
    high: float
    best: float
    off: bool


@dataclass(frozen=True)
class ShownCell:
    """What the template needs of a cell: ``sort`` is its number, or empty."""

    value: str
    interval: str
    mark: str
    sort: str
    extra: bool
    text: bool
    notes: tuple[int, ...]


@dataclass(frozen=True)
class ShownRow:
    """What the template needs of a row."""

    title: str
    name: str
    family: str
    fusion: str
    tint: str
    status: str
    notes: tuple[int, ...]
    cells: tuple[ShownCell, ...]
    whisker: Whisker | None


def render(table: Table, whisker: str | None = None) -> str:
    """A ``figure`` element with switch, table, legend and footnotes.

    ``whisker`` is the key of a column whose figures are also drawn as small whiskers behind the names.
    """
    from .templates import html

    scale = _scale(table, whisker) if whisker else None
    bodies = [
        (role, ROLE_TITLES.get(role, role), [_shown(row, table.columns, whisker, scale) for row in rows])
        for role, rows in sections(table)
    ]
    axis = next((c.title for c in table.columns if c.key == whisker), "") if scale else ""
    return (
        html()
        .get_template("table.html.jinja")
        .render(
            table=table,
            bodies=bodies,
            axis=axis,
            ends=("", "") if scale is None else (f"{scale[0]:.2f}", f"{scale[1]:.2f}"),
            groups=table.groups,
            narrow_groups=table.narrow().groups,
            has_extra=any(not column.paper for column in table.columns)
            and any(column.paper for column in table.columns),
            missing=MISSING,
            width=_WIDTH,
        )
    )


def _shown(
    row: Row, columns: tuple[Column, ...], whisker: str | None, scale: tuple[float, float, float] | None
) -> ShownRow:
    drawn = None
    if scale is not None and not row.status:
        cell = next(cell for cell, column in zip(row.cells, columns, strict=True) if column.key == whisker)
        drawn = _whisker(cell, scale)
    return ShownRow(
        title=row.title,
        name=row.name,
        family=row.family,
        fusion=row.fusion,
        tint=colour(row.family) if row.family else "",
        status=row.status,
        notes=row.notes,
        cells=tuple(_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)),
        whisker=drawn,
    )


def _cell(cell: Cell, column: Column) -> ShownCell:
    value, interval = parts(cell, column)
    return ShownCell(
        value=value,
        interval=interval,
        mark=cell.mark,
        sort=f"{cell.estimate.value:.6g}" if cell.estimate.known else "",
        extra=not column.paper,
        text=column.form == "text",
        notes=cell.notes,
    )


def _scale(table: Table, key: str) -> tuple[float, float, float] | None:
    """Least and greatest end of the intervals in a column, and its best figure; None where the column has none.

    A few far figures (guesses, as a rule) do not stretch the axis for all: they are drawn pale at its end.
    """
    cells = [table.cell(row.name, key) for row in table.rows if not row.status]
    values = np.array([c.estimate.value for c in cells if c.estimate.known])
    if not len(values):
        return None
    lower, upper = np.quantile(values, [0.25, 0.75])
    reach = max(_FAR * (upper - lower), 1e-9)
    near = [c.estimate for c in cells if lower - reach <= c.estimate.value <= upper + reach]
    ends = [v for e in near for v in (e.low, e.value, e.high) if np.isfinite(v)]
    if min(ends) == max(ends):
        return None
    best = next((c.estimate.value for c in cells if c.mark == "best"), float("nan"))
    return min(ends), max(ends), best


def _whisker(cell: Cell, scale: tuple[float, float, float]) -> Whisker | None:
    low, high, best = scale
    figure = cell.estimate
    if not figure.known:
        return None

    def place(value: float) -> float:
        return round(float(np.clip(_PAD + (value - low) / (high - low) * (_WIDTH - 2 * _PAD), 1, _WIDTH - 1)), 1)

    ends = (figure.low, figure.high) if figure.bounded else (figure.value, figure.value)
    return Whisker(
        place(ends[0]),
        place(figure.value),
        place(ends[1]),
        place(best) if np.isfinite(best) else -1.0,
        not low <= figure.value <= high,
    )
