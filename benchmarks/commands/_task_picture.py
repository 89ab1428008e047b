"""A picture of a few subjects: images, middle slices of volumes, signals, matrices."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import TABULAR, Modality
from fusebench.datasets.task import Task
from fusebench.reports.figures.style import INK, MUTED, new_figure, plain, shorten, style
from fusebench.reports.files import write_bytes

_SUBJECTS = 6
_CHANNELS = 8
_PANEL = 1.5
"""Width and height of one panel, in inches."""
_FLAT = 0.5
"""Height of a panel of slices, in panels."""


def write_picture(task: Task, path: Path) -> Path:
    """Draw a few subjects of every class, one row a modality that is no table or text, as PNG.

    Raises
    ------
    DataError: there is nothing to draw; another ending than .png.
    """
    if path.suffix.lower() != ".png":
        raise DataError(f"{path}: the picture is written as PNG; let its name end in .png")
    drawn = [m for m in task.samples.modalities if m.kind not in (*TABULAR, "text")]
    if not drawn:
        raise DataError(f"task {task.name!r} has tables and texts only; a picture needs images, volumes or signals")
    rows = few_rows(task)
    with style():
        heights = [_FLAT if m.kind == "volume" else 1.0 for m in drawn]  # three slices beside each other are wide
        figure = new_figure(_PANEL * len(rows) + 0.3, _PANEL * sum(heights) + 0.4)
        grid = figure.subplots(len(drawn), len(rows), squeeze=False, height_ratios=heights)
        for top, (modality, line) in enumerate(zip(drawn, grid, strict=True)):
            few = modality.take(rows)
            values = few.values
            for at, (axes, row) in enumerate(zip(line, rows, strict=True)):
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
                if few.present[at]:
                    _draw(axes, few, values, at)
                else:
                    axes.text(0.5, 0.5, "absent", ha="center", va="center", color=MUTED, transform=axes.transAxes)
                if at == 0:
                    axes.set_ylabel(plain(shorten(modality.name, 20)))
                if top == 0:
                    names = (task.samples.ids[row], task.classes[task.y[row]])
                    axes.set_title("\n".join(plain(shorten(name, 18)) for name in names), fontsize=7.5)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=160)
    return write_bytes(path, buffer.getvalue())


def few_rows(task: Task) -> np.ndarray:
    """Rows of as many classes as fit, equally many of each, those first that have the most modalities."""
    have = np.sum([m.present for m in task.samples.modalities], axis=0)
    each = max(1, _SUBJECTS // len(task.classes))
    chosen: list[int] = []
    for code in range(min(len(task.classes), _SUBJECTS)):
        rows = np.flatnonzero(task.y == code)
        chosen += rows[np.argsort(-have[rows], kind="stable")][:each].tolist()
    return np.array(chosen)


def middle_slices(volume: np.ndarray) -> np.ndarray:
    """The middle slice across each side of a volume (3 sides), beside each other with the last side up."""
    a, b, c = (side // 2 for side in volume.shape)
    slices = [np.flipud(s.T) for s in (volume[a], volume[:, b], volume[:, :, c])]
    height = max(len(s) for s in slices)
    padded = []
    for one in slices:
        above = (height - len(one)) // 2
        below = height - len(one) - above
        padded.append(np.pad(one.astype(float), ((above, below), (0, 0)), constant_values=np.nan))
    return np.hstack(padded)


def _draw(axes: Any, modality: Modality, values: np.ndarray, at: int) -> None:
    value = values[at]
    if modality.kind == "signal" and value.ndim == 2:
        lines = value[:_CHANNELS]
        step = np.nanmax(np.nanmax(lines, axis=1) - np.nanmin(lines, axis=1)) or 1.0
        centred = lines - np.nanmean(lines, axis=1, keepdims=True)
        axes.plot(centred.T - step * np.arange(len(lines)), color=INK, lw=0.5)
        return
    low, high = np.nanpercentile(values[modality.present], (1, 99))
    high = high if high > low else low + 1.0
    if modality.kind == "image" and value.ndim == 3 and len(value) == 3:
        axes.imshow(np.clip((np.moveaxis(value, 0, -1) - low) / (high - low), 0, 1))
        return
    if modality.kind == "volume" and value.ndim == 4:
        flat = middle_slices(value[0])
    elif modality.kind == "image" and value.ndim == 3:
        flat = value[0]
    else:
        flat = value.reshape(len(value), -1) if value.ndim > 1 else value[None]
    axes.imshow(flat, cmap="gray", vmin=low, vmax=high, aspect="equal" if modality.kind != "roi" else "auto")
