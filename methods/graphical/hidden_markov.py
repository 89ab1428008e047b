"""Hidden Markov models as a classifier of signals: one for each class, and Bayes' rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fusebench.datasets.samples import Modality

from ..card import MethodCard
from ..space import Choice, SearchSpace, Whole
from ..vectors import Codes, Floats
from .gaussian import GaussianFactor
from .generative import Factor, Factored
from .hidden_field import HiddenField, smoothed
from .latent_tree import Expected, Prior

if TYPE_CHECKING:
    from fusebench.datasets.task import Task


@dataclass(kw_only=True, eq=False, repr=False)
class HiddenMarkov(Factored):
    """p(c) prod_m p(signal_m | c) with a Gaussian hidden Markov model p(signal_m | c) for each class and signal.

    The channels are independent Gaussians given the hidden state; states follow a homogeneous Markov chain in time.
    Baum-Welch starts from one clustering of the time points of all classes, which is also the prior of the emissions;
    the prior of start and transitions are the clusters' frequencies over all classes. Of clusterings of single points
    and of means over 4 and 16 neighbours, the one goes on that is the most likely after a few steps. Signals are
    independent given the class. Missing time points (NaN, also after the end of shorter signals) and absent modalities
    are summed out exactly. Tables beside the signals enter as Gaussian naive Bayes, see ``gaussian.GaussianFactor``.

    Parameters
    ----------
    states: hidden states of each class's chain.
    coupling: False cuts the chain: time points are then independent draws of states, a mixture without an order.
    strength: time points that the common emissions weigh in a class's state, and rows that the common variance weighs
        in a table's column.
    alpha: pseudo-counts of a class, of a state, and of a table's category.
    max_iter: most steps of Baum-Welch.
    others: see ``Factored``; the parts that repeat each other are neighbouring points.
    """

    card = MethodCard(
        name="hidden-markov",
        title="Hidden Markov models",
        family="graphical",
        fusion="intermediate",
        summary="One Gaussian hidden Markov model a class and signal; modalities are independent given the class.",
        citation="Rabiner 1989",
        inferred=(
            "start and priors from clusterings of all classes' time points; tables as Gaussian naive Bayes; "
            "likelihoods to powers learnt out of fold, since points are less independent than assumed"
        ),
        kinds=("signal", "table", "phenotype"),
    )

    states: int = 4
    coupling: bool = True
    strength: float = 20.0
    alpha: float = 1.0
    max_iter: int = 20

    def _factor(self, modality: Modality) -> Factor:
        if modality.kind == "signal":
            return Chain(self.states, self.coupling, self.strength, self.alpha, self.max_iter)
        return GaussianFactor(self.strength, self.alpha)

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Tasks without a signal, beside what the card excludes."""
        if not any(m.kind == "signal" for m in task.samples.modalities):
            return "needs a signal: it is a model of sequences"
        return super().skip(task)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Hidden states, and how far a class's emissions are drawn to the common ones."""
        return {"states": Whole(2, 8), "strength": Choice((5.0, 20.0, 100.0))}


class Chain(HiddenField):
    """One hidden Markov model a class: a homogeneous chain in time, each class with emissions of its own."""

    hidden = "states"
    common_emissions = False

    def _points(self, modality: Modality) -> Floats:
        """(n, time, channels): time is the last axis, all axes before it are channels."""
        values = modality.values.astype(np.float64)
        return values.reshape(len(values), -1, values.shape[-1]).transpose(0, 2, 1)

    def _windows(self, places: int) -> Sequence[int]:
        return [window for window in (1, 4, 16) if window <= max(1, places // 2)]

    def _graph(self, labels: Codes, codes: Codes) -> tuple[list[int], list[int]]:
        T = labels.shape[1]
        return list(range(T)), list(range(-1, T - 1))

    def _maximised(self, counts: Expected, base: Expected) -> Prior:
        T, k, S = counts.totals.shape
        if self.coupling:
            start = smoothed(counts.totals[0], base.totals[0], self.alpha * S)
            moves = smoothed(counts.pairs.sum(axis=0), base.pairs.sum(axis=0), self.alpha * S)
        else:
            start = smoothed(counts.totals.sum(axis=0), base.totals.sum(axis=0), self.alpha * S)
            moves = np.repeat(start[:, None, :], S, axis=1)
        return Prior(self.order_, self.parents_, start, np.broadcast_to(moves, (T, k, S, S)))

    def _free(self, states: int) -> int:
        return self.k_ * (states - 1) * (1 + states if self.coupling else 1)
