"""The section that opens a task: whether fusing its modalities is worth it, and on which rows methods err."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..evaluation import Evaluation, TaskEvaluation
from ..figures.error_map import ErrorMapFigure
from ..figures.gains import MOST, GainsFigure
from ..figures.style import Picture
from ..findings import Finding
from ..leading import leading
from ..metrics.registry import METRICS
from ..part import Part
from ..statistics.intervals import Estimate
from ..table import Cell, Column, Row, Table
from .errors import Errors, errors
from .gains import FusionGains, fusion_gains

MOST_METHODS, MOST_ROWS, MOST_LISTED = 24, 240, 12

_HOW = (
    "Gains are paired by split against the best method that uses one modality, which was chosen by its test score and "
    "is favoured a little by that. Where a method also ran on single modalities, it is compared with the best of its "
    "own, like with like. An interval that holds zero is no proof that fusion is worth nothing: it may be too small "
    "for these rows."
)
_ERRORS = (
    "A row that every method misses may carry a wrong label, a rare form, or nothing that these modalities show; look "
    "at it before another method is tried. Methods that err on different rows may gain from being combined, those that "
    "err on the same will not."
)


def fusion_part(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Iterator[Part]:
    """Gains of fusion as table and figure, the map of errors, and the rows that most methods miss."""
    gains = fusion_gains(evaluation, task, primary)
    found = errors(task, leading(task, primary, MOST_METHODS))
    if found is not None and not np.isfinite(found.wrong).any():
        found = None
    tables = [_gains_table(evaluation, task, gains, primary)] if gains else []
    pictures: list[Picture] = [_gains_figure(evaluation, task, gains, primary)] if gains else []
    text = [_HOW] if gains else []
    if found is not None and len(found.methods) > 1 and found.share.max() > 0:
        text += [_ERRORS, _missed(found)]
        tables.append(_hard_rows(task, found))
        pictures.append(_error_map(evaluation, task, found))
    said = _finding(found) if found is not None and len(found.methods) > 2 else None
    yield Part("Does fusion help here?", tuple(text), tuple(tables), tuple(pictures), (said,) if said else ())


def _gains_table(evaluation: Evaluation, task: TaskEvaluation, gains: FusionGains, primary: str) -> Table:
    title = METRICS[primary].title
    scores = task.score(primary)
    columns = (
        Column("score", title, "Score", direction=METRICS[primary].direction, paper=True),
        Column("gain", "Over the best single", "Gain", paper=True, description="Above zero: fusing is better."),
        Column("verdict", "Verdict", "Gain", "text", paper=True),
        Column(
            "own_gain", "Over itself on one", "Gain", paper=True, description="All modalities against its best one."
        ),
        Column("own_modality", "Which one", "Gain", "text", paper=True),
    )
    single = evaluation.info(gains.single)
    blank = Cell(text="")
    reference = (Cell(scores.estimate(gains.single)), Cell(), Cell(text="the best single"), Cell(), blank)
    rows = [Row(gains.single, single.title or gains.single, single.family, "floor", reference)]
    for gain in gains.gains:
        info = evaluation.info(gain.method)
        cells = (
            Cell(scores.estimate(gain.method)),
            Cell(gain.over_single),
            Cell(text=gain.verdict),
            Cell(gain.over_self),
            Cell(text=gain.modality),
        )
        rows.append(Row(gain.method, info.title or gain.method, info.family, "method", cells))
    return Table(
        f"{task.info.name}-gains",
        f"What fusion gains on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
        legend=f"Differences in {title.lower()} with 95 % intervals, turned so that above zero is better.",
    )


def _gains_figure(evaluation: Evaluation, task: TaskEvaluation, gains: FusionGains, primary: str) -> GainsFigure:
    def numbers(prefix: str, estimate: Estimate) -> dict[str, float]:
        return dict(zip((f"{prefix}gain", f"{prefix}low", f"{prefix}high"), _ends(estimate), strict=True))

    points = []
    for gain in gains.gains:
        info = evaluation.info(gain.method)
        head = {"method": gain.method, "title": info.title, "family": info.family, "fusion": info.fusion}
        own = numbers("own_", gain.over_self)
        points.append(
            {**head, **numbers("", gain.over_single), "verdict": gain.verdict, **own, "own_modality": gain.modality}
        )
    title = METRICS[primary].title.lower()
    single = evaluation.info(gains.single).title or gains.single
    cut = f" The best {MOST} of {len(points)} are drawn." if len(points) > MOST else ""
    return GainsFigure(
        name=f"gains-{task.info.name}",
        caption=(
            f"Gain in {title} of fusing methods over the best method on a single modality ({single}) on "
            f"{task.info.title or task.info.name}, with paired 95 % intervals; hollow where zero lies inside.{cut}"
        ),
        points=pd.DataFrame.from_records(points),
        label=f"gain in {title} over {single}",
    )


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _error_map(evaluation: Evaluation, task: TaskEvaluation, found: Errors) -> ErrorMapFigure:
    share = found.share
    hardest = np.argsort(-share, kind="stable")[:MOST_ROWS]
    hardest = hardest[share[hardest] > 0]
    order = hardest[np.lexsort((-share[hardest], found.y[hardest]))]
    frame = _lines(task, found, order)
    by_method = pd.DataFrame(found.wrong[:, order].T, columns=list(found.methods))
    easy = int((share == 0).sum())
    cut = f" The {MOST_ROWS} hardest rows are drawn." if (share > 0).sum() > MOST_ROWS else ""
    return ErrorMapFigure(
        name=f"errors-{task.info.name}",
        caption=(
            f"Who errs on which rows of {task.info.title or task.info.name}: test rows by true class, hardest first, "
            f"and the best {len(found.methods)} methods. {easy} of {len(share)} rows, which all get right, are left "
            f"out.{cut}"
        ),
        table=pd.concat([frame, by_method], axis=1),
        titles={name: evaluation.info(name).title or name for name in found.methods},
    )


def _lines(task: TaskEvaluation, found: Errors, order: np.ndarray) -> pd.DataFrame:
    """Id, class, what it is taken for and how many methods miss it, for some rows."""
    classes = np.array([*task.info.classes, ""], dtype=object)
    ids = task.info.ids
    names = [ids[r] if r < len(ids) else str(r) for r in found.rows[order]]
    return pd.DataFrame(
        {
            "id": names,
            "row": found.rows[order],
            "class": classes[found.y[order]],
            "mistaken_for": classes[found.mistaken[order]],
            "share_wrong": found.share[order],
        }
    )


def _hard_rows(task: TaskEvaluation, found: Errors) -> Table:
    order = np.argsort(-found.share, kind="stable")[:MOST_LISTED]
    order = order[found.share[order] > 0]
    columns = (
        Column("class", "True class", "Row", "text", paper=True),
        Column("mistaken_for", "Mistaken for", "Row", "text", paper=True),
        Column("share", "Share wrong", "Methods", paper=True, description="Mean over methods and repeats."),
    )
    lines = _lines(task, found, order)
    rows = tuple(
        Row(
            str(line["id"]),
            str(line["id"]),
            "",
            "method",
            (Cell(text=str(line["class"])), Cell(text=str(line["mistaken_for"])), Cell(Estimate(line["share_wrong"]))),
        )
        for line in lines.to_dict("records")
    )
    return Table(
        f"{task.info.name}-hard-rows",
        f"The rows of {task.info.title or task.info.name} that most methods miss",
        columns,
        rows,
        legend=f"Of the best {len(found.methods)} methods; out-of-fold predictions, never of training rows.",
        stub="Row",
    )


def _missed(found: Errors) -> str:
    count, n = int(found.missed_by_all.sum()), len(found.rows)
    return (
        f"{count or 'None'} of {n} rows {'is' if count == 1 else 'are'} missed by all {len(found.methods)} methods "
        f"shown; the best of them alone misses {found.best_alone():.1%}."
    )


def _finding(found: Errors) -> Finding | None:
    count, n = int(found.missed_by_all.sum()), len(found.rows)
    if not count:
        return None
    told = f"{count} of {n} rows are missed by all of the best {len(found.methods)} methods: see the map of errors."
    return Finding("errors", ((told, False),))
