"""The one training loop of all networks: AdamW, early stopping on rows held out by subject, seeded, CPU or GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from fusebench.datasets.errors import DataError
from fusebench.datasets.splits import holdout, merge_rare

Batch = Mapping[str, Tensor]
"""Names to tensors that share their first dimension, the rows of the batch."""

Loss = Callable[[Any, Batch], Mapping[str, Tensor]]
"""From a module's output and the batch to named terms, each a mean over the batch's rows; their sum is minimised."""

Schedule = Callable[[float], float]
"""From the share of the longest training that is done, 0 to 1, to a factor on the learning rate."""

Rows = npt.NDArray[np.intp]

_EVALUATED_AT_ONCE = 2048


class DivergenceError(ArithmeticError):
    """The loss stopped being a finite number."""


class Source(Protocol):
    """Where batches come from: whatever can give the rows at some positions, from memory or from disk."""

    device: torch.device

    @property
    def most_rows(self) -> int:
        """The largest batch that memory allows."""

    def batch(self, rows: Tensor) -> Batch:
        """The rows at those positions (int64, on the CPU), on ``device``."""


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    learning_rate, weight_decay: of AdamW (Loshchilov & Hutter 2019); vectors (biases, norms) are not decayed.
    max_epochs: the longest training.
    patience: epochs without progress after which it ends.
    progress: share by which the watched loss must have fallen since the last progress to count as progress again.
        Smaller gains are kept too, but do not buy more epochs.
    batch_size: rows in a batch; None takes about six batches an epoch, between 32 and 512 rows.
    clip_norm: largest Euclidean norm of the whole gradient.
    monitor: the loss term that early stopping watches; None watches the sum of all.
    """

    learning_rate: float = 5e-3
    weight_decay: float = 0.5
    max_epochs: int = 200
    patience: int = 10
    progress: float = 0.01
    batch_size: int | None = None
    clip_norm: float = 5.0
    monitor: str | None = None


@dataclass
class History:
    """The learning curve: the mean of each loss term, by epoch.

    ``train`` is the running mean during the epoch, dropout included; ``validation`` is read after it, without dropout.
    ``best_epoch`` is the epoch (counted from 0) whose weights the module carries now.
    """

    train: list[dict[str, float]] = field(default_factory=list)
    validation: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1

    def loss(self, part: str = "validation", term: str | None = None) -> npt.NDArray[np.float64]:
        """Loss by epoch, of "train" or "validation": one term, or the sum of all."""
        return np.array([_watched(terms, term) for terms in getattr(self, part)])


def train(
    module: nn.Module,
    source: Source,
    rows: Rows,
    validation: Rows,
    loss: Loss,
    settings: Training,
    *,
    seed: int,
    schedule: Schedule | None = None,
) -> History:
    """Train the module in place and leave it, in evaluation mode, with the weights of its best epoch.

    Parameters
    ----------
    module: takes a batch; what it returns is handed to ``loss`` with the batch.
    rows, validation: positions in ``source`` to learn from, and to watch. They should share no subject.
    seed: order of rows and dropout follow from it alone; torch's global generators are left as they were found.

    Raises
    ------
    DivergenceError: the loss is infinite or not a number.
    """
    module.to(source.device)
    with seeded(seed, source.device):
        return _Run(module, source, loss, settings).train(torch.as_tensor(rows), torch.as_tensor(validation), schedule)


