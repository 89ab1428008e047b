"""What every operator is: from what the modalities give to one vector a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Part:
    """What one modality brings to an operator.

    Parameters
    ----------
    values: (n, width), or tokens (n, tokens, width) for operators that read tokens; zero in rows that lack it.
    present: 1 where a row has the modality, (n, 1); None when all rows have it.
    valid: 1 for tokens that hold something, (n, tokens); None when all do.
    """

    values: Tensor
    present: Tensor | None = None
    valid: Tensor | None = None

    def masked(self, values: Tensor) -> Tensor:
        """Some values of this modality, (n, ...), set to zero in rows that lack it."""
        if self.present is None:
            return values
        return values * self.present.view(-1, *[1] * (values.ndim - 1))


class Operator(nn.Module):
    """A rule that joins modalities. An absent modality leaves no trace: what remains is the rule without it.

    Attributes
    ----------
    width: numbers in the result.
    reads_tokens: whether it takes tokens rather than vectors.
    decides: whether the result already is one logit a class.
    drops: whether it silences numbers in training itself, so that nothing more is to be dropped from its result.
    """

    width: int
    reads_tokens = False
    decides = False
    drops = False

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """The joint vector (n, width) of the modalities' parts, in the order in which the operator was built."""
        raise NotImplementedError

    def begin(self, head: nn.Linear) -> None:
        """Give the head that will read the joint vector other weights to begin with than torch's; here none."""

    def classified(self, parts: Sequence[Part], batch: Batch, head: nn.Linear) -> Tensor:
        """What the head makes of the joint vector, (n, C); an operator may know a shorter way than to form it."""
        return head(self(parts, batch))
