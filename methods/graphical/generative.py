"""What the generative classifiers share: Bayes' rule over p(x | c), each modality's evidence alone, the drawn graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from fusebench.datasets.samples import TABULAR, Modality, Samples
from fusebench.datasets.splits import Rows

from ..base import Labels, Method, Proba
from ..calibrate import out_of_fold
from ..structure import Node, Structure
from ..vectors import Codes, Floats
from .tables import class_prior, posterior
from .tempering import FOLDS, power

_DRAWN = 100
"""Most columns of one modality that are nodes of their own in the graph; as many as TAN keeps in all."""

_DEPENDENT = 0.5
"""A power below which a note says that the likelihood is not taken at its word."""

Evidence = Mapping[str, Floats]
"""Modality name to log p(x_m | c), shape (n, k); zero in every class where the modality is absent."""


class Generative(Method):
    """A classifier by Bayes' rule, p(c | x) ~ p(c) p(x | c), with p(c) = (N_c + alpha) / (n + alpha k).

    A subclass learns in ``_learn`` and tells each modality's own evidence; unless it overrides ``_log_likelihood``,
    modalities are independent given the class. It sets ``n_parameters_`` (below the class), ``structure_`` and
    ``notes_``.
    """

    alpha: float
    prior_: Floats
    structure_: Structure
    n_parameters_: int

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn p(c) and p(x | c)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        self.prior_ = class_prior(codes, k, self.alpha)
        self.notes_: list[str] = []
        self._learn(samples, codes, k)
        self.n_parameters_ += k - 1
        self.modality_weights_ = shares(self._evidence(samples), self.prior_, codes)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class posteriors, shape (n, len(classes_))."""
        return posterior(np.log(self.prior_) + self._log_likelihood(samples))

    def _learn(self, samples: Samples, codes: Codes, k: int) -> None:
        raise NotImplementedError

    def _evidence(self, samples: Samples) -> Evidence:
        """What each modality says by itself."""
        raise NotImplementedError

    def _log_likelihood(self, samples: Samples) -> Floats:
        """log p(x | c) of all modalities together, (n, k)."""
        return np.sum(list(self._evidence(samples).values()), axis=0)


class Factor(Protocol):
    """log p(x_m | c) of one modality. ``hidden``: what its hidden variables are called, empty where there are none."""

    hidden: str
    n_parameters: int

    def fit(self, modality: Modality, codes: Codes, k: int) -> Self:
        """Learn from rows of classes 0..k-1."""
        ...

    def __call__(self, modality: Modality) -> Floats:
        """log p(x_m | c), (n, k), up to a constant of the row; zero where the modality is absent."""
        ...


