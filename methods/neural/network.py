"""What all neural methods share: settings, fitting one or several networks, and probabilities from their logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import torch

# The operation counter loads torch's compiler when it is first used, which takes seconds: once here, in the process
# that jobs are forked from, instead of in every job.
import torch._dynamo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import derived_seed

from ..attribution import Attribution
from ..base import Labels, Method, Proba
from ..space import Real, SearchSpace, Whole
from . import checkpoint
from .batches import Mixing, Rows, validation_split
from .devices import seeded, torch_device
from .inputs import LABEL, Inputs, SampleSource, Shape, graph_key, present_key
from .losses import CrossEntropy, Loss, balanced_weights
from .together import Together, fit_together
from .trainer import Learner, Trained, train
from .training import DivergenceError, History, Schedule, Training

CLASS_WEIGHT = "<class weight>"
"""Key of what a row's class counts in the loss; only there with class weights."""

EARLY = "early"
"""The name of a network that sees all modalities; networks of one modality bear its name."""

_PREDICTED_AT_ONCE = 2048


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralMethod(Method):
    """A classifier of one or several networks, each trained by the one trainer.

    Parameters
    ----------
    hidden: width of hidden layers.
    learning_rate, weight_decay, max_epochs, patience, batch_size, clip_norm, schedule, warm_up_share, mix_up,
        mixed_precision, compiled, deterministic: see ``Training``.
    dropout: share of hidden units silenced in training.
    class_weight: None counts every row once, so that probabilities keep the training prior and stay calibrated;
        "balanced" lets every class count alike, for decisions on rare classes, at the price of that calibration.
    sampling: None takes every row once an epoch; "balanced" draws as many rows, all classes equally often: the other
        way to the same end, with more different steps for rare classes.
    validation_folds: 1/validation_folds of the training subjects are watched for early stopping.
    random_state: everything random follows from it.
    device: "cpu" or "cuda".

    Attributes
    ----------
    networks_: name to trained module. history_: name to learning curve. n_parameters_: learnt numbers.
    flops_: operations to predict one row, as torch counts them (two for a multiply-add in matrix products and
        convolutions; the rest is left out). Counted when first asked for.
    """

    check_params: ClassVar[Mapping[str, Any]] = {"max_epochs": 40}

    hidden: int = 32
    learning_rate: float = 2.5e-3
    weight_decay: float = 1.0
    dropout: float = 0.1
    class_weight: Literal["balanced"] | None = None
    sampling: Literal["balanced"] | None = None
    max_epochs: int = 200
    patience: int = 10
    batch_size: int | None = None
    clip_norm: float = 5.0
    schedule: Schedule = "constant"
    warm_up_share: float = 0.0
    mix_up: float = 0.0
    mixed_precision: bool = False
    compiled: bool = False
    deterministic: bool = False
    validation_folds: int = 5
    random_state: int = 0
    device: str = "cpu"

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Width, learning rate, weight decay and dropout."""
        return {
            "hidden": Whole(16, 256, log=True),
            "learning_rate": Real(1e-3, 2e-2, log=True),
            "weight_decay": Real(0.01, 3.0, log=True),
            "dropout": Real(0.0, 0.5),
        }

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Train on n rows.

        Raises
        ------
        DataError: a setting, a device or a sort of data that cannot be used.
        DivergenceError: a loss that is not finite.
        """
        learners = self._begin(samples, y)
        self._end(samples, y, learners, train(list(learners.values())))
        return self

    @classmethod
    def fit_together(cls, methods: Sequence[Self], samples: Sequence[Samples], y: Sequence[Labels]) -> Together:
        """Fit each method on its own samples and labels as by its own ``fit``, but side by side; see ``Together``."""
        return fit_together(methods, samples, y)

    def predict_proba(self, samples: Samples) -> Proba:
        """Mean of the networks' probabilities over those that can see something of the row, shape (n, C).

        A row without any modality gets the class frequencies of the training rows.
        """
        members = self.member_probabilities(samples)
        weights = self._late_weights()
        mixed = np.zeros((len(samples), len(self.classes_)))
        for name, proba in members.items():
            mixed += np.where(np.isnan(proba), 0.0, weights[name] * proba)
        total = mixed.sum(axis=1, keepdims=True)
        return np.where(total > 0, mixed / np.where(total > 0, total, 1.0), self.prior_)

    def member_probabilities(self, samples: Samples) -> dict[str, Proba]:
        """Each network's own probabilities, (n, C); NaN in rows that have none of the modalities it sees."""
        source = self.inputs_.open(samples, torch_device(self.device))
        seen = self._members(self.inputs_.names_)
        found = {}
        for member, network in self.networks_.items():
            proba = _probabilities(network, source.select(seen[member]), len(samples))
            proba[~_usable(samples, seen[member])] = np.nan
            found[member] = proba
        return found

    def attributions(self, samples: Samples) -> dict[str, Attribution]:
        """By modality, integrated gradients and class activation maps of n rows in short."""
        from .attribution_summary import attributions  # only what explains needs it

        return attributions(self, samples)

    def save(self, path: str | Path) -> None:
        """Write the fitted method to a file of plain arrays; see ``fusebench.methods.neural.checkpoint``."""
        checkpoint.save(self, path)

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> Self:
        """The fitted method of a file, which predicts as it did; DataError when it is none of this method's."""
        return checkpoint.load(cls, path, device)

    @cached_property
    def flops_(self) -> float:
        """Operations to predict one row."""
        row = self.inputs_.empty_row(torch_device(self.device))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            for network in self.networks_.values():
                network(row)
        return float(counter.get_total_flops())

    def _members(self, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """The networks to train: name to the modalities it sees. One that sees all, unless a method says otherwise."""
        return {EARLY: names}

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        """A fresh network for modalities of those shapes: from a batch to logits, shape (n, n_classes)."""
        raise NotImplementedError

    def _late_weights(self) -> dict[str, float]:
        """Non-negative weight of each trained network in the mean."""
        return dict.fromkeys(self.networks_, 1.0 / len(self.networks_)) if self.networks_ else {}

    def _check(self, samples: Samples) -> None:
        """DataError for settings that cannot be used with those training rows. Extend with ``super()._check(...)``."""
        if self.class_weight not in (None, "balanced"):
            raise DataError(f"class_weight {self.class_weight!r}: use None or 'balanced'")
        if self.sampling not in (None, "balanced"):
            raise DataError(f"sampling {self.sampling!r}: use None or 'balanced'")
        texts = [m.name for m in samples.modalities if m.kind == "text"]
        if self.mix_up and texts:
            raise DataError(f"mix_up {self.mix_up!r}: the words of {', '.join(texts)} cannot be mixed; use 0")

    def _loss(self) -> Loss:
        """What is minimised; a system may give more terms."""
        return CrossEntropy(LABEL, CLASS_WEIGHT if self.class_weight else None)

    def _settle(self, samples: Samples, y: Labels) -> None:
        """What is learnt once all networks are trained."""

    def _begin(self, samples: Samples, y: Labels) -> dict[str, Learner]:
        """All of a fit before its training: the networks to train, by name."""
        self.__dict__.pop("flops_", None)
        self._check(samples)
        device = torch_device(self.device)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.prior_ = np.bincount(codes) / len(codes)
        self.notes_: list[str] = []
        self.inputs_ = Inputs().fit(samples)
        source = self.inputs_.open(samples, device, codes)
        split = validation_split(
            codes, samples.groups, self.validation_folds, derived_seed(self.random_state, "validation")
        )
        self.validation_rows_ = split[1]
        balance = balanced_weights(codes)
        learners = {}
        for member, names in self._members(samples.names).items():
            usable = _usable(samples, names)
            if not usable.any():
                self.notes_.append(f"no training row has {', '.join(names)}: it has no network")
                continue
            rows, watched = (part[usable[part]] for part in split)
            if not (len(rows) and len(watched)):
                rows = watched = np.flatnonzero(usable)
            learners[member] = self._learner(member, names, source.select(names), rows, watched, balance)
        return learners

    def _learner(
        self,
        member: str,
        names: tuple[str, ...],
        source: SampleSource,
        rows: Rows,
        watched: Rows,
        balance: npt.NDArray[np.float32],
    ) -> Learner:
        # A seed from the member's name: the same network is the same alone and beside others.
        seed = derived_seed(self.random_state, member)
        with seeded(seed, source.device):
            network = self._fresh(names)
        if self.class_weight:
            source.resident = {**source.resident, CLASS_WEIGHT: torch.as_tensor(balance, device=source.device)}
        return Learner(
            network,
            source,
            rows,
            watched,
            self._loss(),
            self._training(),
            seed,
            chances=balance[rows] / balance[rows].sum(dtype=np.float64) if self.sampling else None,
            counts=balance[watched] if self.sampling else None,
            mixing=Mixing(frozenset([*names, *map(graph_key, names)]), frozenset(map(present_key, names))),
        )

    def _fresh(self, names: tuple[str, ...]) -> nn.Module:
        """A network over those modalities, not yet trained, on the device."""
        shapes = {name: self.inputs_.shapes_[name] for name in names}
        return self._network(shapes, len(self.classes_)).to(torch_device(self.device))

    def _end(self, samples: Samples, y: Labels, learners: Mapping[str, Learner], trained: Sequence[Trained]) -> None:
        """All of a fit after its training."""
        for came in trained:
            if isinstance(came, DivergenceError):
                raise came
        self.networks_: dict[str, nn.Module] = {member: learner.module for member, learner in learners.items()}
        self.history_: dict[str, History] = dict(zip(learners, trained, strict=True))  # type: ignore[arg-type]
        self.n_parameters_ = sum(p.numel() for network in self.networks_.values() for p in network.parameters())
        self._settle(samples, y)

    def _training(self) -> Training:
        return Training(
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            max_epochs=self.max_epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            clip_norm=self.clip_norm,
            schedule=self.schedule,
            warm_up_share=self.warm_up_share,
            mix_up=self.mix_up,
            mixed_precision=self.mixed_precision,
            compiled=self.compiled,
            deterministic=self.deterministic,
        )


def _usable(samples: Samples, names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Which rows have at least one of the modalities."""
    return np.any([samples.modality(name).present for name in names], axis=0)


@torch.no_grad()
def _probabilities(network: nn.Module, source: SampleSource, rows: int) -> Proba:
    chunks = torch.arange(rows).split(min(source.most_rows, _PREDICTED_AT_ONCE))
    logits = torch.cat([network(source.batch(chunk)) for chunk in chunks])
    return logits.double().softmax(dim=1).cpu().numpy()
