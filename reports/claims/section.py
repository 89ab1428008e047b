"""The section that tests the claims of the review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evaluation import Evaluation
from ..figures.learning_curves import learning_curves_figure
from ..figures.style import Picture
from ..metrics.registry import METRICS
from ..part import Part
from ..statistics.intervals import Estimate
from ..table import Cell, Column, Row, Table
from .claim import LEVEL, Verdict
from .on_trust import learning_curves
from .registry import verdicts


def claim_parts(evaluation: Evaluation, primary: str) -> Iterator[Part]:
    """The table of claims with test, effect and verdict, and learning curves where there are any."""
    found = verdicts(evaluation, primary)
    curves = learning_curves(evaluation, primary)
    pictures: tuple[Picture, ...] = ()
    if len(curves):
        pictures = (learning_curves_figure(evaluation, curves, METRICS[primary].title),)
    yield Part("Claims of the review, tested", _text(found, primary), (_table(found, primary),), pictures)


def _text(found: Sequence[Verdict], primary: str) -> tuple[str, ...]:
    tested = sum(verdict.p == verdict.p for verdict in found)
    counts = {word: sum(v.word == word for v in found) for word in ("supported", "contradicted", "undecided")}
    title = METRICS[primary].title.lower()
    return (
        f"Statements of the review as hypotheses: {counts['supported']} supported, {counts['contradicted']} "
        f"contradicted, {counts['undecided']} undecided by these results. An effect is a mean over tasks, turned so "
        f"that above zero speaks for the claim, in {title} unless the test says otherwise, with its 95 % interval. A "
        f"verdict follows where the t test over tasks has p under {LEVEL:g} after Holm's correction for the {tested} "
        "claims that have one; claims on a planted task or on all tasks at once have a rule of their own.",
        "A verdict speaks of these tasks and methods with these budgets. Undecided is the right word for most claims "
        "until many tasks have been run.",
    )


def _table(found: Sequence[Verdict], primary: str) -> Table:
    columns = (
        Column("test", "Test", "Hypothesis", "text"),
        Column("effect", "Effect", "Evidence", paper=True, description="Above zero: for the claim."),
        Column("p", "p (Holm)", "Evidence", "p", paper=True),
        Column("verdict", "Verdict", "Verdict", "text", paper=True),
        Column("why", "Behind it", "Verdict", "text", paper=True),
    )
    rows = []
    for own in found:
        cells = (
            Cell(text=own.claim.test),
            Cell(own.effect),
            Cell(Estimate(own.p)),
            Cell(text=own.word),
            Cell(text=own.why),
        )
        rows.append(Row(own.claim.key, own.claim.title, "", "method", cells))
    return Table("claims", "Claims of the review, tested", columns, tuple(rows), stub="Claim")
