"""Gates: how much each kernel has to say about a row, as a softmax of what the row looks like."""

from __future__ import annotations

import numpy as np

from fusebench.datasets.splits import Rows

from .bank import KernelBank
from .base_kernel import Flags, Floats
from .descent import Pull
from .mix import Absent, GatedMix, Sides, checked, holdings

GATE_FEATURES = 20
"""Most features that a gate looks at."""


class GateFeatures:
    """Principal components of the blocks of all modalities side by side, at most ``GATE_FEATURES``.

    A block is divided by the root of its summed variance, so that a wide modality does not drown the others; what does
    not vary is left out. All is learnt from some training rows; the features then have a mean square of 1 over these
    rows and all features. (A rotation changes nothing for gates that are linear in them, with an L2 penalty.)

    Parameters
    ----------
    bank: the kernels, whose modalities are looked at.
    rows: of the training rows.
    """

    def __init__(self, bank: KernelBank, rows: Rows) -> None:
        sides = {kernel.modality: (kernel.X[rows], kernel.present[rows]) for kernel in bank.kernels_}
        # A column has unit variance unless it is constant: what is far below is rounding noise.
        sizes = {name: float(np.sqrt(X.var(axis=0).sum())) for name, (X, _) in sides.items()}
        self.sizes = {name: size if size > 1e-9 else 1.0 for name, size in sizes.items()}
        X = self._blocks(sides)
        self.centre = X.mean(axis=0)
        _, lengths, axes = np.linalg.svd(X - self.centre, full_matrices=False)
        spreads = lengths[:GATE_FEATURES] / np.sqrt(len(rows))
        kept = spreads > 1e-9
        self.axes = axes[:GATE_FEATURES][kept].T
        if kept.any():
            self.axes /= np.sqrt(np.mean(spreads[kept] ** 2))

    def __call__(self, sides: Sides) -> Floats:
        """Features (n, at most ``GATE_FEATURES``) of rows."""
        return (self._blocks(sides) - self.centre) @ self.axes

    def _blocks(self, sides: Sides) -> Floats:
        return np.hstack([sides[name][0] / size for name, size in self.sizes.items()])


def softmax(A: Floats, open_: Flags) -> Floats:
    """exp(a_m) / sum_m exp(a_m) over the open entries of each row, 0 elsewhere; a row without any is all zero."""
    top = np.where(open_, A, -np.inf).max(axis=1, initial=-1e300, keepdims=True)
    weights = np.exp(np.where(open_, A - top, -np.inf))
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)


class GatedStack:
    """sum_m eta_m(x) K_m(x, x') eta_m(x') of some training rows as a function of the gates' coefficients.

    Parameters
    ----------
    stack: the kernels' matrices (p, r, r).
    features: of the gates, (r, g).
    open_: which gates may be open for each row, (r, p).
    """

    def __init__(self, stack: Floats, features: Floats, open_: Flags) -> None:
        self.stack, self.open = stack, open_
        self.inputs = np.column_stack([features, np.ones(len(features))])

    def __call__(self, t: Floats) -> tuple[Floats, Pull]:
        """The matrix (r, r) for coefficients (p * (g + 1),), offsets last of each kernel's, and its derivatives."""
        V = t.reshape(len(self.stack), -1)
        eta = softmax(self.inputs @ V.T, self.open)
        K = np.zeros(self.stack.shape[1:])
        for matrix, gate in zip(self.stack, eta.T, strict=True):
            K += matrix * gate * gate[:, None]

        def pull(G: Floats) -> Floats:
            # <G, dK> by each gate, then through the softmax, then to the coefficients.
            slope = 2 * np.column_stack([(G * m) @ gate for m, gate in zip(self.stack, eta.T, strict=True)])
            inner = eta * (slope - (eta * slope).sum(axis=1, keepdims=True))
            return (inner.T @ self.inputs).ravel()

        return K, pull


class LocalMix(GatedMix):
    """K(x, x') = sum_m eta_m(x) K_m(x, x') eta_m(x') with softmax gates eta (Gonen and Alpaydin 2008, eq. 4 and 7).

    Parameters
    ----------
    bank: the kernels.
    features: what the gates look at.
    coefficients: (p, g + 1), the offset last.
    absent: what becomes of a row without a modality. "neutral": it stands at the centre of that modality's kernels,
        where they are zero, and the gates are as they are. "drop": moreover these kernels' gates are shut, and the
        row's other gates sum to 1. Both are positive semi-definite.
    """

    def __init__(
        self, bank: KernelBank, features: GateFeatures, coefficients: Floats, absent: Absent = "neutral"
    ) -> None:
        self.features, self.coefficients, self.absent = features, coefficients, checked(absent)
        super().__init__(bank)

    def _gates(self, sides: Sides, n: int) -> Floats:
        logits = self.features(sides) @ self.coefficients[:, :-1].T + self.coefficients[:, -1]
        return softmax(logits, gates_open(self.bank, sides, n, self.absent))


def gates_open(bank: KernelBank, sides: Sides, n: int, absent: Absent) -> Flags:
    """Which kernels' gates may be open for each of n rows, (n, p): never that of a kernel that is zero."""
    has = holdings(bank, sides, n)
    varies = np.array([kernel.varies for kernel in bank.kernels_], dtype=bool)
    return has & varies if absent == "drop" else np.tile(varies, (n, 1))
