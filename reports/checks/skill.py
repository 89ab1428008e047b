"""Checks of skill: better than guessing, than the class shares, than one modality, and not too good to be true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..claims.groups import by_split
from ..evaluation import Evaluation, TaskEvaluation
from ..fusion.gains import fusion_gains
from ..metrics.registry import METRICS
from ..models.contributions import contributions
from ..statistics.intervals import Estimate, corrected_t, percentile
from ..tables import PRIMARY
from .check import Remark, each

CARRIES, ADDS = 0.9, 0.05
GAP = 0.1


def no_skill(evaluation: Evaluation) -> Iterator[Remark]:
    """The interval of balanced accuracy reaches down to chance: it may know nothing here. Do not read its rank."""
    for task, name in each(evaluation):
        figure = task.score("balanced_accuracy").estimate(name)
        chance = 1 / len(task.info.classes)
        if name not in task.constant and task.guessing(name):
            yield Remark(
                task.info.name,
                name,
                f"balanced accuracy {figure.value:.3f}, interval from {figure.low:.3f}; guessing gives {chance:.3f}",
            )


def worse_than_shares(evaluation: Evaluation) -> Iterator[Remark]:
    """Its probabilities score worse than giving every row the shares of the classes. Recalibrate before use."""
    for task, name in each(evaluation):
        pooled = task.pooled(name)
        figure = task.score("log_loss").estimate(name)
        if pooled is None or name in task.constant:
            continue
        shares = np.bincount(pooled[0], minlength=pooled[1].shape[1]) / len(pooled[0])
        entropy = float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
        if figure.value > entropy:
            yield Remark(
                task.info.name,
                name,
                f"log-loss {figure.value:.3f}, always giving the class shares scores {entropy:.3f}",
            )


def above_bayes(evaluation: Evaluation) -> Iterator[Remark]:
    """The score is distinguishably above the closed-form optimum. Look for a leak from labels or test rows."""
    for task, name in each(evaluation):
        for metric, best in task.info.bayes.items():
            if metric == "accuracy" or metric == "balanced_accuracy":
                figure = task.score(metric).estimate(name)
                if figure.bounded and figure.low > best:
                    yield Remark(
                        task.info.name,
                        name,
                        f"{metric} {figure.value:.3f} from {figure.low:.3f}, the optimum is {best:.3f}: a leak?",
                    )


def perfect(evaluation: Evaluation) -> Iterator[Remark]:
    """No error in any split. Look for a leak, or take a harder task: perfect methods cannot be compared."""
    for task, name in each(evaluation):
        if task.score("accuracy").estimate(name).value == 1.0:
            yield Remark(
                task.info.name, name, "every test row is right in every split: look for a leak, or take a harder task"
            )


def worse_than_single(evaluation: Evaluation) -> Iterator[Remark]:
    """A fusing method is distinguishably worse than the best single modality. Use that one, or fuse otherwise."""
    for task in evaluation.tasks.values():
        found = fusion_gains(evaluation, task, PRIMARY)
        for gain in found.gains if found else ():
            if found and gain.verdict == "loses":
                lost = f"{-gain.over_single.value:.3f} below {found.single} in {PRIMARY.replace('_', ' ')}, paired"
                yield Remark(task.info.name, gain.method, lost)


def one_modality(evaluation: Evaluation) -> Iterator[Remark]:
    """Nearly all that a fusing method gains comes from one modality. A simpler method on that one may do as well."""
    for task in evaluation.tasks.values():
        for own in contributions(evaluation, task, PRIMARY):
            values = {name: max(estimate.value, 0.0) for name, estimate in own.estimates.items()}
            total = sum(values.values())
            name = max(values, key=lambda n: values[n])
            if len(values) > 1 and total >= ADDS and values[name] >= CARRIES * total:
                told = f"{name} adds {values[name]:.3f} of {total:.3f} to the probability of the true class"
                yield Remark(task.info.name, own.method, told)


def train_test_gap(evaluation: Evaluation) -> Iterator[Remark]:
    """It scores far better on the rows it was fitted on than on test rows: it overfits. Regularise, or add rows."""
    for task, name in each(evaluation):
        found = _gap(task, name)
        if found is not None and found[1].bounded and found[1].low > GAP:
            train, gap = found
            title, test = METRICS[PRIMARY].title.lower(), task.score(PRIMARY).estimate(name).value
            told = f"{title} {train:.3f} on training rows, {test:.3f} on test rows; gap from {gap.low:.3f} up"
            yield Remark(task.info.name, name, told)


def _gap(task: TaskEvaluation, name: str) -> tuple[float, Estimate] | None:
    """Score on training rows, and by how much it lies above that on test rows; None where none were kept.

    Paired by split; with one test set the training score stands still, and test subjects are drawn.
    """
    train = by_split(task, name, PRIMARY, "train_y", "train_proba")
    known = np.isfinite(train)
    if not known.any():
        return None
    middle = float(train[known].mean())
    scores = task.score(PRIMARY)
    values = scores.values[scores.methods.index(name)]
    if task.resampled:
        return middle, corrected_t(train - values, task.test_to_train)
    return middle, percentile(middle - scores.estimate(name).value, middle - values)
