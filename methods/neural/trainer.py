"""The one training loop of all networks: AdamW, early stopping on rows held out by subject, alone or side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .batches import LARGEST, Dealer, Epoch, Mixing, Pool, Rows, Source, watched
from .devices import deterministic, keep_freed_memory, seeded
from .losses import Batch, Loss
from .noise import name_noise
from .stack import Networks, Stride, Terms, architecture
from .training import DivergenceError, History, Progress, Training

_WATCHED_AT_ONCE = 2048
_STACK_BYTES = 2**30

# On a CPU a stack of convolutions takes as long as one after another, and rounds differently.
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(eq=False)
class Learner:
    """A network with all that its training depends on.

    Parameters
    ----------
    module: takes a batch; what it returns is handed to ``loss`` with the batch. On the source's device.
    rows, validation: positions in ``source`` to learn from, and to watch. They should share no subject.
    loss: see ``Loss``; a system of several parts may give several terms.
    seed: order of rows, noise and mix-up follow from it alone; torch's global generators are left as they were found.
    chances: how often to draw each of ``rows``, summing to 1, with replacement; None takes each once an epoch.
    counts: what each of ``validation`` counts in the watched loss; None counts all alike. With ``chances`` it should
        make the watched loss the one that is minimised.
    mixing: what mix-up does to which keys.
    """

    module: nn.Module
    source: Source
    rows: Rows
    validation: Rows
    loss: Loss
    settings: Training
    seed: int
    chances: npt.NDArray[np.float64] | None = None
    counts: npt.NDArray[np.float32] | None = None
    mixing: Mixing = field(default_factory=Mixing)


Trained = History | DivergenceError
"""A learning curve, or why there is none: the loss is infinite or not a number."""


def train(learners: Sequence[Learner], groups: Sequence[Sequence[int]] | None = None) -> list[Trained]:
    """Train the networks in place, and leave them in evaluation mode with the weights of their best epochs.

    Parameters
    ----------
    groups: positions of those that train side by side (see ``stacks``), every one once; None for each alone. They see
        the same batches as alone, and the same numbers but for the rounding of gradients, about 1e-7 of them; a
        training that is itself unstable, as at a high learning rate, may make more of that. One that diverges leaves
        the others as they are.
    """
    keep_freed_memory()
    found: dict[int, Trained] = {}
    for group in groups or [[i] for i in range(len(learners))]:
        members = [learners[i] for i in group]
        settings = members[0].settings
        with seeded(members[0].seed, members[0].source.device), deterministic(settings.deterministic):
            found |= zip(group, _Run(members).train(), strict=True)
    return [found[i] for i in range(len(learners))]


def stacks(learners: Sequence[Learner]) -> list[list[int]]:
    """Which learners can train side by side, by position: those that agree in architecture and the form of data."""
    found: dict[Hashable, list[int]] = {}
    for i, learner in enumerate(learners):
        form = _form(learner)
        found.setdefault(i if form is None else form, []).append(i)
    return list(found.values())


def _form(learner: Learner) -> Hashable | None:
    """Equal for learners that may train in one stack; None for one that must train alone."""
    source, own = learner.source, learner.settings
    if source.on_disk:
        return None
    convolves = any(isinstance(module, _CONVOLUTIONS) for module in learner.module.modules())
    form = architecture(learner.module)
    if form is None or (convolves and source.device.type == "cpu"):
        return None
    data = tuple(sorted((key, tuple(t.shape[1:]), str(t.dtype)) for key, t in source.resident.items()))
    common = (own.monitor, own.mix_up > 0, own.mixed_precision, own.compiled, own.deterministic)
    return form, data, common, learner.loss, learner.mixing, str(source.device)


class _Member:
    """One learner on its way."""

    def __init__(self, learner: Learner, number: int) -> None:
        self.learner, self.number = learner, number
        settings, source = learner.settings, learner.source
        self.dealer = Dealer(
            learner.rows,
            settings.batch_size,
            source.most_rows,
            learner.seed,
            chances=learner.chances,
            mix_up=settings.mix_up,
        )
        self.progress = Progress(settings)

    @property
    def taken(self) -> int:
        return self.progress.epoch * self.dealer.steps

    def stride(self, step: int) -> tuple[float, float, int]:
        """Learning rate, weight decay and steps taken before that step of the present epoch."""
        settings, taken = self.learner.settings, self.taken + step
        return settings.rate(taken / (settings.max_epochs * self.dealer.steps)), settings.weight_decay, taken


class _Run:
    """The training of learners of one form: one alone, or a stack that others enter as some leave."""

    def __init__(self, learners: Sequence[Learner]) -> None:
        self.members = [_Member(learner, i) for i, learner in enumerate(learners)]
        self.settings, self.mixing = learners[0].settings, learners[0].mixing
        (self.drawing,) = {name_noise(learner.module) for learner in learners}
        self.pool = Pool([learner.source for learner in learners])
        # Those with most steps first, so that the ones that take a step are always the first of the stack.
        ordered = sorted(self.members, key=lambda member: -member.dealer.steps)
        self.waiting = deque(member for member in ordered if not member.progress.ended)
        self.room = _room(learners)
        self.active: list[_Member] = []

    def train(self) -> list[Trained]:
        """Train all; what came of each, in order."""
        for member in self.members:
            member.learner.module.eval()
        self.active = self._coming(self.room)
        if self.active:
            networks = Networks(
                [member.learner.module for member in self.active],
                self.active[0].learner.loss,
                stacked=len(self.members) > 1,
                compiled=self.settings.compiled,
                mixed=self.settings.mixed_precision,
            )
            while self.active:
                self._rounds(networks)
        return [member.progress.error or member.progress.history for member in self.members]

    def _coming(self, most: int) -> list[_Member]:
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]

    def _rounds(self, networks: Networks) -> None:
        """Epochs until a network has ended; then it leaves."""
        validation = self._validation()
        ended: list[int] = []
        while not ended:
            learnt = self._learn(networks)
            seen = self._watch(networks, validation)
            better = []
            for place, member in enumerate(self.active):
                if member.progress.note(learnt[place], seen[place]):
                    better.append(place)
            networks.keep(better)
            ended = [place for place, member in enumerate(self.active) if member.progress.ended]
        for place in ended:
            networks.write_back(place)
        staying = [place for place in range(len(self.active)) if place not in ended]
        coming = self._coming(len(ended))
        self.active = [*(self.active[place] for place in staying), *coming]
        if self.active:
            networks.arrange(staying, [member.learner.module for member in coming])

    def _learn(self, networks: Networks) -> list[dict[str, float]]:
        networks.train(True)
        means = _Means(len(self.active), self.pool.device)
        epoch = Epoch(
            self.pool,
            [member.number for member in self.active],
            [member.dealer for member in self.active],
            [member.taken for member in self.active],
            self.drawing,
            self.mixing,
        )
        clip = [member.learner.settings.clip_norm for member in self.active]
        for step, k, batch in epoch:
            terms = networks.terms(batch, k)
            networks.step(terms, _strides([member.stride(step) for member in self.active[:k]]), clip[:k])
            means.add(terms, epoch.sizes[:k, step])
        return means.read()

    def _validation(self) -> Callable[[], Iterable[tuple[Batch, Tensor]]]:
        """What the active networks watch, in batches; kept when it is one batch, which it mostly is."""
        most = min(_WATCHED_AT_ONCE, *(member.learner.source.most_rows for member in self.active))
        rows = [member.learner.validation for member in self.active]
        places = [member.number for member in self.active]
        counts = [np.ones(len(r), np.float32) for r in rows]
        counts = [c if m.learner.counts is None else m.learner.counts for m, c in zip(self.active, counts, strict=True)]
        if max(map(len, rows)) > most:
            return lambda: watched(self.pool, places, rows, counts, most)
        kept = list(watched(self.pool, places, rows, counts, most))
        return lambda: kept

    @torch.no_grad()
    def _watch(
        self, networks: Networks, validation: Callable[[], Iterable[tuple[Batch, Tensor]]]
    ) -> list[dict[str, float]]:
        networks.train(False)
        means = _Means(len(self.active), self.pool.device)
        for batch, sizes in validation():
            means.add(networks.terms(batch, len(self.active)), sizes)
        return means.read()


class _Means:
    """Means of loss terms over rows, of each network; read from the device once."""

    def __init__(self, networks: int, device: torch.device) -> None:
        self.sums: dict[str, Tensor] = {}
        self.rows = torch.zeros(networks, device=device)

    def add(self, terms: Terms, rows: Tensor) -> None:
        """Terms of the first networks, means over so many rows each."""
        k = len(rows)
        self.rows[:k] += rows
        for name, value in terms.items():
            self.sums.setdefault(name, torch.zeros_like(self.rows))[:k] += value.detach() * rows

    def read(self) -> list[dict[str, float]]:
        """One set of means a network."""
        means = {name: (value / self.rows).tolist() for name, value in self.sums.items()}
        return [{name: values[i] for name, values in means.items()} for i in range(len(self.rows))]


def _strides(each: Sequence[tuple[float, float, int]]) -> list[Stride]:
    """Neighbours that go equally far, joined."""
    begins = [place for place, own in enumerate(each) if place == 0 or own != each[place - 1]]
    return [Stride(begin, end, *each[begin]) for begin, end in pairwise([*begins, len(each)])]


def _room(learners: Sequence[Learner]) -> int:
    """How many networks may stand side by side."""
    sizes = []
    for learner in learners:
        weights = sum(p.numel() for p in learner.module.parameters())
        row = sum(t[0].numel() for t in learner.source.resident.values())
        # Weights, gradient, best weights and AdamW's two means; of a batch, what it holds, and about twice that again.
        sizes.append(4 * (5 * weights + 3 * row * min(len(learner.rows), learner.settings.batch_size or LARGEST)))
    return max(2, int(_STACK_BYTES // max(sizes)))
