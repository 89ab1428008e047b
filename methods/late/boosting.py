"""Late fusion by boosting over modalities: each round asks the modality that errs least where the others erred."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Proba
from ..card import MethodCard
from ..temperature import fit_temperature, posterior
from ..vectors import Codes, Floats
from .method import LateMethod


@dataclass(frozen=True)
class Round:
    """One round of boosting: the expert chosen, its error among the weighted rows where it spoke, its vote."""

    expert: int
    error: float
    vote: float


@dataclass(kw_only=True, eq=False, repr=False)
class LateBoosting(LateMethod):
    """SAMME with the modalities' experts as the pool of weak learners; their weighted votes, then one temperature.

    The experts are fitted once. Their decisions on rows of inner folds by subject, on which they are honest, are what
    each round weighs: it takes the expert with the lowest weighted error, gives it the vote
    log((1 - e) / e) + log(C - 1), and raises the weight of the rows that it got wrong. An expert without its modality
    in a row abstains there. With two classes and no absences the share of rows that the votes get wrong is at most
    prod_t 2 sqrt(e_t (1 - e_t)). Of two modalities the better one outvotes the other wherever both speak.

    Parameters
    ----------
    rounds: at most so many; it ends when no expert is better than guessing any more, mostly after about ten.
    others: see ``LateMethod``.

    Attributes
    ----------
    rounds_: the rounds in order. votes_: summed vote of each expert. modality_weights_: the same as shares.
    """

    card = MethodCard(
        name="late-boosting",
        title="Boosting over modalities",
        family="ensemble",
        fusion="late",
        summary="Each round gives a vote to the modality whose base learner errs least on the rows weighted so far.",
        citation="Freund and Schapire 1997; Zhu, Zou, Rosset, Hastie 2009 (SAMME, several classes)",
        inferred="Experts fitted once and judged out of fold; abstention after Schapire and Singer 1999.",
        bases=("concat-logistic",),
    )

    rounds: int = 50

    def _learn(self, samples: Samples, codes: Codes) -> None:
        super()._learn(samples, codes)
        rows, honest = self._honest(samples, codes)
        decided = decisions(honest)
        self.rounds_ = boost(decided, codes[rows], len(self.prior_), self.rounds)
        self.votes_ = np.zeros(len(self.experts_))
        for one in self.rounds_:
            self.votes_[one.expert] += one.vote
        total = float(self.votes_.sum())
        shares = self.votes_ / total if total > 0 else np.full(len(self.votes_), 1.0 / max(len(self.votes_), 1))
        self.modality_weights_ = dict(zip(self.experts_, shares.tolist(), strict=True))
        heard = (decided >= 0).any(axis=0)
        self.temperature_ = fit_temperature(self._scores(decided[:, heard]), codes[rows[heard]], self.prior_)
        self.n_parameters_ += len(self.experts_) + 1

    def _joined(self, spoken: Floats) -> Proba:
        return posterior(self._scores(decisions(spoken)) / self.temperature_, self.prior_)

    def _scores(self, decided: Codes) -> Floats:
        """Summed votes for each class, shape (n, C)."""
        return np.einsum("m,mnc->nc", self.votes_, decided[:, :, None] == np.arange(len(self.prior_)))


def decisions(proba: Floats) -> Codes:
    """The most probable class of each row, shape (experts, n); -1 where an expert is silent."""
    silent = np.any(np.isnan(proba), axis=2)
    return np.where(silent, -1, np.where(silent[:, :, None], 0.0, proba).argmax(axis=2))


def boost(decided: Codes, codes: Codes, n_classes: int, rounds: int) -> list[Round]:
    """Rounds of SAMME over fixed decisions.

    Parameters
    ----------
    decided: shape (experts, n), -1 where an expert abstains.
    codes: the right answers, shape (n,).

    With W+, W- and W0 the weight of the rows that an expert gets right, gets wrong and abstains in, a round takes the
    expert that shrinks the exponential loss most: the least W0 + W+ exp(-a (C-1)/C) + W- exp(a/C) for its own best
    vote a; without absences that is the lowest error. Votes are those of errors at least half a row away from 0, so
    that a faultless expert has a finite one.
    """
    n = len(codes)
    right, wrong = decided == codes, (decided >= 0) & (decided != codes)
    weights = np.full(n, 1.0 / max(n, 1))
    found: list[Round] = []
    for _ in range(rounds if n else 0):
        hit, miss = right @ weights, wrong @ weights
        spoken = hit + miss
        error = np.where(spoken > 0, miss / np.where(spoken > 0, spoken, 1.0), 1.0)
        bounded = np.clip(error, 0.5 / n, 1 - 0.5 / n)
        vote = np.log(n_classes - 1) + np.log1p(-bounded) - np.log(bounded)
        left = 1 - spoken + hit * np.exp(-vote * (n_classes - 1) / n_classes) + miss * np.exp(vote / n_classes)
        useful = vote > 1e-9
        if not useful.any():
            break
        best = int(np.where(useful, left, np.inf).argmin())
        found.append(Round(best, float(error[best]), float(vote[best])))
        if miss[best] == 0 and spoken[best] > 1 - 0.5 / n:
            break  # faultless everywhere: nothing is left to correct
        weights = reweighted(weights, right[best], wrong[best], float(vote[best]), n_classes)
    return found


def reweighted(weights: Floats, right: np.ndarray, wrong: np.ndarray, vote: float, n_classes: int) -> Floats:
    """Weights (n,) of the next round, which sum to 1: after it the expert that voted is as good as guessing."""
    factor = np.where(
        right, np.exp(-vote * (n_classes - 1) / n_classes), np.where(wrong, np.exp(vote / n_classes), 1.0)
    )
    return weights * factor / (weights * factor).sum()
