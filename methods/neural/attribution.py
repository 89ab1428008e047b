"""Integrated gradients: how much each value of a row moved the probability that networks give to a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fusebench.datasets.samples import TABULAR, Samples

from .devices import torch_device
from .encoders.base import Encoder
from .inputs import graph_key

if TYPE_CHECKING:
    from .network import NeuralMethod

Array = npt.NDArray[np.float64]

STEPS = 64
"""Points on the path at which gradients are taken. Where they lie, see ``_steps``."""

_ROUNDS = 2
_AT_ONCE = 256


@dataclass(frozen=True)
class Explained:
    """Some rows as one network of a method sees them.

    Parameters
    ----------
    rows: where they are. batch: what the network gets.
    share: (n,) weight of the network in the rows' probabilities; 0 where it can see nothing of a row.
    column: (n, 1) the class to explain, as a place in ``classes_``.
    """

    rows: slice
    network: nn.Module
    batch: Mapping[str, Tensor]
    share: Tensor
    column: Tensor


def integrated_gradients(
    method: NeuralMethod, samples: Samples, classes: npt.NDArray[np.int64] | None = None
) -> dict[str, Array]:
    """Attributions of the probability p_c(x) of a class to the values of each row x.

    (x_i - b_i) times the mean of dp_c / dx_i along the straight line from the baseline b to x; Sundararajan, Taly and
    Yan 2017, Axiomatic attribution for deep networks. All attributions of a row sum to p_c(x) - p_c(b).

    Of probabilities, not logits: only they exist for several networks whose answers are mixed, and they are what
    Shapley values over modalities share out, so that both are in one unit. The baseline is the training mean, zero
    after scaling; no connection between regions; for a word the vector zero. Which modalities a row has stays as it
    is, and absent ones get zero. Captum's agree with these for one network on numbers; it knows neither mixtures of
    networks nor steps that suit each row, and would be one more package for what takes few lines here.

    Parameters
    ----------
    method: fitted. classes: (n,) the class of each row to explain; the predicted one when omitted.

    Returns
    -------
    Modality name to an array like the modality, (n, ...): a table's categorical columns hold the sum over categories,
    a text's array is (n, tokens) in the order of its words.
    """
    shapes = method.inputs_.shapes_
    found = {name: np.zeros((len(samples), *shape.dims)) for name, shape in shapes.items()}
    owners = {**{name: name for name in shapes}, **{graph_key(name): name for name in method.inputs_.graphs_}}
    for part in explained(method, samples, classes):
        for key, values in _along_the_path(part, owners).items():
            found[owners[key]][part.rows] += values
    for modality in samples.modalities:
        name = modality.name
        if modality.kind in TABULAR and method.inputs_.blocks_ is not None:
            found[name] = method.inputs_.blocks_.by_column(name, found[name])
        elif modality.kind != "text":
            found[name] = found[name].reshape(modality.shape)
    return found


def explained(
    method: NeuralMethod, samples: Samples, classes: npt.NDArray[np.int64] | None = None
) -> Iterator[Explained]:
    """Every network of a method on every chunk of rows, with its share in the rows' probabilities."""
    if classes is None:
        columns = method.predict_proba(samples).argmax(axis=1)
    else:
        columns = np.searchsorted(method.classes_, classes)
    device = torch_device(method.device)
    source = method.inputs_.open(samples, device)
    seen = method._members(method.inputs_.names_)
    shares = _shares(method, samples)
    size = min(source.most_rows, _AT_ONCE)
    for start in range(0, len(samples), size):
        rows = slice(start, min(start + size, len(samples)))
        column = torch.as_tensor(columns[rows], dtype=torch.int64, device=device)[:, None]
        for name, network in method.networks_.items():
            share = torch.as_tensor(shares[name][rows], dtype=torch.float32, device=device)
            batch = source.select(seen[name]).batch(torch.arange(rows.start, rows.stop))
            yield Explained(rows, network, batch, share, column)


def _shares(method: NeuralMethod, samples: Samples) -> dict[str, Array]:
    """Each network's weight in the probabilities of each row, (n,)."""
    weights = method._late_weights()
    seen = {
        name: weights[name] * ~np.isnan(proba).any(axis=1)
        for name, proba in method.member_probabilities(samples).items()
    }
    total = sum(seen.values(), np.zeros(len(samples)))
    return {name: weight / np.where(total > 0, total, 1.0) for name, weight in seen.items()}


