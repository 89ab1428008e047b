"""From samples to batches of tensors: scaled with training statistics, large arrays read from disk row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fusebench.datasets.samples import TABULAR, Modality, Samples

from ..features import FeatureBlocks
from .arrays import CLIP, ArrayScaler, GraphScaler
from .shapes import Shape
from .words import Vocabulary

Scaler = Callable[[Modality], np.ndarray]
"""From a modality's rows to what networks get of them, (n, ...)."""

LABEL = "<label>"
"""Key of the class codes in a batch; modality names are the other keys, with ``present_key`` beside them."""

_RESIDENT_BYTES = 2**28
_BATCH_BYTES = 2**26


def present_key(name: str) -> str:
    """Key of the (n, 1) column that is 1 where a row has the modality; only there when some row lacks it."""
    return f"<present> {name}"


def graph_key(name: str) -> str:
    """Key of a connectivity as weights of a graph, (n, regions, regions); only there when regions are joined by it."""
    return f"<graph> {name}"


class Inputs:
    """What networks see of each modality, fitted on training rows.

    Tables become the columns of ``FeatureBlocks``, texts the word numbers of ``Vocabulary``, other arrays what
    ``ArrayScaler`` makes of them. Values beyond 10 standard deviations are cut there.
    Absent rows and missing cells are 0, the training mean; ``present_key`` columns say which rows are absent.
    Regions are joined by the first connectivity of as many regions.

    Attributes
    ----------
    names_: the modalities. shapes_: modality name to the form of one row.
    """

    def fit(self, samples: Samples) -> Self:
        """Learn scales from n training rows."""
        self.names_ = samples.names
        tables = [m.name for m in samples.modalities if m.kind in TABULAR]
        self.blocks_ = FeatureBlocks().fit(samples.select(tables)) if tables else None
        self.scalers_: dict[str, ArrayScaler | Vocabulary] = {
            m.name: Vocabulary(m) if m.kind == "text" else ArrayScaler(m)
            for m in samples.modalities
            if m.kind not in TABULAR
        }
        self.shapes_ = {name: scaler.shape for name, scaler in self.scalers_.items()}
        for name in tables:
            self.shapes_[name] = Shape(samples.modality(name).kind, (self.blocks_.widths_[name],))  # type: ignore[union-attr]
        self.graphs_: dict[str, Scaler] = {}
        for name, shape in list(self.shapes_.items()):
            graph = self._connectivity(shape)
            if graph:
                self.shapes_[name] = replace(shape, graph=graph)
                self.graphs_[graph] = GraphScaler(samples.modality(graph))
        return self

    def _connectivity(self, shape: Shape) -> str:
        """The connectivity that joins those regions; none if they are no regions or there is none."""
        if shape.kind != "roi":
            return ""
        fitting = (
            n
            for n in self.names_
            if self.shapes_[n].kind == "connectivity" and self.shapes_[n].dims[0] == shape.dims[0]
        )
        return next(fitting, "")

    def open(self, samples: Samples, device: torch.device, codes: np.ndarray | None = None) -> SampleSource:
        """The rows of ``samples`` as a source of batches; ``codes`` are their classes, shape (n,)."""
        resident: dict[str, Tensor] = {}
        on_disk: dict[str, tuple[Modality, Scaler]] = {}
        if self.blocks_ is not None:
            for name, block in self.blocks_.transform(samples).items():
                resident[name] = _tensor(np.clip(block, -CLIP, CLIP, out=block), device)
        for key, name, scaler in self._scaled():
            modality = samples.modality(name)
            if 4 * len(modality) * modality.width <= _RESIDENT_BYTES:
                resident[key] = torch.as_tensor(scaler(modality), device=device)
            else:
                on_disk[key] = (modality, scaler)
        for name in self.shapes_:
            present = samples.modality(name).present
            if not present.all():
                resident[present_key(name)] = _tensor(present[:, None], device)
        if codes is not None:
            resident[LABEL] = torch.as_tensor(codes, dtype=torch.int64, device=device)
        return SampleSource(resident, on_disk, len(samples), device)

    def empty_row(self, device: torch.device) -> dict[str, Tensor]:
        """One row of zeros in every modality, for counting operations."""
        row = {
            name: torch.zeros((1, *shape.dims), dtype=torch.int64 if shape.words else torch.float32, device=device)
            for name, shape in self.shapes_.items()
        }
        return {**row, **{graph_key(name): row[name] for name in self.graphs_}}

    def _scaled(self) -> Iterator[tuple[str, str, Scaler]]:
        """Key in a batch, modality and scaler of everything that is no table."""
        yield from ((name, name, scaler) for name, scaler in self.scalers_.items())
        yield from ((graph_key(name), name, scaler) for name, scaler in self.graphs_.items())


class SampleSource:
    """Batches of some samples' rows; made by ``Inputs.open``. Rows that are not in memory are read when asked for."""

    def __init__(
        self,
        resident: Mapping[str, Tensor],
        on_disk: Mapping[str, tuple[Modality, Scaler]],
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
        keys = {LABEL, *names, *map(present_key, names), *map(graph_key, names)}
        resident = {key: tensor for key, tensor in self.resident.items() if key in keys}
        return SampleSource(resident, {k: v for k, v in self.on_disk.items() if k in keys}, self.rows, self.device)

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The rows at those positions (int64, on the CPU), on ``device``."""
        here = rows.to(self.device)
        batch = {name: tensor.index_select(0, here) for name, tensor in self.resident.items()}
        for name, (modality, scaler) in self.on_disk.items():
            batch[name] = torch.as_tensor(scaler(modality.take(rows.numpy())), device=self.device)
        return batch


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32), device=device)
