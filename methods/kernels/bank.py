"""The base kernels of all modalities, by kind, fitted on training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np

from fusebench.datasets.samples import TABULAR, Samples
from fusebench.datasets.splits import Rows

from ..features import FeatureBlocks
from .base_kernel import SCALE_ROWS, BaseKernel, Flags, Floats, Form, drawn, median_distance

Images = Literal["flat", "pooled"]

KERNELS: dict[str, tuple[str, ...]] = {
    "few": ("rbf 0.7", "linear"),
    "three": ("rbf 0.5", "rbf 1", "rbf 2", "linear"),
    "ladder": ("rbf 0.25", "rbf 0.5", "rbf 1", "rbf 2", "rbf 4", "linear", "poly 2"),
}
"""Sets of base kernels that methods offer for each modality; "rbf 2" is twice as wide as the median distance."""

POOLED = 64
"""Pooling averages neighbours until an image or volume has at most this many positions."""


class KernelBank:
    """The base kernels of all modalities, fitted on training rows.

    Parameters
    ----------
    forms: a name of ``KERNELS``, or forms such as "rbf 0.5" (width in median distances), "linear", "poly 3" (degree).
    references: most rows that a centre is the mean of; all training rows when None. Drawn when there are more.
    images: whether images, volumes, signals and connectivities are taken "flat", position by position, or "pooled".

    Raises
    ------
    ValueError: a form that is none.
    """

    def __init__(self, forms: str | Sequence[str], references: int | None = None, images: Images = "flat") -> None:
        self.forms = KERNELS.get(forms, (forms,)) if isinstance(forms, str) else tuple(forms)
        self.references, self.images = references, images

    def fit(self, samples: Samples) -> Self:
        """Learn scales, median distances and centres from n training rows."""
        self.blocks_ = FeatureBlocks().fit(samples)
        self.shapes_ = {m.name: m.shape[1:] for m in samples.modalities if m.kind not in TABULAR}
        self.kernels_: list[BaseKernel] = []
        self.n_rows_ = len(samples)
        for name, (X, present) in self.read(samples).items():
            here = np.flatnonzero(present)
            if not len(here):
                continue  # nothing can be learnt of a modality that no training row has
            reference = here if self.references is None else drawn(here, self.references)
            some = X[drawn(here, SCALE_ROWS)]
            median = median_distance(some)
            unit = float((some**2).sum(axis=1).mean()) or 1.0
            for label in self.forms:
                form = parse_form(label, median, unit)
                self.kernels_.append(BaseKernel(name, label, form, X, present, reference))
        return self

    def read(self, samples: Samples) -> dict[str, tuple[Floats, Flags]]:
        """Modality name to its block (m, d) and who has it (m,)."""
        blocks = self.blocks_.transform(samples)
        if self.images == "pooled":
            blocks |= {name: pooled(blocks[name], shape) for name, shape in self.shapes_.items()}
        return {name: (block, np.array(samples.modality(name).present)) for name, block in blocks.items()}

    def stack(self, rows: Rows) -> Floats:
        """All kernels' matrices of some training rows, (p, r, r), each centred over exactly those rows."""
        matrices = np.empty((len(self.kernels_), len(rows), len(rows)))
        for matrix, kernel in zip(matrices, self.kernels_, strict=True):
            matrix[:] = kernel.among(rows)
        return matrices

    def shares(self, weights: Floats, names: Sequence[str]) -> dict[str, float]:
        """Each modality's part of the kernels' weights."""
        total = float(weights.sum()) or 1.0
        pairs = list(zip(self.kernels_, weights, strict=True))
        return {name: float(sum(w for k, w in pairs if k.modality == name)) / total for name in names}


def parse_form(label: str, median: float, unit: float) -> Form:
    """The form that a label such as "rbf 0.5", "linear" or "poly 2" tells, for a modality's median and unit."""
    kind, _, number = label.partition(" ")
    try:
        if kind == "rbf":
            return Form(gamma=0.5 / (float(number) * median) ** 2)
        if kind == "poly":
            return Form(degree=int(number), unit=unit)
        if label == "linear":
            return Form()
    except (ValueError, ZeroDivisionError):
        pass
    raise ValueError(
        f"kernel {label!r}: use 'linear', 'rbf WIDTH' or 'poly DEGREE', or one of the sets {', '.join(KERNELS)}"
    )


def pooled(block: Floats, shape: tuple[int, ...]) -> Floats:
    """Means over neighbouring positions of flattened arrays (n, prod(shape)), at most ``POOLED`` of them each.

    Every axis is cut into equal parts, as many as leave about the same resolution along all of them.
    """
    parts = list(shape)
    while np.prod(parts) > POOLED and max(parts) > 1:
        longest = int(np.argmax(parts))
        parts[longest] = -(-parts[longest] // 2)
    values = block.reshape(len(block), *shape)
    for axis, (length, many) in enumerate(zip(shape, parts, strict=True), start=1):
        edges = np.linspace(0, length, many + 1).astype(np.intp)
        values = np.add.reduceat(values, edges[:-1], axis=axis)
        sizes = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        values = values / sizes
    return values.reshape(len(block), -1)