def _along_the_path(part: Explained, owners: Mapping[str, str]) -> dict[str, Array]:
    """Attributions through one network by key of the batch, (n, *dims)."""
    ends = {key: part.batch[key] for key in owners if key in part.batch and part.batch[key].is_floating_point()}
    sums: dict[str, Any] = {}
    with ExitStack() as stack:
        path = _Path(part, ends, stack)
        for place, width in zip(*_steps(path), strict=True):
            proba = path.proba(place, learn=True)
            points = {**path.points, **path.words.points}
            gradients = torch.autograd.grad((part.share * proba).sum(), list(points.values()), allow_unused=True)
            for key, gradient in zip(points, gradients, strict=True):
                if gradient is not None:
                    sums[key] = sums.get(key, 0.0) + _by_row(width, gradient) * gradient
    words = path.words.ends
    products = {key: (words[key] if key in words else ends[key]) * total for key, total in sums.items()}
    summed = {key: value.sum(dim=-1) if key in words else value for key, value in products.items()}
    return {key: value.double().cpu().numpy() for key, value in summed.items()}


def _steps(path: _Path) -> tuple[Tensor, Tensor]:
    """Middles and widths, (STEPS, n), of the parts into which each row's path from 0 to 1 is cut.

    A sure network changes its mind within a small part of the path, which equal steps miss. So a quarter of the steps
    are shared out equally, and the rest by how much the angle arcsin(sqrt(p)) changes, found by evaluations without
    gradient: in this angle a sigmoid is a smooth arc, its tails included, which middles of steps integrate well.
    """
    n = len(path.part.share)
    wanted = np.linspace(0.0, 1.0, STEPS + 1)
    edges = np.repeat(wanted[:, None], n, axis=1)
    for _ in range(_ROUNDS):
        with torch.no_grad():
            proba = torch.stack([path.proba(place) for place in path.places(edges)]).cpu().numpy()
        change = np.abs(np.diff(np.arcsin(np.sqrt(proba.clip(0.0, 1.0))), axis=0))
        share = 3.0 * change / np.maximum(change.sum(axis=0), 1e-9) + np.diff(edges, axis=0)
        reached = np.vstack([np.zeros(n), share.cumsum(axis=0)])
        edges = np.stack(
            [np.interp(wanted * own[-1], own, edge) for own, edge in zip(reached.T, edges.T, strict=True)], axis=1
        )
    return path.places((edges[1:] + edges[:-1]) / 2), path.places(np.diff(edges, axis=0))


class _Path:
    """The straight line from the baseline, at 0, to a batch, at 1, as one network sees it.

    ``points``: the values that were looked at last, by key of the batch.
    """

    def __init__(self, part: Explained, ends: Mapping[str, Tensor], stack: ExitStack) -> None:
        self.part, self.ends = part, ends
        self.words = _Words(part.network, stack)
        self.points: dict[str, Tensor] = {}

    def places(self, values: Array) -> Tensor:
        """Places on the path as a tensor beside the batch."""
        return torch.as_tensor(values, dtype=torch.float32, device=self.part.share.device)

    def proba(self, place: Tensor, *, learn: bool = False) -> Tensor:
        """Probability (n,) of the class to explain at the places (n,) of the rows on their paths."""
        self.words.place = place
        self.points = {key: (_by_row(place, end) * end).requires_grad_(learn) for key, end in self.ends.items()}
        logits = self.part.network({**self.part.batch, **self.points})
        return logits.softmax(dim=1).gather(1, self.part.column)[:, 0]


def _by_row(values: Tensor, like: Tensor) -> Tensor:
    """Values (n,) in a form that multiplies the rows of another tensor (n, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))


class _Words:
    """Vectors of words on their way from zero: what embeddings give is scaled while the hooks are in place.

    ``place``: how far on the way, (n,). ``points`` and ``ends``: by modality, the scaled vectors of the network's last
    call, and the vectors themselves, (n, tokens, width).
    """

    def __init__(self, network: nn.Module, stack: ExitStack) -> None:
        self.place = torch.ones(1)
        self.points: dict[str, Tensor] = {}
        self.ends: dict[str, Tensor] = {}
        for encoder in network.modules():
            if isinstance(encoder, Encoder):
                for module in encoder.body.modules():
                    if isinstance(module, nn.Embedding):
                        stack.callback(module.register_forward_hook(self._hook(encoder.name)).remove)

    def _hook(self, name: str) -> Any:
        def scale(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            self.ends[name] = output.detach()
            self.points[name] = (_by_row(self.place, output) * self.ends[name]).requires_grad_()
            return self.points[name]

        return scale
