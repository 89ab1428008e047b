"""Low-rank tensor fusion by a network: a linear map of all products across modalities, without forming them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.codes import Codes
from .operators.tensor import WIDEST_CODE, LowRank


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralLowRank(FusionMethod):
    """h = sum_r prod_m W_m^(r) [v_m; 1], a linear map of the tensor product with weights of rank R, then a linear head.

    v_m is a short code of modality m as in ``neural-tensor``: a hidden layer, then tanh. Any number of modalities fits.
    An absent modality has the factor 1: h is that of the others.

    Parameters of the network, for widths d_m, hidden width H, code width K, C classes and M modalities, encoders apart:
    sum over m of (H d_m + H + K H + K + R H (K + 1)), plus H C + C.

    Parameters
    ----------
    code_width: K. rank: R.
    others: see ``FusionMethod``.
    """

    card = MethodCard(
        name="neural-lowrank",
        title="Low-rank tensor fusion network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality and multiplies linear maps of the codes: tensor fusion of low rank.",
        citation="Liu Z., Shen, Lakshminarasimhan, Liang, Zadeh, Morency 2018, Efficient low-rank multimodal fusion.",
        inferred="Bounded codes (tanh), weights that begin near a sum, linear head; training is our own.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    code_width: int = WIDEST_CODE
    rank: int = 4

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        codes = Codes(widths, self.hidden, None if plain else self.code_width, self.dropout)
        return LowRank(codes, self.hidden, self.rank)
