"""From samples to batches of tensors: scaled with training statistics, large arrays read from disk row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusebench.datasets.samples import TABULAR, Modality, Samples

from ..features import FeatureBlocks

Shape = tuple[int, ...]

LABEL = "<label>"
"""Key of the class codes in a batch; modality names are the other keys, with ``present_key`` beside them."""

_CLIP = 10.0
_CHUNK_BYTES = 2**24
_RESIDENT_BYTES = 2**28
_BATCH_BYTES = 2**26


def present_key(name: str) -> str:
    """Key of the (n, 1) column that is 1 where a row has the modality; only there when some row lacks it."""
    return f"<present> {name}"


class Inputs:
    """What networks see of each modality, fitted on training rows.

    Tables become the columns of ``FeatureBlocks``. Images of shape (n, c, h, w) or (n, h, w) keep their form and are
    scaled by channel. Other arrays are flattened, centred by position and share one scale. Values beyond 10 standard
    deviations are cut there: a column that hardly varied in training must not overflow float32 at test.
    Absent rows and missing cells are 0, the training mean; ``present_key`` columns say which rows are absent.

    Attributes
    ----------
    names_: the modalities. shapes_: modality name to the shape of one row: (width,), or (c, h, w) for an image.
    """

    def fit(self, samples: Samples) -> Self:
        """Learn scales from n training rows."""
        self.names_ = samples.names
        tables = [m.name for m in samples.modalities if m.kind in TABULAR]
        self.blocks_ = FeatureBlocks().fit(samples.select(tables)) if tables else None
        self.scalers_ = {m.name: _ArrayScaler(m) for m in samples.modalities if m.kind not in TABULAR}
        self.shapes_: dict[str, Shape] = {}
        for name in samples.names:
            scaler = self.scalers_.get(name)
            self.shapes_[name] = scaler.shape if scaler else (self.blocks_.widths_[name],)  # type: ignore[union-attr]
        return self

    def open(self, samples: Samples, device: torch.device, codes: np.ndarray | None = None) -> SampleSource:
        """The rows of ``samples`` as a source of batches; ``codes`` are their classes, shape (n,)."""
        resident: dict[str, Tensor] = {}
        on_disk: dict[str, tuple[Modality, _ArrayScaler]] = {}
        if self.blocks_ is not None:
            for name, block in self.blocks_.transform(samples).items():
                resident[name] = _tensor(np.clip(block, -_CLIP, _CLIP), device)
        for name, scaler in self.scalers_.items():
            modality = samples.modality(name)
            if 4 * len(modality) * modality.width <= _RESIDENT_BYTES:
                resident[name] = torch.as_tensor(scaler(modality), device=device)
            else:
                on_disk[name] = (modality, scaler)
        for name in self.shapes_:
            present = samples.modality(name).present
            if not present.all():
                resident[present_key(name)] = _tensor(present[:, None], device)
        if codes is not None:
            resident[LABEL] = torch.as_tensor(codes, dtype=torch.int64, device=device)
        return SampleSource(resident, on_disk, len(samples), device)

    def empty_row(self, device: torch.device) -> dict[str, Tensor]:
        """One row of zeros in every modality, for counting operations."""
        return {name: torch.zeros((1, *shape), device=device) for name, shape in self.shapes_.items()}


class SampleSource:
    """Batches of some samples' rows; made by ``Inputs.open``. Rows that are not in memory are read when asked for."""

    def __init__(
        self,
        resident: Mapping[str, Tensor],
        on_disk: Mapping[str, tuple[Modality, _ArrayScaler]],
        rows: int,
        device: torch.device,
    ) -> None:
        self.resident, self.on_disk, self.rows, self.device = resident, on_disk, rows, device

    def __len__(self) -> int:
        return self.rows

    @property
    def most_rows(self) -> int:
        """The largest batch that memory allows."""
        widths = [t[0].numel() for t in self.resident.values() if len(t)] + [m.width for m, _ in self.on_disk.values()]
        return max(1, _BATCH_BYTES // (4 * sum(widths))) if widths else self.rows

    def select(self, names: Sequence[str]) -> SampleSource:
        """The same rows with only the named modalities (and the labels)."""
        keys = {LABEL, *names, *map(present_key, names)}
        resident = {key: tensor for key, tensor in self.resident.items() if key in keys}
        return SampleSource(resident, {k: v for k, v in self.on_disk.items() if k in keys}, self.rows, self.device)

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The rows at those positions (int64, on the CPU), on ``device``."""
        here = rows.to(self.device)
        batch = {name: tensor.index_select(0, here) for name, tensor in self.resident.items()}
        for name, (modality, scaler) in self.on_disk.items():
            batch[name] = torch.as_tensor(scaler(modality.take(rows.numpy())), device=self.device)
        return batch


class _ArrayScaler:
    """Centre and scale of one modality that is no table, learnt chunk by chunk from the rows that have it."""

    def __init__(self, modality: Modality) -> None:
        if modality.kind == "text":
            raise ValueError(f"modality {modality.name!r}: text has no numbers; use a method that reads text")
        row = modality.shape[1:]
        picture = modality.kind == "image" and len(row) in (2, 3)
        self.shape: Shape = ((1, *row) if len(row) == 2 else row) if picture else (modality.width,)
        axes = (0, 2, 3) if picture else (0,)
        count = total = 0.0
        for chunk in self._chunks(modality):
            count = count + np.isfinite(chunk).sum(axis=axes, keepdims=True)
            total = total + np.nansum(chunk, axis=axes, keepdims=True)
        self.mean = np.asarray(total / np.maximum(count, 1.0))
        squares = 0.0
        for chunk in self._chunks(modality):
            squares = squares + np.nansum((chunk - self.mean) ** 2, axis=axes, keepdims=True)
        if not picture:
            count, squares = np.sum(count), np.sum(squares)
        spread = np.sqrt(squares / np.maximum(count, 1.0))
        self.scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(self.mean).max(initial=0.0)), spread, 1.0)

    def _chunks(self, modality: Modality) -> Iterator[npt.NDArray[np.float64]]:
        rows = np.flatnonzero(modality.present)
        step = max(1, _CHUNK_BYTES // (8 * modality.width))
        for start in range(0, len(rows), step):
            values = modality.take(rows[start : start + step]).values
            yield values.reshape(-1, *self.shape).astype(np.float64)

    def __call__(self, modality: Modality) -> npt.NDArray[np.float32]:
        scaled = (modality.values.reshape(-1, *self.shape) - self.mean) / self.scale
        scaled = np.where(np.isnan(scaled), 0.0, np.clip(scaled, -_CLIP, _CLIP)).astype(np.float32)
        scaled[~modality.present] = 0.0
        return scaled


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32), device=device)
