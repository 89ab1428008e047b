"""From modalities to numbers: imputing, scaling and encoding that learn on training rows only."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from fusebench.datasets.samples import TABULAR, Modality, Samples

Block = npt.NDArray[np.float64]
Missing = npt.NDArray[np.bool_]


class FeatureBlocks(BaseEstimator):
    """One block of finite, scaled numbers for every modality, fitted on training rows.

    Numeric columns: missing cells take the training median, then the column is centred and scaled to unit variance.
    Categorical columns become one column a category. Images, volumes, signals and connectivities are flattened, and
    share one scale so that the contrast between positions stays. A row without the modality becomes the training mean,
    which is zero in every column.

    Parameters
    ----------
    flag_absent: append one 0/1 column "present" to a block whose modality was absent in some training row.
    """

    def __init__(self, flag_absent: bool = False) -> None:
        self.flag_absent = flag_absent

    def fit(self, samples: Samples) -> Self:
        """Learn medians, scales and categories from n training rows."""
        self.names_ = samples.names
        self.encoders_ = {m.name: _Encoder(m, self.flag_absent) for m in samples.modalities}
        self.widths_ = {name: encoder.width for name, encoder in self.encoders_.items()}
        return self

    def transform(self, samples: Samples) -> dict[str, Block]:
        """Modality name to an (n, width) array of float64, in the order of the training samples."""
        return {name: self.encoders_[name](samples.modality(name)) for name in self.names_}

    def missing(self, samples: Samples) -> dict[str, tuple[Missing, Missing]]:
        """Which numeric cells (n, columns) and which categorical ones are missing; all of an absent modality."""
        return {name: self.encoders_[name].missing(samples.modality(name)) for name in self.names_}

    def by_column(self, name: str, values: Block) -> Block:
        """Values of a block's columns (n, width) summed by column of the modality (n, columns); without the flag."""
        encoder = self.encoders_[name]
        numeric, ends = len(encoder.median), np.cumsum([len(encoder.median), *encoder.levels])
        found = np.zeros((len(values), len(encoder.categorical)))
        found[:, ~encoder.categorical] = values[:, :numeric]
        for column, start, end in zip(np.flatnonzero(encoder.categorical), ends[:-1], ends[1:], strict=True):
            found[:, column] = values[:, start:end].sum(axis=1)
        return found

    def concatenated(self, samples: Samples) -> Block:
        """All blocks side by side, shape (n, sum of widths)."""
        return np.hstack(list(self.transform(samples).values()))


class _Encoder:
    """What was learnt of one modality."""

    def __init__(self, modality: Modality, flag_absent: bool) -> None:
        if modality.kind == "text":
            raise ValueError(f"modality {modality.name!r}: text has no numbers; use a method that reads text")
        self.flag = flag_absent and not modality.present.all()
        self.categorical = np.zeros(modality.width, dtype=bool)
        self.levels: list[int] = []
        if modality.kind in TABULAR:
            self.categorical = np.array([f in modality.categories for f in modality.features])
            self.levels = [len(modality.categories[f]) for f in modality.features if f in modality.categories]
        seen = self._numbers(modality)
        if not modality.present.all():
            seen = seen[modality.present]
        numeric = self._numeric(seen)
        gone = np.isnan(numeric)
        self.median = _medians(numeric, gone)
        numeric = _filled(numeric, gone, self.median)
        self.mean = numeric.mean(axis=0) if len(numeric) else self.median
        spread = numeric.std(axis=0) if len(numeric) else np.ones_like(self.median)
        if modality.kind not in TABULAR:
            spread = np.full_like(spread, np.sqrt(np.mean(spread**2)) if spread.size else 1.0)
        # A column that does not vary carries nothing; dividing by rounding noise would blow it up.
        self.scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(self.mean)), spread, 1.0)
        self.frequency = np.zeros(0)
        if self.levels:
            hot = self._one_hot(seen[:, self.categorical])
            self.frequency = hot.mean(axis=0) if len(hot) else np.zeros(hot.shape[1])

    @property
    def width(self) -> int:
        return len(self.median) + sum(self.levels) + self.flag

    def missing(self, modality: Modality) -> tuple[Missing, Missing]:
        gone = np.isnan(self._numbers(modality)) | ~modality.present[:, None]
        return gone[:, ~self.categorical], gone[:, self.categorical]

    @staticmethod
    def _numbers(modality: Modality) -> Block:
        return modality.values.reshape(len(modality), -1).astype(np.float64, copy=False)

    def _numeric(self, values: Block) -> Block:
        return values[:, ~self.categorical] if self.levels else values

    def _one_hot(self, codes: Block) -> Block:
        hot = [codes[:, [j]] == np.arange(levels) for j, levels in enumerate(self.levels)]
        return np.hstack(hot).astype(np.float64)

    def __call__(self, modality: Modality) -> Block:
        values = self._numbers(modality)
        numeric = self._numeric(values)
        block = _filled(numeric, np.isnan(numeric), self.median) - self.mean
        block /= self.scale
        if self.levels:
            block = np.hstack([block, self._one_hot(values[:, self.categorical]) - self.frequency])
        block[~modality.present] = 0.0
        if self.flag:
            block = np.hstack([block, modality.present[:, None].astype(np.float64)])
        return block


def _medians(numeric: Block, gone: Missing) -> Block:
    """Median of each column's known cells, (columns,); zero for a column without any."""
    if not len(numeric):
        return np.zeros(numeric.shape[1])
    if gone.any():
        return np.asarray(np.nanmedian(np.where(gone.all(axis=0), 0.0, numeric), axis=0))
    # Column by column in order of memory, and one place asked for: numpy's median, which asks for three, takes five
    # times as long, and nanmedian more.
    columns, middle = np.array(numeric.T, order="C"), len(numeric) // 2
    columns.partition(middle, axis=1)
    upper = columns[:, middle]
    return upper.copy() if len(numeric) % 2 else (columns[:, :middle].max(axis=1) + upper) / 2


def _filled(numeric: Block, gone: Missing, median: Block) -> Block:
    """The cells (n, columns) with the median where one is missing; no copy where none is."""
    return np.where(gone, median, numeric) if gone.any() else numeric
