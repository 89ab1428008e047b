"""What the numbers say, as sentences that follow from them by rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .evaluation import RECALIBRATED, Evaluation, TaskEvaluation
from .metrics.registry import METRICS
from .scores import Scores
from .statistics.intervals import Estimate
from .table import Table, half_width, number
from .tables import PRIMARY

_MOST_NAMES = 6


@dataclass(frozen=True)
class Finding:
    """A sentence in pieces: (text, whether it is a name to stress). ``topic`` groups findings of one kind."""

    topic: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(text for text, _ in self.pieces)


def task_findings(evaluation: Evaluation, task: TaskEvaluation, primary: str = PRIMARY) -> list[Finding]:
    """Best and tied, simple baselines, fusion against one modality, calibration, cost, distance to the optimum."""
    scores = task.score(primary)
    if scores.best is None:
        return [Finding("best", (("No method completed every split of this task.", False),))]
    found = [_best(evaluation, task, scores, primary)]
    for more in (
        _untested(task),
        _against_floor(evaluation, scores),
        _fusion(evaluation, scores),
        _calibrated(evaluation, task, scores),
        _cheapest(evaluation, task, scores),
        _below_bayes(evaluation, task, scores, primary),
    ):
        found += [more] if more else []
    return found


def survey_findings(evaluation: Evaluation, survey: Table, primary: str = PRIMARY) -> list[Finding]:
    """What holds over all tasks together: ranks, fusion, baselines, calibration, failures."""
    tasks = list(evaluation.tasks.values())
    found: list[Finding] = []
    ranked = [(row, survey.cell(row.name, "mean_rank")) for row in survey.rows if row.role != "ceiling"]
    ranked = sorted((r for r in ranked if r[1].estimate.known), key=lambda r: r[1].estimate.value)
    if len(ranked) < 2 and len(tasks) > 1:
        told = "Only one method is" if ranked else "No method is"
        found.append(Finding("best", ((f"{told} complete on all {len(tasks)} tasks: there is no ranking.", False),)))
    elif len(tasks) > 1:
        first, cell = ranked[0]
        tied = [row.title for row, c in ranked[1:] if c.mark == "tied"]
        found.append(
            Finding(
                "best",
                (
                    (first.title, True),
                    (
                        f" has the best mean rank over {len(tasks)} tasks "
                        f"({_figure(cell.estimate, 'rank')} of {len(ranked)} ranked methods)",
                        False,
                    ),
                    *_and_tied(tied, len(ranked) - 1),
                ),
            )
        )
    found += [f for f in (_fusion_over_tasks(evaluation, primary), _floor_over_tasks(evaluation, primary)) if f]
    found += [f for f in (_calibrated_over_tasks(evaluation, survey), _failures(evaluation)) if f]
    return found


def fusion_gain(evaluation: Evaluation, scores: Scores) -> tuple[str, str, Estimate] | None:
    """The best fusing method, the best that uses one modality, and their paired difference; or None."""
    fusing = [n for n in scores.methods if evaluation.info(n).fusion != "none"]
    # One that never looks at a modality uses none.
    guesses = [n for n in scores.methods if all(n in t.constant for t in evaluation.tasks.values() if n in t.methods)]
    single = [n for n in scores.methods if evaluation.info(n).fusion == "none" and n not in guesses]
    first, second = scores.only(fusing).best, scores.only(single).best
    if first is None or second is None:
        return None
    return first, second, scores.difference(first, second)


def _best(evaluation: Evaluation, task: TaskEvaluation, scores: Scores, primary: str) -> Finding:
    best = str(scores.best)
    word = "highest" if scores.direction == "higher" else "lowest"
    tied = [evaluation.info(n).title for n in _by_score(scores) if n in scores.tied]
    others = int(scores.complete.sum()) - 1
    metric, where = METRICS[primary].title.lower(), " on the one split" if len(task.splits) == 1 else ""
    told = f" has the {word} {metric}{where}, " if others else f" alone completed every split: {metric}{where} "
    guess = ((" It gives all test rows of a split the same probabilities: a guess.", False),)
    return Finding(
        "best",
        (
            (evaluation.info(best).title, True),
            (f"{told}{_figure(scores.estimate(best))}", False),
            *_and_tied(tied, others),
            *(guess if best in task.constant else ()),
        ),
    )


def _untested(task: TaskEvaluation) -> Finding | None:
    """Classes without a row in some test sets, whose scores are blind to them there."""
    absent = {
        label: len({split for (_, split), row in task.ok.items() if code not in row.y})
        for code, label in enumerate(task.info.classes)
    }
    told = [f"{label} ({count} of {len(task.splits)} test sets)" for label, count in absent.items() if count]
    text = f"No test row is of class {', '.join(told)}: scores there speak of the other classes alone."
    return Finding("classes", ((text, False),)) if told else None


def _and_tied(tied: Sequence[str], others: int) -> tuple[tuple[str, bool], ...]:
    if others <= 0:
        return ((".", False),)
    if not tied:
        return (("; all others are distinguishably worse.", False),)
    if len(tied) > _MOST_NAMES:
        return ((f"; {len(tied)} of the {others} other complete methods are not distinguishable from it.", False),)
    names: list[tuple[str, bool]] = [("; not distinguishable from it: ", False)]
    for place, name in enumerate(tied):
        names += [(", " if place else "", False), (name, True)]
    return (*names, (f" ({len(tied)} of {others}).", False))


def _against_floor(evaluation: Evaluation, scores: Scores) -> Finding | None:
    floor = scores.only([n for n in scores.methods if evaluation.info(n).role == "floor"]).best
    methods = [
        n for n, c in zip(scores.methods, scores.complete, strict=True) if c and evaluation.info(n).role == "method"
    ]
    if floor is None or not methods:
        return None
    better = [n for n in methods if _better(scores, n, floor)]
    if not better:
        return Finding(
            "floor",
            (
                (
                    f"None of the {len(methods)} methods is distinguishably better than the best simple baseline, ",
                    False,
                ),
                (evaluation.info(floor).title, True),
                (f" ({_figure(scores.estimate(floor))}).", False),
            ),
        )
    return Finding(
        "floor",
        (
            (
                f"{len(better)} of {len(methods)} methods are distinguishably better than the best simple baseline, ",
                False,
            ),
            (evaluation.info(floor).title, True),
            (f" ({_figure(scores.estimate(floor))}).", False),
        ),
    )


def _fusion(evaluation: Evaluation, scores: Scores) -> Finding | None:
    gain = fusion_gain(evaluation, scores)
    if gain is None:
        return None
    first, second, difference = gain
    fusing = [
        n for n, c in zip(scores.methods, scores.complete, strict=True) if c and evaluation.info(n).fusion != "none"
    ]
    better = sum(_better(scores, n, second) for n in fusing)
    worse = sum(_better(scores, second, n) for n in fusing)
    verdict = "Fusion helps here" if _better(scores, first, second) else "No distinguishable gain from fusion here"
    if _better(scores, second, first):
        verdict = "Fusion hurts here"
    return Finding(
        "fusion",
        (
            (f"{verdict}: the best fusing method, ", False),
            (evaluation.info(first).title, True),
            (", against the best method on a single modality, ", False),
            (evaluation.info(second).title, True),
            (
                f": paired difference {_signed(difference)}. Of {len(fusing)} fusing methods {better} are "
                f"distinguishably better than it and {worse} worse.",
                False,
            ),
        ),
    )


def _calibrated(evaluation: Evaluation, task: TaskEvaluation, scores: Scores) -> Finding | None:
    able = [n for n in scores.methods if n not in task.constant]
    smooth = task.score("smooth_ece").only(able)
    if smooth.best is None or smooth.complete.sum() < 2:
        return None
    gap = task.score("confidence_gap").estimate(smooth.best)
    return Finding(
        "calibration",
        (
            ("Best calibrated as given, constant guesses aside: ", False),
            (evaluation.info(smooth.best).title, True),
            (
                f" (smooth ECE {_figure(smooth.estimate(smooth.best))}, {_lean(gap)}); "
                f"{len(smooth.tied)} others are not distinguishable from it.",
                False,
            ),
        ),
    )


def _cheapest(evaluation: Evaluation, task: TaskEvaluation, scores: Scores) -> Finding | None:
    seconds = dict(
        zip(task.methods, np.nan_to_num(task.cost("tune_wall").points) + task.cost("fit_wall").points, strict=True)
    )
    group = [n for n in (str(scores.best), *scores.tied) if np.isfinite(seconds[n])]
    if len(group) < 2:
        return None
    cheap = min(group, key=lambda n: seconds[n])
    best = str(scores.best)
    more = (
        f", {seconds[best] / seconds[cheap]:,.0f} times less than {evaluation.info(best).title}"
        if cheap != best and seconds[cheap] > 0
        else ""
    )
    return Finding(
        "cost",
        (
            ("Cheapest to tune and fit among the best and those not distinguishable from it: ", False),
            (evaluation.info(cheap).title, True),
            (f" ({number(seconds[cheap], 'seconds')} s a split{more}).", False),
        ),
    )


def _below_bayes(evaluation: Evaluation, task: TaskEvaluation, scores: Scores, primary: str) -> Finding | None:
    if primary not in task.info.bayes or scores.best is None:
        return None
    top = scores.estimate(scores.best)
    away = top.value - task.info.bayes[primary]
    side = "above" if away > 0 else "below"
    return Finding(
        "ceiling",
        (
            (
                f"The best score stands {abs(away):.3f} {side} the closed-form optimum {task.info.bayes[primary]:.3f}",
                False,
            ),
            (
                ", which lies inside its interval."
                if top.bounded and not top.excludes(task.info.bayes[primary])
                else "."
                if top.bounded
                else "; without an interval that may be chance.",
                False,
            ),
        ),
    )


def _fusion_over_tasks(evaluation: Evaluation, primary: str) -> Finding | None:
    helped, hurt, known = [], [], 0
    for task in evaluation.tasks.values():
        scores = task.score(primary)
        gain = fusion_gain(evaluation, scores)
        if gain is None:
            continue
        known += 1
        helped += [task.info.title] if _better(scores, gain[0], gain[1]) else []
        hurt += [task.info.title] if _better(scores, gain[1], gain[0]) else []
    if not known:
        return None
    names = f" ({', '.join(helped)})" if helped else ""
    return Finding(
        "fusion",
        (
            (
                f"The best fusing method is distinguishably better than the best single modality on "
                f"{_share(len(helped), known)} tasks{names}",
                False,
            ),
            (f", and worse on {_share(len(hurt), known)}." if hurt else ".", False),
        ),
    )


def _floor_over_tasks(evaluation: Evaluation, primary: str) -> Finding | None:
    beaten, known = 0, 0
    for task in evaluation.tasks.values():
        scores = task.score(primary)
        floor = scores.only([n for n in scores.methods if evaluation.info(n).role == "floor"]).best
        above = scores.only([n for n in scores.methods if evaluation.info(n).role == "method"]).best
        if floor is not None and above is not None:
            known += 1
            beaten += _better(scores, above, floor)
    if not known:
        return None
    return Finding(
        "floor",
        (
            (
                f"The best method is distinguishably better than the best simple baseline on "
                f"{_share(beaten, known)} tasks.",
                False,
            ),
        ),
    )


def _calibrated_over_tasks(evaluation: Evaluation, survey: Table) -> Finding | None:
    marked = {row.name: survey.cell(row.name, "smooth_ece") for row in survey.rows if row.role != "ceiling"}
    best = next((name for name, cell in marked.items() if cell.mark == "best"), None)
    if best is None:
        return None
    helped, known = 0, 0
    for task in evaluation.tasks.values():
        raw, warm = task.score("log_loss").points, task.score("log_loss", RECALIBRATED).points
        both = np.isfinite(raw) & np.isfinite(warm)
        helped, known = helped + int((warm[both] < raw[both]).sum()), known + int(both.sum())
    return Finding(
        "calibration",
        (
            ("Best calibrated over all tasks, as given: ", False),
            (evaluation.info(best).title, True),
            (
                f" (smooth ECE {_figure(marked[best].estimate)}). Temperature scaling lowers the "
                f"log-loss in {helped} of {known} cells.",
                False,
            ),
        ),
    )


def _failures(evaluation: Evaluation) -> Finding | None:
    frame = evaluation.results.outcomes
    bad = int((frame["status"] != "ok").sum())
    if not bad:
        return Finding("failures", ((f"All {len(frame)} jobs succeeded.", False),))
    kinds = frame.loc[frame["status"] != "ok", "status"].value_counts()
    told = ", ".join(f"{count} {str(kind).replace('_', ' ')}" for kind, count in kinds.items())
    return Finding("failures", ((f"{bad} of {len(frame)} jobs gave no result ({told}); none was imputed.", False),))


def _share(count: int, of: int) -> str:
    return f"{count or 'none'} of {'the ' if not count else ''}{of}"


def _better(scores: Scores, first: str, second: str) -> bool:
    """Whether the first is distinguishably better than the second."""
    difference = scores.difference(first, second)
    sign = 1 if scores.direction == "higher" else -1
    return difference.excludes(0.0) and sign * difference.value > 0


def _by_score(scores: Scores) -> list[str]:
    sign = -1 if scores.direction == "higher" else 1
    return [scores.methods[m] for m in np.argsort(sign * np.nan_to_num(scores.points), kind="stable")]


def _figure(estimate: Estimate, form: str = "score") -> str:
    value = number(estimate.value, form)  # type: ignore[arg-type]
    if not estimate.spread:
        return f"{value} without spread" if estimate.bounded else f"{value} without an interval"
    if estimate.symmetric:
        return f"{value} ± {half_width(estimate.half, estimate.value, form)}"  # type: ignore[arg-type]
    return f"{value}, 95 % interval {number(estimate.low, form)} to {number(estimate.high, form)}"  # type: ignore[arg-type]


def _signed(estimate: Estimate) -> str:
    if not estimate.spread:
        return f"{estimate.value:+.3f} without {'spread' if estimate.bounded else 'an interval'}"
    return f"{estimate.value:+.3f} (95 % interval {estimate.low:+.3f} to {estimate.high:+.3f})"


def _lean(gap: Estimate) -> str:
    if not gap.bounded or not gap.excludes(0.0):
        return "neither over- nor under-confident as far as can be told"
    return "over-confident" if gap.value > 0 else "under-confident"
