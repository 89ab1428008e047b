"""Checks of skill: better than guessing, than the class shares, than one modality, and not too good to be true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..evaluation import Evaluation
from ..fusion.gains import fusion_gains
from ..models.contributions import contributions
from ..tables import PRIMARY
from .check import Remark, each

CARRIES, ADDS = 0.9, 0.05


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
