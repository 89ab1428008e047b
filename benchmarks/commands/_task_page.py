"""How a task is shown in the terminal: what was understood of it, and what looks suspicious."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from fusebench.datasets.validate import SplitReport, TaskReport

from ._terminal import facts, table

_SHOWN = 12


def print_task(out: Console, report: TaskReport) -> None:
    """Print rows, classes, modalities, splits and warnings."""
    counts = zip(report.classes, report.class_counts, strict=True)
    out.print(
        facts(
            [
                ("task", report.name),
                ("rows", f"{report.n} of {report.subjects} subjects" if report.subjects < report.n else str(report.n)),
                ("classes", ", ".join(f"{name} ({count})" for name, count in counts)),
                ("sites", ", ".join(f"{name} ({count})" for name, count in report.sites)),
                ("splits", f"{report.protocol}: {_sizes(report.splits)}"),
                ("fingerprint", report.fingerprint[:16]),
            ]
        )
    )
    out.print()
    heads = ["Modality", "Kind", "One row", "Rows without it", "Missing cells", "Categorical"]
    rows = [
        [m.name, m.kind, _shape(m.kind, m.shape), str(m.missing_rows), str(m.missing_cells), _few(m.categorical)]
        for m in report.modalities
    ]
    out.print(table(heads, rows))
    if report.warnings:
        out.print()
    for warning in report.warnings:
        out.print(f"! {warning}", style="yellow", markup=False)


def _shape(kind: str, shape: Sequence[int]) -> str:
    if kind == "text":
        return "text"
    if len(shape) > 1:
        return " x ".join(map(str, shape))
    return "1 column" if shape[0] == 1 else f"{shape[0]} columns"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _sizes(splits: Sequence[SplitReport]) -> str:
    def span(numbers: list[int]) -> str:
        low, high = min(numbers), max(numbers)
        return str(low) if low == high else f"{low} to {high}"

    word = "split" if len(splits) == 1 else "splits"
    train, test = span([s.train for s in splits]), span([s.test for s in splits])
    return f"{len(splits)} {word}, {train} training and {test} test rows"