class _Run:
    """One training: the optimiser's state and the loop."""

    def __init__(self, module: nn.Module, source: Source, loss: Loss, settings: Training) -> None:
        self.module, self.source, self.loss, self.settings = module, source, loss, settings
        learnt = [p for p in module.parameters() if p.requires_grad]
        matrices = [p for p in learnt if p.ndim > 1]
        vectors = [p for p in learnt if p.ndim <= 1]
        self.parameters = learnt
        self.groups = [
            _AdamW(group, decay) for group, decay in ((matrices, settings.weight_decay), (vectors, 0.0)) if group
        ]

    def train(self, rows: Tensor, validation: Tensor, schedule: Schedule | None) -> History:
        history = History()
        best = mark = math.inf
        kept, stale = _state(self.module), 0
        for epoch in range(self.settings.max_epochs):
            done = epoch / self.settings.max_epochs
            rate = self.settings.learning_rate * (schedule(done) if schedule else 1.0)
            history.train.append(self._finite(self._learn(rows, rate), epoch, rate))
            history.validation.append(self._finite(self._evaluate(validation), epoch, rate))
            watched = _watched(history.validation[-1], self.settings.monitor)
            if mark == math.inf or watched < mark - self.settings.progress * abs(mark):
                mark, stale = watched, 0
            else:
                stale += 1
            if watched < best:
                best, kept, history.best_epoch = watched, _state(self.module), epoch
            if stale >= self.settings.patience:
                break
        _restore(self.module, kept)
        self.module.eval()
        return history

    def _learn(self, rows: Tensor, rate: float) -> dict[str, float]:
        self.module.train()
        means = _Means()
        size = min(self.settings.batch_size or min(max(len(rows) // 6, 32), 512), self.source.most_rows)
        # Batches of equal size: a last one of a single row would be a step of noise.
        for part in rows[torch.randperm(len(rows))].tensor_split(math.ceil(len(rows) / size)):
            batch = self.source.batch(part)
            terms = self.loss(self.module(batch), batch)
            for parameter in self.parameters:
                parameter.grad = None
            _total(terms).backward()
            nn.utils.clip_grad_norm_(self.parameters, self.settings.clip_norm)
            for group in self.groups:
                group.step(rate)
            means.add(terms, len(part))
        return means.read()

    @torch.no_grad()
    def _evaluate(self, rows: Tensor) -> dict[str, float]:
        self.module.eval()
        means = _Means()
        for part in rows.split(min(self.source.most_rows, _EVALUATED_AT_ONCE)):
            batch = self.source.batch(part)
            means.add(self.loss(self.module(batch), batch), len(part))
        return means.read()

    def _finite(self, terms: dict[str, float], epoch: int, rate: float) -> dict[str, float]:
        bad = [f"{name} is {value}" for name, value in terms.items() if not math.isfinite(value)]
        if bad:
            raise DivergenceError(
                f"training diverged in epoch {epoch + 1}: {', '.join(bad)} at learning rate {rate:g}; "
                "use a smaller learning rate, and check the data for extreme values"
            )
        return terms


class _AdamW:
    """State of AdamW for some parameters.

    It calls torch's functional form: a step of ``torch.optim.AdamW`` takes twice as long for a small network.
    """

    def __init__(self, parameters: list[Tensor], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.steps = [torch.zeros((), device=p.device) for p in parameters]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        used = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        adamw(
            [self.parameters[i] for i in used],
            [self.parameters[i].grad for i in used],
            [self.means[i] for i in used],
            [self.squares[i] for i in used],
            [],
            [self.steps[i] for i in used],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate,
            weight_decay=self.decay,
            eps=1e-8,
            maximize=False,
        )


class _Means:
    """Means of loss terms over rows; read from the device once."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.rows = 0

    def add(self, terms: Mapping[str, Tensor], rows: int) -> None:
        for name, value in terms.items():
            weighted = value.detach() * rows
            self.sums[name] = self.sums[name] + weighted if name in self.sums else weighted
        self.rows += rows

    def read(self) -> dict[str, float]:
        return {name: float(value) / self.rows for name, value in self.sums.items()}


def _total(terms: Mapping[str, Tensor]) -> Tensor:
    first, *rest = terms.values()
    for term in rest:
        first = first + term
    return first


def _watched(terms: Mapping[str, float], name: str | None) -> float:
    return sum(terms.values()) if name is None else terms[name]


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _restore(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    module.load_state_dict(dict(state))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's generators seeded inside, and as they were outside; on a GPU, only deterministic convolutions."""
    gpus = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        # Not torch.manual_seed: it would also reseed every GPU, which nobody would put back.
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield


def torch_device(device: str) -> torch.device:
    """The device of that name; DataError when it is unknown, or not there."""
    try:
        found = torch.device(device)
    except RuntimeError:
        found = torch.device("meta")
    if found.type not in ("cpu", "cuda"):
        raise DataError(f"device {device!r} is unknown; use 'cpu' or 'cuda'")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise DataError(
            f"device {device!r}: this PyTorch ({torch.__version__}) sees no GPU; use 'cpu', or install a CUDA build"
        )
    return found


def validation_split(codes: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> tuple[Rows, Rows]:
    """Positions to learn from and to watch, about 1/folds of the rows, stratified, no subject on both sides.

    A class with fewer subjects than folds joins the largest class's stratum, so that one rare class does not make
    the division coarser for all. A single subject cannot be divided: then both parts are all rows.
    """
    if len(np.unique(groups)) < 2:
        return np.arange(len(codes)), np.arange(len(codes))
    return holdout(merge_rare(codes, groups, folds), groups, folds, seed)


class CrossEntropy:
    """Mean cross-entropy of logits, optionally with a weight a class.

    Parameters
    ----------
    label: key of the class codes in the batch.
    weights: shape (C,), mean 1 over training rows; None counts every row once, which keeps probabilities calibrated.
    """

    def __init__(self, label: str, weights: Tensor | None = None) -> None:
        self.label, self.weights = label, weights

    def __call__(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a batch, under its name."""
        codes = batch[self.label]
        if self.weights is None:
            return {"cross_entropy": nn.functional.cross_entropy(logits, codes)}
        # Divided by rows, not by the batch's weights: so the mean over batches is the mean over rows.
        each = nn.functional.cross_entropy(logits, codes, reduction="none")
        return {"cross_entropy": (self.weights[codes] * each).mean()}


def balanced_weights(codes: np.ndarray, n_classes: int, device: torch.device) -> Tensor:
    """Weight n / (C n_c) for class c, shape (n_classes,): every class counts alike, the mean over rows is 1."""
    counts = np.bincount(codes, minlength=n_classes)
    present = counts > 0
    weights = np.where(present, len(codes) / (present.sum() * np.maximum(counts, 1)), 0.0)
    return torch.as_tensor(weights, dtype=torch.float32, device=device)
