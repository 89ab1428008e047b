"""A gated recurrent unit over a signal."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..shapes import Shape
from ..side_by_side import Linear
from .base import Batch, Body

_MOST_STEPS = 64


class Gru(Body):
    """A gated recurrent unit (Cho et al. 2014) over time; its tokens are its states, its code is the last one.

    Written out, since torch's GRU knows no stacks of networks; in its form, so that the same weights give the same
    states. Signals longer than 64 are cut into 64 windows, each read as one step.

    Parameters
    ----------
    width: of the state.
    """

    side_by_side = True

    def __init__(self, shape: Shape, width: int = 32) -> None:
        super().__init__()
        channels, length = shape.dims
        self.window = math.ceil(length / _MOST_STEPS)
        self.steps = math.ceil(length / self.window)
        self.padding = self.steps * self.window - length
        self.inputs = Linear(channels * self.window, 3 * width)
        self.states = Linear(width, 3 * width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)
        self.map_shapes = ((self.steps, width),)
        self.width = width

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """The states, (n, steps, width)."""
        # Zeros before the beginning rather than after the end, which is what the last state knows best.
        windows = nn.functional.pad(values, (self.padding, 0)).unflatten(2, (self.steps, self.window))
        seen = self.inputs(windows.transpose(1, 2).flatten(2))
        state = seen.new_zeros(len(values), self.width)
        found = []
        for step in range(self.steps):
            reset_in, update_in, new_in = seen[:, step].chunk(3, dim=1)
            reset, update, new = self.states(state).chunk(3, dim=1)
            new = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
            keep = torch.sigmoid(update_in + update)
            state = (1 - keep) * new + keep * state
            found.append(state)
        return [torch.stack(found, dim=1)]

    def code(self, last: Tensor, valid: Tensor | None) -> Tensor:
        """The last state."""
        return last[:, -1]
