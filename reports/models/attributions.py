"""What counted within modalities: features and positions that moved the predictions of networks, over the splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation, TaskEvaluation
from .contributions import explanations
from .modality_shares import by_family

Floats = npt.NDArray[np.float64]
MapKind = Literal["cam", "gradient"]


@dataclass(frozen=True)
class Features:
    """Mean absolute attributions of a method's features within one modality.

    ``names``: (F,); ``values``: (J, F), one row a split; zero where a split did not keep the feature, being small.
    """

    method: str
    modality: str
    names: tuple[str, ...]
    values: Floats

    @cached_property
    def shares(self) -> Floats:
        """(J, F) shares of each split's sum: networks that are surer attribute more to everything."""
        totals = self.values.sum(axis=1, keepdims=True)
        return self.values / np.where(totals > 0, totals, 1.0)

    @cached_property
    def share(self) -> dict[str, float]:
        """Mean share over splits by feature."""
        return dict(zip(self.names, self.shares.mean(axis=0).tolist(), strict=True))

    @cached_property
    def sd(self) -> dict[str, float]:
        """Standard deviation of the share over splits by feature; NaN for one split."""
        if len(self.values) < 2:
            return dict.fromkeys(self.names, float("nan"))
        return dict(zip(self.names, self.shares.std(axis=0, ddof=1).tolist(), strict=True))


@dataclass(frozen=True)
class Maps:
    """Mean maps of a method over one modality, (J, *sides), one a split: "cam" of Grad-CAM, "gradient" of gradients."""

    method: str
    modality: str
    kind: MapKind
    values: Floats

    @cached_property
    def mean(self) -> Floats:
        """Mean over splits, scaled so that the largest value is 1."""
        mean = self.values.mean(axis=0)
        return mean / (mean.max() or 1.0)

    @cached_property
    def sd(self) -> Floats:
        """Standard deviation over splits on the scale of the mean; NaN for one split."""
        if len(self.values) < 2:
            return np.full(self.values.shape[1:], np.nan)
        return self.values.std(axis=0, ddof=1) / (self.values.mean(axis=0).max() or 1.0)


def attributed(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[list[Features], list[Maps]]:
    """Features and maps of every method that is better than guessing, the better score first."""
    features: list[Features] = []
    maps: list[Maps] = []
    order = by_family(evaluation, task, primary)
    methods = sorted((m for m in task.methods if not task.guessing(m)), key=lambda method: order(method)[2])
    for method in methods:
        stored = [own["attributions"] for own in explanations(task, method)]
        for modality, _, _ in task.info.modalities:
            parts = [own[modality] for own in stored if modality in own]
            named = [dict(zip(part["names"], part["sizes"], strict=True)) for part in parts if len(part["names"])]
            names = tuple(dict.fromkeys(name for own in named for name in own))
            if names:
                values = np.array([[float(own.get(name, 0.0)) for name in names] for own in named])
                features.append(Features(method, modality, names, values))
            kinds: tuple[MapKind, ...] = ("cam", "gradient")
            for kind in kinds:
                grids = [np.asarray(part[kind], dtype=np.float64) for part in parts if part[kind] is not None]
                if grids and len({grid.shape for grid in grids}) == 1:
                    maps.append(Maps(method, modality, kind, np.stack(grids)))
    return features, maps


def strongest(features: Sequence[Features], modality: str, most: int) -> list[str]:
    """The features of a modality with the largest share, averaged over methods; largest first."""
    total: dict[str, float] = {}
    for own in features:
        if own.modality == modality:
            for name, share in own.share.items():
                total[name] = total.get(name, 0.0) + share
    return sorted(total, key=lambda name: -total[name])[:most]
