"""A modality-structured network: the class chooses a hidden state of each modality, the state makes its features."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import derived_seed

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes, Floats
from .discretise import Discretiser, Table
from .generative import Evidence, Generative, star
from .mixture import PenalisedEM, Trace, one_hot
from .tables import class_counts, mutual_information

_ENOUGH = 1e-4
"""Gain in log-likelihood a row below which EM stops: far below what a posterior could show."""


class LatentClass(Generative):
    """C -> Z_m -> X_m: p(c) prod_m sum_z p(z | c) prod_j p(x_mj | z), with a hidden state Z_m for each modality m.

    Within a modality the discretised features are independent given Z_m; modalities are independent given the class.
    Given the class the branches separate, so that each is fitted by an EM of its own, with Dirichlet penalties and
    seeded restarts. A missing cell drops its factor, an absent modality its branch: the exact marginal.

    Parameters
    ----------
    states: number K of states of a modality; None for ``per_class`` states a class.
    per_class: see ``states``.
    shared: one hidden state for all modalities, C -> Z -> X, which can hold interactions between modalities.
    bins: most quantile bins of a numeric column.
    alpha: pseudo-counts of every probability; fewer for p(z | c) where a class would get more than half its rows.
    restarts: starts of EM; the best goes on.
    max_iter: most steps of EM.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    random_state: seed of the starts.
    """

    card = MethodCard(
        name="latent-class",
        title="Latent-class network",
        family="graphical",
        fusion="intermediate",
        summary="Bayesian network class -> hidden state of each modality -> its features, learnt by EM.",
        citation="Dempster, Laird and Rubin 1977; Langseth and Nielsen 2005 (latent classification models)",
        inferred=(
            "quantile bins; starts near the classes' own tables, short runs first; bounded prior of the states; "
            "preselected columns"
        ),
    )

    def __init__(
        self,
        states: int | None = None,
        per_class: int = 2,
        shared: bool = False,
        bins: int = 5,
        alpha: float = 1.0,
        restarts: int = 3,
        max_iter: int = 100,
        max_columns: int = 2000,
        random_state: int = 0,
    ) -> None:
        self.states = states
        self.per_class = per_class
        self.shared = shared
        self.bins = bins
        self.alpha = alpha
        self.restarts = restarts
        self.max_iter = max_iter
        self.max_columns = max_columns
        self.random_state = random_state

    def _learn(self, samples: Samples, codes: Codes, k: int) -> None:
        self.discretiser_ = Discretiser(self.bins).fit(samples)
        self._names = samples.names
        table = self.discretiser_.transform(samples)
        information = mutual_information(class_counts(table, codes, self.discretiser_.levels_, k))
        self.columns_ = np.sort(np.argsort(-information, kind="stable")[: self.max_columns])
        if len(information) > self.max_columns:
            self.notes_.append(
                f"kept {self.max_columns} of {len(information)} columns by mutual information with the class"
            )
        self.levels_ = self.discretiser_.levels_[self.columns_]
        owner = self.discretiser_.owner_[self.columns_]
        self._owned = [np.flatnonzero(owner == m) for m in range(len(self._names))]
        K = self.per_class * k if self.states is None else self.states
        kept = table[:, self.columns_]
        self.branches_ = {
            name: self._fit_branch(kept[:, columns], self.levels_[columns], codes, k, K, name)
            for name, columns in self._groups().items()
        }
        unfinished = [name for name, trace in self.branches_.items() if not trace.converged]
        if unfinished:
            self.notes_.append(f"EM stopped after {self.max_iter} steps for {', '.join(unfinished)}")
        self.n_parameters_ = len(self.branches_) * k * (K - 1) + K * int((self.levels_ - 1).sum())
        self.structure_ = star(samples.modalities, {name: self._state(name) for name in self._names})

    def _groups(self) -> dict[str, Codes]:
        """The columns, among those kept, of each hidden state."""
        if self.shared:
            return {"all": np.arange(len(self.columns_))}
        return dict(zip(self._names, self._owned, strict=True))

    def _fit_branch(self, table: Table, levels: Codes, codes: Codes, k: int, K: int, name: str) -> Trace:
        known = (table >= 0).any(axis=1)  # the other rows have likelihood 1 whatever the parameters
        em = PenalisedEM(one_hot(table[known], levels), levels, codes[known], k, self.alpha)
        # The seed follows the modality's name, so that the order of modalities does not matter.
        seed = derived_seed(self.card.name, self.random_state, name)
        return em.run(K, self.restarts, self.max_iter, _ENOUGH, seed)

    def _state(self, modality: str) -> str:
        """The name of a modality's hidden state."""
        return "state" if self.shared else f"state of {modality}"

    def _table(self, samples: Samples) -> Table:
        return self.discretiser_.transform(samples)[:, self.columns_]

    def _evidence(self, samples: Samples) -> Evidence:
        table = self._table(samples)
        evidence = {}
        for name, columns in zip(self._names, self._owned, strict=True):
            if self.shared:
                alone = np.full_like(table, -1)
                alone[:, columns] = table[:, columns]
                evidence[name] = self._branch_logs("all", alone, np.arange(table.shape[1]))
            else:
                evidence[name] = self._branch_logs(name, table, columns)
        return evidence

    def _log_likelihood(self, samples: Samples) -> Floats:
        if not self.shared:
            return super()._log_likelihood(samples)
        table = self._table(samples)
        return self._branch_logs("all", table, np.arange(table.shape[1]))

    def _branch_logs(self, branch: str, table: Table, columns: Codes) -> Floats:
        hot = one_hot(table[:, columns], self.levels_[columns])
        return self.branches_[branch].mixture.log_likelihood(hot)

    def to_pgmpy(self) -> Any:
        """The fitted network as a ``pgmpy.models.DiscreteBayesianNetwork`` with the states as latent variables.

        The class is called "class", a feature "modality.column", a state as in ``structure_``.
        """
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

        k = len(self.classes_)
        names = [self.discretiser_.features_[j] for j in self.columns_]
        latents = {name: self._state(name) for name in self.branches_}
        network = DiscreteBayesianNetwork(
            [("class", state) for state in latents.values()], latents=set(latents.values())
        )
        network.add_cpds(TabularCPD("class", k, self.prior_[:, None]))
        for branch, columns in self._groups().items():
            state, mixture = latents[branch], self.branches_[branch].mixture
            K = mixture.states.shape[1]
            network.add_cpds(TabularCPD(state, K, mixture.states.T, evidence=["class"], evidence_card=[k]))
            ends = np.cumsum(self.levels_[columns])
            for j, values in zip(columns, np.split(mixture.values, ends[:-1]), strict=True):
                network.add_edge(state, names[j])
                network.add_cpds(TabularCPD(names[j], len(values), values, evidence=[state], evidence_card=[K]))
        return network

    @classmethod
    def search_space(cls) -> SearchSpace:
        """States a class, pseudo-counts, and one state for all modalities or one for each."""
        return {
            "per_class": Choice((1, 2, 3, 5)),
            "alpha": Real(0.05, 5.0, log=True),
            "shared": Choice((False, True)),
        }
