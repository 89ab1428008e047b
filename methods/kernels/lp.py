"""lp-norm multiple kernel learning: as SimpleMKL, but weights that need not be sparse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .base_kernel import Floats
from .learnt import LearntSVM
from .svm_dual import MixDual

MOST_SOLVES = 100
"""Machines that the alternation may fit for one mix; a note tells when it stops there."""


@dataclass(kw_only=True, eq=False, repr=False)
class KernelLp(LearntSVM):
    """SVM on the mix of kernels, norm_p(d) <= 1, on which its objective is least.

    Small p gives sparse weights (SimpleMKL at 1), large p uniform ones.

    Parameters
    ----------
    C: the SVM's penalty, also while the weights are learnt.
    p: the norm, above 1.
    classes: "shared", one mix, which minimises the sum over all pairs of classes; or "each", one mix a class.
    gap: duality gap at which the alternation stops, as a share of the objective.
    others: see ``LearntSVM``.
    """

    card = MethodCard(
        name="kernel-lp",
        title="lp-norm MKL",
        family="kernel",
        fusion="intermediate",
        summary="SVM on the mix of per-modality kernels, of bounded lp norm, that minimises the SVM's objective.",
        citation="Kloft, Brefeld, Sonnenburg and Zien 2011",
        inferred="weights scaled to sum 1 for the final machine; an absent modality stands at the centre",
    )

    p: float = 2.0
    gap: float = 0.001

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        if not self.p > 1:
            raise ValueError(f"p = {self.p}: the norm must be above 1 (SimpleMKL is the method for p = 1)")
        # Uniform weights of norm 1 sum to this, and of sum 1 are what the penalty is meant for.
        C = self.C / len(stack) ** (1.0 - 1.0 / self.p)
        targets = [(codes == c).astype(np.intp) for c in np.unique(codes)] if each else [codes]
        found = [lp_weights(MixDual(stack, target, C), self.p, self.gap) for target in targets]
        worst = max(gap for _, gap in found)
        if worst > self.gap:
            self.notes_.append(f"weights: a duality gap of {worst:.1%} is left after {MOST_SOLVES} machines")
        return np.array([d for d, _ in found]) if each else found[0][0]

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty, norm, and the set of kernels."""
        return {
            "C": Real(0.1, 100.0, log=True),
            "p": Choice((1.1, 1.5, 2.0, 4.0)),
            "kernels": Choice(("few", "three", "ladder")),
        }


def lp_weights(dual: MixDual, p: float, gap: float) -> tuple[Floats, float]:
    """Weights of norm_p 1 (m,) that minimise ``dual``, and the relative duality gap reached.

    A machine on the mix gives norm(w_m)^2 = d_m^2 q_m, and these give the weights (Kloft et al. 2011, eq. 14); neither
    step raises the objective. The gap is (norm_p*(q) - sum_m d_m q_m) / 2 with 1/p + 1/p* = 1.
    """
    d = np.full(len(dual.stack), len(dual.stack) ** (-1.0 / p))
    while True:
        value, q = dual(d)
        left = max(float(0.5 * (np.linalg.norm(q, p / (p - 1.0)) - d @ q)) / value, 0.0)
        if left <= gap or dual.solved >= MOST_SOLVES:
            return d, left
        d = closed_form(d * np.sqrt(np.maximum(q, 0.0)), p)


def closed_form(norms: Floats, p: float) -> Floats:
    """The weights of norm_p 1 that minimise sum_m norms_m^2 / d_m: norms^(2 / (p + 1)), scaled."""
    powers = norms ** (2.0 / (p + 1.0))
    return powers / np.linalg.norm(powers, p)
