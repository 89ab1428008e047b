"""The section of a task on whether probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from ..evaluation import RAW, Evaluation, TaskEvaluation
from ..figures.curves import CurvesFigure
from ..figures.style import Picture
from ..findings import Finding
from ..leading import leading
from ..metrics.calibration import decompose_brier, decompose_log
from ..metrics.recalibration import RECALIBRATORS
from ..part import Part
from ..scores import Scores
from ..statistics.intervals import UNKNOWN, Estimate, corrected_t, percentile
from ..table import Cell, Column, Mark, Row, Table
from .conformal import KINDS
from .decisions import THRESHOLDS, net_benefit, treat_all
from .rows import Codes, Floats, SetScores, by_repeat, set_scores
from .selective import aurc, excess_aurc, risk_coverage

MOST, DRAWN, MISS = 12, 6, 0.1
_SPLITS: tuple[Callable[[Codes, Floats], object], ...] = (decompose_brier, decompose_log)
_PARTS = ("miscalibration", "discrimination", "uncertainty")
_POINTS = 101

_HOW = (
    "Maps are fitted on the out-of-fold validation probabilities of each split's training rows and applied to its test "
    "rows: one temperature, a sigmoid (Platt) or a monotone curve (isotonic) of each class against the rest. Gains in "
    "log-loss are paired by split, above zero where the map helps. Isotonic maps need many validation rows."
)
_SETS = (
    "Sets of classes promise to hold the true one in 90 of 100 rows. Their thresholds come from the same validation "
    "probabilities, which were made by the models of inner folds and not by the final one: the promise is approximate, "
    "and the coverage beside it is measured on test rows. One threshold covers rows, not classes: look at the worst."
)
_USE = (
    "Risk against coverage: errors among the rows that a method is surest of, when the others go to somebody else; the "
    "excess area is 0 where every error comes last."
)
_DECISIONS = (
    "Decision curves: what acting on the probability of the second class is worth at each threshold, in true positives "
    "a row; a method is of use where it lies above acting on all and above zero."
)


def trust_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Iterator[Part]:
    """Recalibration, parts of the scores, conformal sets, selective prediction and decision curves."""
    names = leading(task, primary, MOST)
    if not names:
        return
    task = task.narrowed(names)  # maps are fitted for the methods that are shown, not for all
    maps = _recalibration_table(evaluation, task, names)
    sets = {name: {kind: set_scores(task, name, kind, MISS) for kind in KINDS} for name in names}
    covered = [name for name in names if any(sets[name].values())]
    tables = [*([maps] if maps else []), _parts_table(evaluation, task, names)]
    text = [_HOW] if maps else []
    if covered:
        tables.append(_sets_table(evaluation, task, covered, sets))
        text.append(_SETS)
    drawn = _one_a_family(evaluation, names)
    pictures: list[Picture] = [_selective_figure(evaluation, task, drawn)]
    text.append(_USE)
    if len(task.info.classes) == 2:
        pictures.append(_decision_figure(evaluation, task, drawn))
        text.append(_DECISIONS)
    said = _finding(evaluation, covered[0], sets[covered[0]]["one threshold"]) if covered else None
    title = "Can its probabilities be trusted?"
    yield Part(title, tuple(text), tuple(tables), tuple(pictures), (said,) if said else ())


def _one_a_family(evaluation: Evaluation, names: Sequence[str]) -> list[str]:
    """The best of each family first, then the next best, as many as are drawn; in the order of their scores."""
    best = list({evaluation.info(name).family: name for name in reversed(names)}.values())
    chosen = {*[n for n in names if n in best][:DRAWN]}
    chosen |= set([n for n in names if n not in chosen][: max(0, DRAWN - len(chosen))])
    return [name for name in names if name in chosen]


def _recalibration_table(evaluation: Evaluation, task: TaskEvaluation, names: Sequence[str]) -> Table | None:
    scores = {variant: task.score("log_loss", variant) for variant in (RAW, *RECALIBRATORS)}
    rows = []
    for name in names:
        place = scores[RAW].methods.index(name)
        if not any(np.isfinite(scores[variant].points[place]) for variant in RECALIBRATORS):
            continue
        info = evaluation.info(name)
        points = [scores[variant].points[place] for variant in scores]
        best = int(np.nanargmin(points))
        figures = [scores[variant].estimate(name) for variant in scores]
        told = task.tells(figures[best])
        marks: list[Mark] = ["best" if column == best and told else "" for column in range(len(points))]
        cells = [Cell(figure, mark) for figure, mark in zip(figures, marks, strict=True)]
        cells += [Cell(_gain(task, scores[RAW], scores[variant], name)) for variant in RECALIBRATORS]
        rows.append(Row(name, info.title or name, info.family, info.role, tuple(cells)))
    columns = [
        Column(f"log_loss_{v}", "As given" if v == RAW else v.capitalize(), "Log-loss", "score", "lower", paper=True)
        for v in scores
    ]
    columns += [Column(f"gain_{v}", v.capitalize(), "Gain over as given", "score", "higher") for v in RECALIBRATORS]
    if not rows:
        return None
    return Table(
        f"{task.info.name}-recalibration",
        f"Log-loss before and after recalibration on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        legend="Bold: the best of the line. The best methods of the task, at most twelve.",
    )


def _gain(task: TaskEvaluation, raw: Scores, mapped: Scores, name: str) -> Estimate:
    place = raw.methods.index(name)
    point = float(raw.points[place] - mapped.points[place])
    if not np.isfinite(point):
        return UNKNOWN
    gaps = raw.values[place] - mapped.values[place]
    return corrected_t(gaps, task.test_to_train) if task.resampled else percentile(point, gaps)


def _part(decompose: Callable[[Codes, Floats], object], part: str, y: Codes, proba: Floats) -> float:
    return float(getattr(decompose(y, proba), part))


def _parts_table(evaluation: Evaluation, task: TaskEvaluation, names: Sequence[str]) -> Table:
    binary = len(task.info.classes) == 2
    log = "Log-loss" if binary else "Log score, one against the rest"
    columns = (
        Column("brier_mcb", "Miscalibration", "Brier", "score", "lower", paper=True),
        Column("brier_dsc", "Discrimination", "Brier", "score", "higher", paper=True),
        Column("brier_unc", "Uncertainty", "Brier"),
        Column("log_mcb", "Miscalibration", log, "score", "lower", paper=True),
        Column("log_dsc", "Discrimination", log, "score", "higher", paper=True),
        Column("log_unc", "Uncertainty", log),
        Column("classwise", "Class-wise ECE", "Errors", "score", "lower", paper=True),
        Column("smooth", "Smooth ECE", "Errors", "score", "lower", paper=True),
        Column("sharpness", "Sharpness", "Errors", "score", "higher"),
        Column("aurc", "AURC", "Selective", "score", "lower", paper=True),
        Column("excess", "Excess AURC", "Selective", "score", "lower", paper=True),
    )
    rows = []
    for name in names:
        info = evaluation.info(name)
        figures = [by_repeat(task, name, partial(_part, decompose, part)) for decompose in _SPLITS for part in _PARTS]
        cells = [Cell(Estimate(value)) for value in figures]
        cells += [Cell(task.score(key).estimate(name)) for key in ("classwise_ece", "smooth_ece", "sharpness")]
        cells += [Cell(Estimate(by_repeat(task, name, score))) for score in (aurc, excess_aurc)]
        rows.append(Row(name, info.title or name, info.family, info.role, tuple(cells)))
    return Table(
        f"{task.info.name}-probability-parts",
        f"Parts of the probability scores on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
        legend=(
            "A score is miscalibration less discrimination plus uncertainty (CORP, Dimitriadis et al. 2021). "
            "Isotonic fits adapt to the rows: with few of them the first two are both too large, by the same amount."
        ),
    )


def _sets_table(
    evaluation: Evaluation,
    task: TaskEvaluation,
    names: Sequence[str],
    sets: dict[str, dict[str, SetScores | None]],
) -> Table:
    columns = []
    for kind in KINDS:
        group = f"Sets, {kind}"
        columns += [
            Column(f"{kind}_coverage", "Coverage", group, paper=True),
            Column(f"{kind}_size", "Size", group, "score", "lower", paper=True),
            Column(f"{kind}_worst", "Worst class", group, paper=kind != "adaptive"),
            Column(f"{kind}_class", "Which", group, "text"),
        ]
    rows = []
    for name in names:
        info = evaluation.info(name)
        cells: list[Cell] = []
        for kind in KINDS:
            own = sets[name][kind]
            if own is None:
                cells += [Cell(), Cell(), Cell(), Cell(text="")]
            else:
                cells += [Cell(own.coverage), Cell(own.size), Cell(Estimate(own.worst)), Cell(text=own.worst_class)]
        rows.append(Row(name, info.title or name, info.family, info.role, tuple(cells)))
    return Table(
        f"{task.info.name}-sets",
        f"Sets that promise 90 % coverage on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        legend="Share of test rows whose set holds the true class, and classes in a set; 95 % intervals over splits.",
    )


def _families(evaluation: Evaluation, names: Sequence[str]) -> Mapping[str, str]:
    return {name: evaluation.info(name).family for name in names}


def _titles(evaluation: Evaluation, names: Sequence[str]) -> Mapping[str, str]:
    return {name: evaluation.info(name).title or name for name in names}


def _selective_figure(evaluation: Evaluation, task: TaskEvaluation, names: Sequence[str]) -> CurvesFigure:
    grid = np.linspace(0.01, 1, _POINTS)
    parts = []
    for name in names:
        pooled = task.pooled(name)
        if pooled is not None:
            parts.append(pd.DataFrame({"method": name, "x": grid, "y": np.interp(grid, *risk_coverage(*pooled))}))
    return CurvesFigure(
        name=f"selective-{task.info.name}",
        caption=f"Risk against coverage on {task.info.title or task.info.name}: the best methods, one of each family.",
        lines=pd.concat(parts, ignore_index=True),
        x_label="share of rows kept, the surest first",
        y_label="error rate among them",
        families=_families(evaluation, names),
        titles=_titles(evaluation, names),
    )


def _decision_figure(evaluation: Evaluation, task: TaskEvaluation, names: Sequence[str]) -> CurvesFigure:
    parts, share = [], None
    for name in names:
        pooled = task.pooled(name)
        if pooled is not None:
            share = pooled[0] == 1
            worth = net_benefit(share, pooled[1][:, 1])
            parts.append(pd.DataFrame({"method": name, "x": THRESHOLDS, "y": worth}))
    assert share is not None  # names are methods with predictions
    second = task.info.classes[1]
    return CurvesFigure(
        name=f"decisions-{task.info.name}",
        caption=(
            f"Decision curves on {task.info.title or task.info.name}: net benefit of acting on the probability of "
            f"{second} from each threshold on, beside acting on all and on none."
        ),
        lines=pd.concat(parts, ignore_index=True),
        x_label=f"threshold of the probability of {second}",
        y_label="net benefit",
        references={"all": (THRESHOLDS, treat_all(share)), "none": (THRESHOLDS, np.zeros(len(THRESHOLDS)))},
        floor=-0.05,
        families=_families(evaluation, names),
        titles=_titles(evaluation, names),
    )


def _finding(evaluation: Evaluation, name: str, own: SetScores | None) -> Finding | None:
    if own is None:
        return None
    info = evaluation.info(name)
    told = (
        f" in sets that promise 90 % coverage: {own.coverage.value:.1%} of test rows are covered with "
        f"{own.size.value:.2f} classes on average; of class {own.worst_class} {own.worst:.1%}."
    )
    return Finding("sets", ((info.title or name, True), (told, False)))
