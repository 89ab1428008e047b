"""What every method is: a scikit-learn classifier over samples, with a card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from fusebench.datasets.samples import Samples

from .attribution import Attribution
from .card import MethodCard
from .space import SearchSpace

if TYPE_CHECKING:
    from fusebench.datasets.task import Task

Labels = npt.NDArray[np.int64]
Proba = npt.NDArray[np.float64]


class Method(ClassifierMixin, BaseEstimator):
    """A classifier of multimodal samples.

    A subclass sets ``card``, takes its settings as keyword arguments of ``__init__`` and only stores them there (the
    rule of scikit-learn, so that ``clone`` and ``get_params`` work), and defines ``fit`` and ``predict_proba``.

    The harness sets ``random_state`` (int) and ``device`` ("cpu" or "cuda") when the constructor has them.
    ``samples.groups`` tells which rows belong to one subject: an inner split must respect it
    (``fusebench.datasets.splits.stratified_folds`` and ``holdout`` do).

    After ``fit`` a method may carry, for the report: ``n_parameters_`` (int), ``flops_`` (float, for one row),
    ``modality_weights_`` (modality name to non-negative weight), ``structure_`` (a graphical model's graph as a
    ``fusebench.methods.structure.Structure``: one node of the role "class", modalities by their names, no cycle when
    directed), ``notes_`` (list of sentences worth showing).

    For the conformance checks a class may set ``check_params`` (light settings, so that a network trains for a second)
    and ``expected_failed_checks`` (name of a check to the reason why the method may break it).
    """

    card: ClassVar[MethodCard]
    check_params: ClassVar[Mapping[str, Any]] = {}
    expected_failed_checks: ClassVar[Mapping[str, str]] = {}
    classes_: npt.NDArray[np.int64]

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn from n training rows and their labels; everything that learns learns here. Sets ``classes_``."""
        raise NotImplementedError

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_)): finite, rows summing to 1, columns as in ``classes_``."""
        raise NotImplementedError

    def predict(self, samples: Samples) -> Labels:
        """The most probable class of each row."""
        return self.classes_[self.predict_proba(samples).argmax(axis=1)]

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Why the method cannot run on the task, or None. Extend with ``super().skip(task) or ...``."""
        return skip_by_card(cls.card, task)

    @classmethod
    def skip_with(cls, task: Task, params: Mapping[str, Any]) -> str | None:
        """The same under settings that the user fixed. A method that builds on others overrides it and asks them."""
        return cls.skip(task)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """What may be tuned, by parameter name. The defaults are always the first trial."""
        return {}

    @classmethod
    def warm_up(cls) -> None:
        """Untimed preparation before the first fit in a process: imports and compilation, never data."""

    @classmethod
    def warm_up_with(cls, params: Mapping[str, Any]) -> None:
        """The same under settings that the user fixed. A method that builds on others overrides it."""
        cls.warm_up()

    def attributions(self, samples: Samples) -> Mapping[str, Attribution]:
        """By modality, what within it moved the predictions of n rows; empty where the method cannot tell."""
        return {}

    def cost(self) -> Mapping[str, float]:
        """Size of the fitted model: parameters, and floating-point operations for one row where they are known."""
        known = {"parameters": getattr(self, "n_parameters_", None), "flops": getattr(self, "flops_", None)}
        return {name: float(value) for name, value in known.items() if value is not None}


def build(cls: type[Method], params: Mapping[str, Any], seed: int, device: str) -> Method:
    """The method with its settings, seeded and placed where its constructor allows it."""
    accepted = cls._get_param_names()
    given: dict[str, Any] = {"random_state": seed, "device": device}
    return cls(**{k: v for k, v in given.items() if k in accepted}, **params)


def skip_by_card(card: MethodCard, task: Task) -> str | None:
    """The reasons to skip that follow from the card: kinds, number of modalities, what is missing."""
    samples = task.samples
    alien = [m for m in samples.modalities if m.kind not in card.kinds]
    if alien:
        told = ", ".join(f"{m.name} ({m.kind})" for m in alien)
        return f"takes {', '.join(card.kinds)}, not {told}"
    m = len(samples.names)
    if m < card.least:
        return f"needs at least {card.least} modalities, the task has {m}"
    if card.most and m > card.most:
        return f"takes at most {card.most} modalities, the task has {m}"
    absent = [modality.name for modality in samples.modalities if not modality.present.all()]
    if absent and card.handles_missing not in ("modalities", "both"):
        return f"cannot handle absent modalities ({', '.join(absent)})"
    if card.handles_missing not in ("cells", "both"):
        holes = [mod.name for mod in samples.modalities if not mod.take(np.flatnonzero(mod.present)).complete]
        if holes:
            return f"cannot handle missing cells (in {', '.join(holes)})"
    return None
