"""Cross-attention by a network: the tokens of each modality read those of all the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.crossing import CrossAttention


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralCrossAttention(FusionMethod):
    """Each modality's tokens attend to those of all others; the mean tokens of all modalities go to a linear head.

    Tokens are positions of an image, times, words or regions; a vector is mapped to four. An absent modality is not
    read by the others, and its own mean token is zero.

    Parameters of the network, for S = 4 tokens of each of M tables of widths d_m with sum D, token width H and C
    classes: 4 H (D + 2 M) for tokens, M (4 H H + 3 H) for attention, M (4 H H + 3 H) for hidden layers, 6 M H for
    norms (4 H with one modality), M H C + C for the head.

    Parameters
    ----------
    hidden: width of the tokens.
    heads: of attention.
    others: see ``FusionMethod``.
    """

    card = MethodCard(
        name="neural-cross-attention",
        title="Cross-attention network",
        family="neural",
        fusion="intermediate",
        summary="Each modality's tokens attend to those of all the others; the mean tokens are classified linearly.",
        citation="Zhang J., He, Liu, Cai, Chen, Qing 2023, MCAD (cross-modal attention); Vaswani et al. 2017.",
        inferred="One softmax over all others, not one a pair; no discrepancy loss; 4 tokens a vector; own training.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    heads: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 5.0

    @classmethod
    def search_space(cls) -> SearchSpace:
        """That of all networks, with narrower tokens, smaller steps and more weight decay."""
        return {
            **super().search_space(),
            "hidden": Whole(8, 64, log=True),
            "learning_rate": Real(5e-4, 1e-2, log=True),
            "weight_decay": Real(0.1, 30.0, log=True),
        }

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return CrossAttention(tokens, self.hidden, self.heads, self.dropout)
