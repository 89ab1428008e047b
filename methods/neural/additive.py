"""Early additive fusion by a network: every modality is mapped linearly into one space, and the images are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.additive import Additive
from .operators.base import Operator


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralAdditive(FusionMethod):
    """Equation 1 of the review: z = f(sum_m W_m^T v_m), then a linear head.

    v_m is the code of modality m: of a table its scaled numbers, of other kinds what their encoder makes of them. f is
    SiLU of the sum plus one bias, or only adds the bias when ``linear``. An absent modality is v_m = 0: its term is
    missing from the sum. Since 0 is the training mean of a scaled number, an absent table is read like an average one.

    Parameters of the network, for widths d_m, hidden width H and C classes, encoders apart:
    H sum(d_m) + H + H C + C.

    Parameters
    ----------
    linear: f without SiLU, which makes the whole a linear classifier.
    others: see ``FusionMethod``.
    """

    card = MethodCard(
        name="neural-additive",
        title="Additive fusion network",
        family="neural",
        fusion="early",
        summary="Maps each modality linearly into one space, adds the images, and classifies the sum with a network.",
        citation="Early fusion by a learnt weighted sum of modality features; eq. 1 of the review.",
        inferred="Non-linearity (SiLU), width and training are our own; an absent modality drops out of the sum.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    linear: bool = False

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return Additive(widths, self.hidden, linear=self.linear)
