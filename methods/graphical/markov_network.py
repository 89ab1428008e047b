"""A conditional random field over label nodes: each modality has an opinion on the class, and the class weighs them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Labels, Method, Proba
from ..card import MethodCard
from ..features import FeatureBlocks
from ..space import Choice, Real, SearchSpace
from ..structure import Node, Structure
from ..vectors import Codes, Floats
from .column_density import ColumnDensity, Hidden
from .generative import shares
from .star_field import Flags, Star, criterion

Block = tuple[Floats, Hidden | None]
Coupling = Literal["potts", "full", "none"]


class MarkovNetwork(Method):
    """p(y, y_1..y_M | x) ~ exp(a(y) + sum_m [W_m(y_m) . x_m + b_m(y_m) + J_m(y_m, y)]), one label node y_m a modality.

    The labels take the values of the class and are hidden: training and prediction sum them out, exactly since the
    graph is a star. Parameters maximise sum_i [log p(y_i | x_i) + anchor sum_m log q_m(y_i | x_im)] less
    ``l2`` / 2 times the squares of W and J, with q_m the softmax of modality m's own scores (L-BFGS). The second part
    ties the meaning of the hidden labels to the classes, which the first alone leaves open (any permutation of y_m
    gives the same p(y | x)). With J = 0 the labels are M independent logistic regressions and the class ignores them.

    Missing cells are summed out exactly. The network is the conditional part of the joint field
    p(y, y_1..y_M, x) ~ exp(a(y) + sum_m [...]) prod_m N(x_m; 0, S_m): given complete rows the Gaussians of the columns
    cancel, and over missing cells the integral is exp(W_o x_o + W_h E[x_h | x_o] + W_h' V W_h / 2) with the conditional
    mean and covariance V of N(0, S_m), label by label; an unknown category gives sum_v f_v exp(W_v). S_m has a few
    factors and a noise, and is learnt within the classes. Scores are taken around their mean over the labels, weighted
    as the classes are, so that the columns' mean is that of the training rows. An absent modality has all cells
    missing. Training sums missing cells out in the same way.

    Parameters
    ----------
    coupling: "potts": J_m(y_m, y) is one learnt number w_m where y_m = y, else 0; "full": a learnt matrix; "none".
    l2: the penalty.
    anchor: weight of the modalities' own likelihoods.
    max_iter: most L-BFGS steps.
    """

    card = MethodCard(
        name="markov-network",
        title="Markov network of labels",
        family="graphical",
        fusion="late",
        summary="Conditional random field in which the class is tied to one hidden label node a modality.",
        citation="Lafferty, McCallum and Pereira 2001; Quattoni et al. 2007 (hidden labels)",
        inferred=(
            "a star of label nodes that share the class's values; the anchor to the modalities' own likelihoods; "
            "Potts couplings; the Gaussian and the frequencies of the columns, over which missing cells are summed out"
        ),
    )

    def __init__(self, coupling: Coupling = "potts", l2: float = 1.0, anchor: float = 0.1, max_iter: int = 300) -> None:
        self.coupling = coupling
        self.l2 = l2
        self.anchor = anchor
        self.max_iter = max_iter

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn scores, couplings and bias together."""
        from scipy.optimize import minimize

        if self.coupling not in ("potts", "full", "none"):
            raise ValueError(f"coupling {self.coupling!r}: use potts, full or none")
        self.classes_, codes = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        self.blocks_ = FeatureBlocks().fit(samples)
        self.share_ = np.bincount(codes, minlength=k) / len(codes)
        self.densities_ = self._densities(samples, codes)
        blocks, present = self._blocks(samples)
        self.notes_: list[str] = []
        theta = np.zeros(self._sizes(k)[-1])
        theta[: len(blocks) if self.coupling == "potts" else 0] = 1.0  # labels begin in favour of their own class
        if self.coupling == "full":
            theta[: len(blocks) * k * k] = np.tile(np.eye(k).ravel(), len(blocks))
        if k > 1:
            found = minimize(
                self._objective,
                theta,
                args=(blocks, present, codes, k),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": self.max_iter, "maxfun": 2 * self.max_iter, "gtol": 1e-5, "ftol": 1e-9},
            )
            theta = found.x
            if found.nit >= self.max_iter:
                self.notes_.append(f"stopped after {self.max_iter} steps before the gradient was small")
        self.theta_ = theta
        self.bias_, self.couplings_, self.weights_, self.intercepts_ = self._parts(theta, k)
        self.n_parameters_ = len(theta)
        star = self._star(blocks, present)
        prior = np.exp(self.bias_ - self.bias_.max())
        evidence = dict(zip(samples.names, star.messages, strict=True))
        self.modality_weights_ = shares(evidence, prior / prior.sum(), codes)
        labels = [Node(f"label of {name}", name, "latent") for name in samples.names]
        features = [Node(name, name) for name in samples.names]
        edges = [("class", node.name) for node in labels]
        edges += [(label.name, seen.name) for label, seen in zip(labels, features, strict=True)]
        self.structure_ = Structure((Node("class", "", "class"), *labels, *features), tuple(edges), directed=False)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """p(y | x), shape (n, len(classes_)), by exact summation over the labels."""
        return self._star(*self._blocks(samples)).root

    def label_proba(self, samples: Samples) -> dict[str, Floats]:
        """p(y_m | x) of each modality's label given everything that is seen, (n, k) by modality name."""
        return dict(zip(self.blocks_.names_, self._star(*self._blocks(samples)).leaves(), strict=True))

    def _densities(self, samples: Samples, codes: Codes) -> list[ColumnDensity]:
        """The columns' densities within the classes, of the rows that have the modality."""
        found = []
        missing = self.blocks_.missing(samples)
        for name, block in self.blocks_.transform(samples).items():
            here = samples.modality(name).present
            gone, encoder = missing[name][0], self.blocks_.encoders_[name]
            ends = np.cumsum([0, *encoder.levels])
            levels = tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(ends))
            numeric = np.where(gone, np.nan, block[:, : gone.shape[1]])[here]
            found.append(ColumnDensity.fit(numeric, codes[here], levels, encoder.frequency))
        return found

    def _blocks(self, samples: Samples) -> tuple[list[Block], Flags]:
        """Each modality's columns with missing cells as expected, and the sums over them; and which rows have it."""
        found = []
        missing = self.blocks_.missing(samples)
        for density, (name, block) in zip(self.densities_, self.blocks_.transform(samples).items(), strict=True):
            away = ~samples.modality(name).present
            numeric, lacks = missing[name]
            if lacks.shape[1]:
                block[away, numeric.shape[1] :] = -density.frequency
            found.append(density.fill(block, numeric, lacks))
        return found, np.array([samples.modality(name).present for name in self.blocks_.names_])

    def _star(self, blocks: Sequence[Block], present: Flags) -> Star:
        return Star(self.bias_, self._scores(blocks, self.weights_, self.intercepts_)[0], self.couplings_)

    def _scores(
        self, blocks: Sequence[Block], weights: Sequence[Floats], intercepts: Floats
    ) -> tuple[Floats, list[list[Floats]]]:
        """The labels' own scores, (M, n, k), and the parts of the sums over missing cells that gradients need."""
        scores, kept = [], []
        for (X, hidden), W, b in zip(blocks, weights, intercepts, strict=True):
            centred = W - (W @ self.share_)[:, None]
            own = X @ centred + b
            parts: list[Floats] = []
            if hidden is not None:
                added, parts = hidden.added(centred)
                own[hidden.rows] += added
            scores.append(own)
            kept.append(parts)
        return np.array(scores), kept

    def _sizes(self, k: int) -> list[int]:
        """Ends of the parts of the parameter vector: couplings, bias, then weights and intercepts of each modality."""
        widths = list(self.blocks_.widths_.values())
        links = {"potts": len(widths), "full": len(widths) * k * k, "none": 0}[self.coupling]
        sizes = [links, k]
        for width in widths:
            sizes += [width * k, k]
        return [int(end) for end in np.cumsum(sizes)]

    def _parts(self, theta: Floats, k: int) -> tuple[Floats, Floats, list[Floats], Floats]:
        """Bias, couplings (M, k, k), weights (width, k) and intercepts (M, k)."""
        links, bias, *rest = np.split(theta, self._sizes(k)[:-1])
        M = len(rest) // 2
        if self.coupling == "full":
            couplings = links.reshape(M, k, k)
        else:
            strengths = links if self.coupling == "potts" else np.zeros(M)
            couplings = strengths[:, None, None] * np.eye(k)
        return bias, couplings, [part.reshape(-1, k) for part in rest[::2]], np.array(rest[1::2])

    def _objective(
        self, theta: Floats, blocks: Sequence[Block], present: Flags, codes: Codes, k: int
    ) -> tuple[float, Floats]:
        """The penalised criterion a row and its gradient: tolerances then do not depend on the number of rows."""
        bias, couplings, weights, intercepts = self._parts(theta, k)
        unary, kept = self._scores(blocks, weights, intercepts)
        loss = criterion(Star(bias, unary, couplings), unary, codes, present, self.anchor)
        links: dict[str, Any] = {
            "potts": np.trace(loss.couplings, axis1=1, axis2=2),
            "full": loss.couplings.ravel(),
            "none": np.zeros(0),
        }
        gradient = [links[self.coupling], loss.bias]
        for (X, hidden), felt, W, parts in zip(blocks, loss.unary, weights, kept, strict=True):
            slope = X.T @ felt
            if hidden is not None:
                slope += hidden.gradient(W - (W @ self.share_)[:, None], felt[hidden.rows], parts)
            slope -= np.outer(slope.sum(axis=1), self.share_)  # scores are taken around their mean over the labels
            gradient += [slope.ravel(), felt.sum(axis=0)]
        squares = self._penalised(k)
        value = loss.value + 0.5 * self.l2 * float((theta[squares] ** 2).sum())
        n = len(codes)
        return value / n, (np.concatenate(gradient) + self.l2 * np.where(squares, theta, 0.0)) / n

    def _penalised(self, k: int) -> Flags:
        """Which parameters the penalty holds: couplings and weights, not bias and intercepts."""
        ends = self._sizes(k)
        part = np.searchsorted(ends, np.arange(ends[-1]), side="right")
        return (part == 0) | ((part >= 2) & (part % 2 == 0))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The penalty, and the weight of the modalities' own likelihoods."""
        return {
            "l2": Real(0.01, 100.0, log=True),
            "anchor": Real(0.01, 10.0, log=True),
            "coupling": Choice(("potts", "full")),
        }
