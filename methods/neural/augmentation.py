"""Images changed at random in training, alike in all modalities of a row."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .noise import NOISE, uniform
from .shapes import Shape

Batch = Mapping[str, Tensor]

_SIDES = {"image": 2, "volume": 3}


class Augmentation(nn.Module):
    """Flips and shifts of images and volumes, the same for all of a row, so that registered ones stay registered.

    Nothing happens outside training.

    Parameters
    ----------
    flip: mirror along the last side (left to right), in half of the rows.
    shift: move along every side by up to this share of its length; zeros (the training mean) come in.
    """

    side_by_side = True

    def __init__(self, shapes: Mapping[str, Shape], *, flip: bool, shift: float) -> None:
        super().__init__()
        self.sides = {name: _SIDES[shape.kind] for name, shape in shapes.items() if shape.kind in _SIDES}
        self.flip, self.shift, self.stream = flip, shift, 0

    def forward(self, batch: Batch) -> Batch:
        """The batch with images (n, channels, *sides) changed."""
        if NOISE not in batch or not self.sides:
            return batch
        rows = len(batch[next(iter(self.sides))])
        # One number for the flip, one a side for shifts, counted from the last side.
        chance = uniform(batch[NOISE], self.stream, (rows, 4))
        changed = dict(batch)
        for name, sides in self.sides.items():
            images = batch[name]
            if self.flip:
                mirror = chance[:, 0].view(-1, *[1] * (images.ndim - 1)) < 0.5
                images = torch.where(mirror, images.flip(-1), images)
            for side in range(1, sides + 1) if self.shift else ():
                reach = self.shift * images.shape[-side]
                images = shifted(images, -side, torch.round((2 * chance[:, side] - 1) * reach).long())
            changed[name] = images
        return changed


def shifted(images: Tensor, side: int, steps: Tensor) -> Tensor:
    """Images (n, ...), each moved along a side (counted from the last, -1) by its own steps (n,); zeros come in."""
    length = images.shape[side]
    view = [-1, *[1] * (images.ndim - 1)]
    places = torch.arange(length, device=images.device).view(-1, *[1] * (-side - 1))
    source = places - steps.view(view)
    moved = images.gather(side, source.clamp(0, length - 1).expand(images.shape))
    return moved * ((source >= 0) & (source < length))
