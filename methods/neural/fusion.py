"""Fusion networks: encoders, a point at which modalities meet, an operator that joins them, and a linear head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from .augmentation import Augmentation
from .encoders.make import Options, make_encoder
from .inputs import present_key
from .noise import NOISE, Dropout, uniform
from .operators.base import Batch, Operator, Part
from .shapes import Shape
from .side_by_side import Linear

Point = Literal["input", "feature", "intermediate", "decision"]

Build = Callable[[Sequence[int], Sequence[tuple[int, int]], bool], Operator]
"""Makes an operator for modalities that bring vectors of those widths, or those (tokens, width) if it reads tokens.
True when they shall be joined as they are, raw numbers or logits, of which it makes no codes of its own."""


class FusionNetwork(nn.Module):
    """Encoders of all modalities, modality dropout, operators at a fusion point, dropout, a linear head.

    Where modalities meet:

    - "input": in their raw numbers, without encoders.
    - "feature": in the codes of their encoders.
    - "intermediate": in the codes and at shallower levels of the encoders, with an operator at each. What comes from
      the level below is added through a linear map, h_l = operator_l(v_1l, ..., v_Ml) + U_l h_(l-1), and the head reads
      the deepest h: hierarchical fusion (after Li et al. 2022). A modality with fewer levels joins at the deepest.
    - "decision": in the logits that each modality's own classifier gives from its code; all are trained together.

    Parameters
    ----------
    build: see ``Build``; called once a level.
    hidden: width of the hidden layer of a modality's own classifier.
    modality_dropout: share of present modalities that a training step hides from the operator, never all of a row's.
    levels: how many levels are joined at the point "intermediate".
    """

    side_by_side = True

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        build: Build,
        n_classes: int,
        *,
        hidden: int,
        dropout: float,
        point: Point = "feature",
        encoders: Options | None = None,
        modality_dropout: float = 0.0,
        levels: int = 1,
        augmentation: Augmentation | None = None,
    ) -> None:
        super().__init__()
        depth = levels if point == "intermediate" else 1
        self.encoders = nn.ModuleList(
            make_encoder(name, shape, encoders, raw=point == "input", levels=depth) for name, shape in shapes.items()
        )
        self.hiding = HideModalities(tuple(shapes), modality_dropout)
        self.augmentation = augmentation
        self.deciders = nn.ModuleList()
        if point == "decision":
            self.deciders.extend(_Decider(e.width, hidden, n_classes, dropout) for e in self.encoders)
        self.operators, self.passed_on = nn.ModuleList(), nn.ModuleList()
        self.reaches = [min(depth, len(encoder.token_shapes)) for encoder in self.encoders]
        below = 0
        for level in range(-max(self.reaches), 0):
            members = [e for e, reach in zip(self.encoders, self.reaches, strict=True) if reach >= -level]
            if point == "decision":
                widths, tokens = [n_classes] * len(members), [(1, n_classes)] * len(members)
            else:
                widths, tokens = [e.level_widths[level] for e in members], [e.token_shapes[level] for e in members]
            operator = build(widths, tokens, point in ("input", "decision"))
            self.operators.append(operator)
            self.passed_on.append(Linear(below, operator.width, bias=False) if below else nn.Identity())
            below = operator.width
        self.dropout = Dropout(0.0 if operator.drops else dropout)
        self.head = nn.Identity() if operator.decides else Linear(below, n_classes)
        if isinstance(self.head, Linear):
            operator.begin(self.head)

    def forward(self, batch: Batch) -> Tensor:
        """Logits, shape (n, C)."""
        batch = self.hiding(batch if self.augmentation is None else self.augmentation(batch))
        levels = [self._parts(m, batch) for m in range(len(self.encoders))]
        if len(self.operators) == 1 and self.operators[0].drops:
            return self.operators[0].classified([found[-1] for found in levels], batch, self.head)
        return self.head(self.dropout(self._joined(levels, batch), batch))

    def _joined(self, levels: Sequence[Sequence[Part]], batch: Batch) -> Tensor:
        """What the head reads, shape (n, width of the deepest operator)."""
        fused = None
        for level, (operator, passed_on) in enumerate(zip(self.operators, self.passed_on, strict=True)):
            depth = len(self.operators) - level
            parts = [found[-depth] for found in levels if len(found) >= depth]
            joint = operator(parts, batch)
            fused = joint if fused is None else joint + passed_on(fused)
        return fused

    def _parts(self, m: int, batch: Batch) -> list[Part]:
        """What modality m brings to the levels that it takes part in, shallow to deep."""
        encoder, reach = self.encoders[m], self.reaches[m]
        present = batch.get(present_key(encoder.name))
        if self.deciders:
            part = Part(encoder(batch), present)
            return [Part(part.masked(self.deciders[m](part.values, batch)), present)]
        if self.operators[0].reads_tokens:
            valid = encoder.valid(batch)
            return [Part(tokens, present, valid) for tokens in encoder.token_levels(batch)[-reach:]]
        return [Part(vector, present) for vector in encoder.levels(batch)[-reach:]]


class HideModalities(nn.Module):
    """Modality dropout: in training, hide a share of the modalities that rows have, never all that a row has.

    What is hidden is absent to all that follows. After Neverova et al. 2016 (ModDrop). Where all of a row's modalities
    would be hidden, the one that came nearest to staying stays.
    """

    side_by_side = True

    def __init__(self, names: tuple[str, ...], share: float) -> None:
        super().__init__()
        self.names, self.share, self.stream = names, share, 0

    def forward(self, batch: Batch) -> Batch:
        """The batch with presence columns for all modalities; as it is outside training."""
        if NOISE not in batch or self.share == 0.0 or len(self.names) == 1:
            return batch
        rows = len(batch[self.names[0]])
        chance = uniform(batch[NOISE], self.stream, (rows, len(self.names)))
        ones = torch.ones_like(chance[:, :1])
        present = torch.cat([batch.get(present_key(name), ones) for name in self.names], dim=1)
        # Absent ones come last in the order of staying.
        order = chance * present + present - 1
        stays = (chance >= self.share) | (order >= order.amax(1, keepdim=True))
        kept = (present * stays).split(1, dim=1)
        return {**batch, **{present_key(name): column for name, column in zip(self.names, kept, strict=True)}}


class _Decider(nn.Module):
    """A modality's own classifier: one hidden layer with SiLU and dropout, then logits."""

    side_by_side = True

    def __init__(self, width: int, hidden: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = Linear(width, hidden), Linear(hidden, n_classes)
        self.dropout = Dropout(dropout)

    def forward(self, code: Tensor, batch: Batch) -> Tensor:
        """Logits (n, C) of codes (n, width)."""
        return self.second(self.dropout(silu(self.first(code)), batch))
