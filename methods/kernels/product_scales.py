"""How fast each modality, or each column, lets two rows grow apart: the scales of a product of Gaussian kernels."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from fusebench.datasets.splits import Rows

from .bank import KernelBank
from .base_kernel import Flags, Floats, squared_distances
from .descent import Pull
from .mix import Absent

Level = Literal["modality", "feature"]

FEATURE_COLUMNS = 64
"""A wider modality has one scale for all its columns, also at the level of features."""


class ProductScales:
    """The product kernel of some training rows as a function of its scales d (q,), with its derivatives.

    The factor of modality m is exp(-sum_j d_g(j) g_m (x_j - x'_j)^2), where g_m = 1 / (2 median distance^2) is the unit
    of the scales, and g(j) the scale of column j: one for the modality, or one for each of its columns. Rows without a
    modality are treated as in ``product_mix.ProductMix``, with these rows for its reference.

    Parameters
    ----------
    bank: one Gaussian kernel "rbf 1" a modality.
    rows: of the training rows.
    level: "modality" or "feature".
    absent: "neutral" or "drop".
    """

    def __init__(self, bank: KernelBank, rows: Rows, level: Level, absent: Absent) -> None:
        if level not in get_args(Level):
            raise ValueError(f"level {level!r}: use {' or '.join(map(repr, get_args(Level)))}")
        self.modalities = [kernel.modality for kernel in bank.kernels_]
        self.parts: list[_Distances | _ColumnDistances] = []
        self.drop = absent == "drop"
        for kernel in bank.kernels_:
            by_column = level == "feature" and kernel.X.shape[1] <= FEATURE_COLUMNS
            here = kernel.present[rows]
            X = kernel.X[rows[here]] * np.sqrt(kernel.form.gamma or 0.0)
            self.parts.append(_ColumnDistances(X, here) if by_column else _Distances(X, here))
        self.gammas = [kernel.form.gamma or 0.0 for kernel in bank.kernels_]
        self.widths = [kernel.X.shape[1] for kernel in bank.kernels_]
        self.ends = np.cumsum([part.size for part in self.parts], dtype=np.intp)
        self.n_rows = len(rows)

    def __call__(self, d: Floats) -> tuple[Floats, Pull]:
        """The kernel matrix (r, r) and its derivatives, see ``descent.Kernel``."""
        own = self.split(d)
        factors = [part.factor(scale) for part, scale in zip(self.parts, own, strict=True)]
        K = np.ones((self.n_rows, self.n_rows))
        for part, factor in zip(self.parts, factors, strict=True):
            K *= part.spread(factor, self.drop)

        def pull(G: Floats) -> Floats:
            G = G * K
            pairs = zip(self.parts, factors, strict=True)
            return np.concatenate([-part.along(part.gather(G, factor, self.drop)) for part, factor in pairs])

        return K, pull

    @property
    def size(self) -> int:
        """How many scales there are, q."""
        return sum(part.size for part in self.parts)

    def split(self, d: Floats) -> list[Floats]:
        """The scales of each modality."""
        return np.split(d, self.ends[:-1]) if self.parts else []

    def columns(self, d: Floats) -> dict[str, Floats]:
        """Each modality's scales of all its columns, (width,), as ``ProductMix`` takes them."""
        parts = zip(self.modalities, self.split(d), self.gammas, self.widths, strict=True)
        return {name: np.broadcast_to(own * gamma, width).copy() for name, own, gamma, width in parts}

    def strengths(self, d: Floats) -> dict[str, float]:
        """Each modality's mean exponent between two rows: by how much it alone sets rows apart."""
        pairs = zip(self.modalities, self.parts, self.split(d), strict=True)
        return {name: float(own @ part.means) for name, part, own in pairs}


class _Factor:
    """One modality's factor among the r rows, of which ``here`` (r,) have it."""

    size: int

    def __init__(self, here: Flags) -> None:
        self.here = here

    def spread(self, factor: Floats, drop: bool) -> Floats:
        """The factor among all rows, (r, r), from that among those that have the modality."""
        here = self.here
        if here.all():
            return factor
        whole = np.ones((len(here), len(here)))
        if not here.any():
            return whole
        mean = factor.mean(axis=1)
        root = np.sqrt(mean.mean())
        whole[np.ix_(here, here)] = factor
        whole[np.ix_(here, ~here)] = (mean / root if drop else mean)[:, None]
        whole[np.ix_(~here, here)] = mean / root if drop else mean
        if not drop:
            whole[np.ix_(~here, ~here)] = root**2
        return whole

    def gather(self, G: Floats, factor: Floats, drop: bool) -> Floats:
        """Derivatives by the logarithms of the factor among those that have the modality, from those among all rows."""
        here = self.here
        if here.all() or not here.any():
            return G[np.ix_(here, here)]
        mean = factor.mean(axis=1)
        mixed = 2 * G[np.ix_(here, ~here)].sum(axis=1)
        both = -0.5 * mixed.sum() if drop else G[np.ix_(~here, ~here)].sum()
        own = factor / len(factor)
        return G[np.ix_(here, here)] + (mixed / mean)[:, None] * own + both / (len(factor) * mean.mean()) * own


class _Distances(_Factor):
    """One scale for a modality: its squared distances are computed once."""

    size = 1

    def __init__(self, X: Floats, here: Flags) -> None:
        super().__init__(here)
        self.squares = squared_distances(X, X)
        self.means = np.array([self.squares.mean() if len(X) else 0.0])

    def factor(self, scale: Floats) -> Floats:
        """exp(-scale D)."""
        return np.exp(-scale[0] * self.squares)

    def along(self, G: Floats) -> Floats:
        """The inner product <G, D>, (1,)."""
        return np.array([np.vdot(G, self.squares)])


class _ColumnDistances(_Factor):
    """One scale a column: distances are those of scaled columns, and no matrix a column is formed."""

    def __init__(self, X: Floats, here: Flags) -> None:
        super().__init__(here)
        self.X, self.size = X, X.shape[1]
        self.means = 2 * X.var(axis=0) if len(X) else np.zeros(self.size)

    def factor(self, scale: Floats) -> Floats:
        """exp(-sum_j scale_j D_j)."""
        Z = self.X * np.sqrt(scale)
        return np.exp(-squared_distances(Z, Z))

    def along(self, G: Floats) -> Floats:
        """The inner products <G, D_j>, (columns,), from G's sums and X^T G X."""
        sums = G.sum(axis=0) + G.sum(axis=1)
        return sums @ self.X**2 - 2 * (self.X * (G @ self.X)).sum(axis=0)