@dataclass(kw_only=True, eq=False, repr=False)
class Factored(Generative):
    """Modalities that are independent given the class, each with a factor of its own: ``_factor`` makes it.

    With ``tempered`` the posteriors are p(c | x) ~ p(c) prod_m p(x_m | c)^w_m, and ``powers_`` has w_m by modality,
    see ``tempering.power``: learnt from training rows alone, out of fold, subjects kept together. Each is learnt from
    its modality alone, so that a row without a modality still gets what a model without it says. Otherwise all are 1.

    Parameters
    ----------
    tempered: whether each modality's likelihood counts to a power of at most 1 that is learnt on inner folds, which
        takes back evidence that its parts repeat and still count as independent; it costs two to three plain fits.
    random_state: seed of the inner folds.
    """

    tempered: bool = True
    random_state: int = 0

    def _learn(self, samples: Samples, codes: Codes, k: int) -> None:
        self.factors_ = {m.name: self._factor(m).fit(m, codes, k) for m in samples.modalities}
        self.powers_ = {m.name: self._power(m, codes, samples.groups) for m in samples.modalities}
        self.n_parameters_ = sum(factor.n_parameters for factor in self.factors_.values())
        self.n_parameters_ += len(self.powers_) if self.tempered else 0
        self.notes_ += [
            f"the likelihood of {name} counts to the power {own:.2g}: its parts are not independent as assumed"
            for name, own in self.powers_.items()
            if own < _DEPENDENT
        ]
        hidden = {name: f"{factor.hidden} of {name}" for name, factor in self.factors_.items() if factor.hidden}
        self.structure_ = star(samples.modalities, hidden)

    def _power(self, modality: Modality, codes: Codes, groups: np.ndarray) -> float:
        if not self.tempered:
            return 1.0

        def score(kept: Rows, held: Rows) -> Floats:
            seen, own = np.unique(codes[kept], return_inverse=True)
            return self._factor(modality).fit(modality.take(kept), own, len(seen))(modality.take(held))

        rows, logs = out_of_fold(score, codes, groups, FOLDS, self.random_state)
        return power(logs, codes[rows], self.prior_)

    def _log_likelihood(self, samples: Samples) -> Floats:
        return np.sum([self.powers_[name] * logs for name, logs in self._evidence(samples).items()], axis=0)

    def _evidence(self, samples: Samples) -> Evidence:
        return {name: factor(samples.modality(name)) for name, factor in self.factors_.items()}

    def _factor(self, modality: Modality) -> Factor:
        raise NotImplementedError


def shares(evidence: Evidence, prior: Floats, codes: Codes) -> dict[str, float]:
    """Each modality's share of what the modalities tell about the class one by one; shares sum to 1.

    A modality alone gives the posteriors p_t(c | x_m) ~ p(c) p(x_m | c)^t. It tells the largest mean of
    log p_t(c_i | x_m) - log p(c_i) over the training rows and a ladder of t <= 1: the power t forgives the
    overconfidence of independence assumptions, and t = 0 makes the least value 0.
    """
    told = {}
    for name, logs in evidence.items():
        steps = [np.log(prior) + logs * 0.5**halvings for halvings in range(20)]
        gains = [float(np.mean(_log_posterior(step, codes) - np.log(prior)[codes])) for step in steps]
        told[name] = max(0.0, *gains)
    total = sum(told.values())
    return {name: value / total if total > 0 else 1.0 / len(told) for name, value in told.items()}


def _log_posterior(log_joint: Floats, codes: Codes) -> Floats:
    """log p(c_i | x_i) of each row's own class, (n,)."""
    top = log_joint.max(axis=1)
    own = log_joint[np.arange(len(codes)), codes]
    return own - top - np.log(np.exp(log_joint - top[:, None]).sum(axis=1))


def column_names(modality: Modality) -> list[str]:
    """The nodes "modality.column" of a modality's flattened values."""
    return [f"{modality.name}.{name}" for name in modality.features or (f"x{i}" for i in range(modality.width))]


def star(modalities: tuple[Modality, ...], latent: Mapping[str, str] | None = None) -> Structure:
    """The class pointing at every column, or at a modality's latent node, which points at the columns.

    ``latent``: modality name to the name of its latent node; modalities may share one. An image, signal or the like,
    and a table of very many columns, is one node.
    """
    latent = latent or {}
    nodes, edges = [Node("class", "", "class")], []
    for name in dict.fromkeys(latent.values()):
        owners = [m for m, own in latent.items() if own == name]
        nodes.append(Node(name, owners[0] if len(owners) == 1 else "", "latent"))
        edges.append(("class", name))
    for modality in modalities:
        columns = list(_drawn(modality))
        nodes += [Node(name, modality.name) for name in columns]
        edges += [(latent.get(modality.name, "class"), name) for name in columns]
    return Structure(tuple(nodes), tuple(edges))


def _drawn(modality: Modality) -> Iterator[str]:
    if modality.kind in TABULAR and modality.width <= _DRAWN:
        yield from column_names(modality)
    else:
        yield f"{modality.name} ({modality.width} values)"
