"""What all methods that are one fusion network share: the settings of the grid of encoders, points and operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from torch import nn

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from .augmentation import Augmentation
from .encoders.make import check_options
from .fusion import FusionNetwork, Point
from .network import NeuralMethod
from .operators.base import Operator
from .shapes import Shape


@dataclass(kw_only=True, eq=False, repr=False)
class FusionMethod(NeuralMethod):
    """A fusion network: encoders by kind, and an operator at a fusion point.

    Parameters
    ----------
    encoders: kind or name of a modality to an encoder, by name or as a table of its ``name`` and settings, such as
        ``{"image": "vit", "history": {"name": "mlp", "width": 16, "depth": 2}}``. What is not named takes the default
        of its kind (``fusebench.methods.neural.encoders.make``).
    point: where modalities meet: "input", "feature", "intermediate" or "decision"; see ``FusionNetwork``.
    levels: how many levels are joined at the point "intermediate".
    modality_dropout: share of modalities hidden in training, for tasks in which some are absent at prediction.
    flip: mirror images and volumes at random in training, left to right, all of a row alike.
    shift: move images and volumes at random in training, by up to this share of a side, all of a row alike.
    others: see ``NeuralMethod``.
    """

    encoders: Mapping[str, Any] | None = None
    point: Point = "feature"
    levels: int = 2
    modality_dropout: float = 0.0
    flip: bool = False
    shift: float = 0.0

    def _check(self, samples: Samples) -> None:
        """As ``NeuralMethod._check``, and UnknownNameError for an unknown encoder or key."""
        super()._check(samples)
        if self.point not in get_args(Point):
            raise DataError(f"point {self.point!r}: use one of {', '.join(get_args(Point))}")
        for name, share in (("modality_dropout", self.modality_dropout), ("shift", self.shift)):
            if not 0.0 <= share < 1.0:
                raise DataError(f"{name} {share!r}: use a share from 0 to below 1")
        if self.levels < 1:
            raise DataError(f"levels {self.levels!r}: use at least 1")
        check_options(self.encoders, samples.names)

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        return FusionNetwork(
            shapes,
            lambda widths, tokens, plain: self._operator(widths, tokens, n_classes, plain=plain),
            n_classes,
            hidden=self.hidden,
            dropout=self.dropout,
            point=self.point,
            encoders=self.encoders,
            modality_dropout=self.modality_dropout,
            levels=self.levels,
            augmentation=Augmentation(shapes, flip=self.flip, shift=self.shift) if self.flip or self.shift else None,
        )

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        """The operator for modalities that bring vectors of those widths, or those (tokens, width) if it reads tokens.

        ``plain``: they shall be joined as they are, raw numbers or logits, of which it makes no codes of its own.
        """
        raise NotImplementedError
