"""Grad-CAM: where in a signal, image or volume a residual CNN saw what speaks for a class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fusebench.datasets.samples import Samples

from .attribution import Array, explained
from .encoders.base import Encoder
from .encoders.convolution import ResidualCnn

if TYPE_CHECKING:
    from .network import NeuralMethod

_INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}


def class_activation(activations: Tensor, gradients: Tensor) -> Tensor:
    """ReLU(sum_k alpha_k A^k), shape (n, *sides), with alpha_k the mean of dy_c / dA^k over positions.

    Selvaraju et al. 2017, Grad-CAM, equations 1 and 2; ``activations`` A and ``gradients`` are (n, channels, *sides).
    """
    alpha = gradients.flatten(2).mean(dim=2)
    return torch.einsum("nk,nk...->n...", alpha, activations).relu()


def grad_cam(method: NeuralMethod, samples: Samples, classes: npt.NDArray[np.int64] | None = None) -> dict[str, Array]:
    """Maps (n, *sides) of the modalities that residual CNNs read, at the sides of their input.

    A is what the last block gives after its ReLU, before pooling; y_c is a network's logit of the class. Where several
    networks see a modality, their maps are averaged by their share in the row's probabilities. Rows that lack the
    modality get zero.

    Parameters
    ----------
    method: fitted. classes: (n,) the class of each row to explain; the predicted one when omitted.
    """
    found: dict[str, Array] = {}
    for part in explained(method, samples, classes):
        with last_grids(part.network) as grids:
            logits = part.network(part.batch).gather(1, part.column).sum()
        for name, grid in grids.items():
            gradient = torch.autograd.grad(logits, grid, retain_graph=True)[0]
            sides = method.inputs_.shapes_[name].dims[1:]
            small = class_activation(grid, gradient).detach()[:, None]
            large = nn.functional.interpolate(small, sides, mode=_INTERPOLATION[len(sides)])[:, 0]
            found.setdefault(name, np.zeros((len(samples), *sides)))
            shared = large * part.share.view(-1, *[1] * len(sides))
            found[name][part.rows] += shared.double().cpu().numpy()
    for name, maps in found.items():
        maps[~samples.modality(name).present] = 0.0
    return found


@contextmanager
def last_grids(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """While it lasts, calls of the network fill in, by modality, the grids (n, channels, *sides) that CNNs pool."""
    grids: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(pool: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            grids[name] = inputs[0].detach().requires_grad_()
            return (grids[name],)

        return hook

    readers = [e for e in network.modules() if isinstance(e, Encoder) and isinstance(e.body, ResidualCnn)]
    handles = [e.body.pool.register_forward_pre_hook(keep(e.name)) for e in readers]
    try:
        yield grids
    finally:
        for handle in handles:
            handle.remove()
