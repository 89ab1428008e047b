"""Decision fusion inside one network: every modality's own classifier, trained together, logits averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from ..card import MethodCard
from .fusion import Point
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.decision import MeanLogits


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralDecision(FusionMethod):
    """l(c) = sum_m w_m l_m(c): logits of one classifier a modality, averaged over the modalities that a row has.

    Unlike in a late rule over classifiers that know nothing of each other, all are trained together for the common
    decision. The weights are learnt with the rest, on the simplex, unless ``weighted`` is off.

    Parameters of the network, for widths d_m, hidden width H, C classes and M modalities, encoders apart:
    sum over m of (H d_m + H + H C + C), plus M when weighted.

    Parameters
    ----------
    weighted: learn the weights; all are equal otherwise.
    point: "decision" alone.
    others: see ``FusionMethod``.
    """

    card = MethodCard(
        name="neural-decision",
        title="Decision fusion network",
        family="neural",
        fusion="late",
        summary="Averages the logits of one classifier a modality, all trained together for the common decision.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the product rule, as a mean of logits).",
        inferred="Trained together end to end; weights on the simplex are learnt with the rest.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    point: Point = "decision"
    weighted: bool = True

    def _check(self, samples: Samples) -> None:
        super()._check(samples)
        if self.point != "decision":
            raise DataError(f"point {self.point!r}: neural-decision fuses decisions; use another method elsewhere")

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return MeanLogits(len(widths), n_classes, weighted=self.weighted)
