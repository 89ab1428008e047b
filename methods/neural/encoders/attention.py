"""Attention over tokens, and the transformer block: from one set to itself or from one set to another."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..noise import Dropout
from ..side_by_side import LayerNorm, Linear
from .base import Batch


class Attention(nn.Module):
    """Multi-head attention, softmax(Q K^T / sqrt(d)) V (Vaswani et al. 2017), with masked keys.

    Written out, since torch's fused forms know no stacks of networks, and fall back to a loop over them. Where no key
    is valid the output is zero.

    Parameters
    ----------
    width: of queries and of the output; divided among ``heads``. key_width: of keys and values; None for ``width``.
    """

    side_by_side = True

    def __init__(self, width: int, heads: int = 4, key_width: int | None = None) -> None:
        super().__init__()
        self.heads = math.gcd(width, heads)
        self.queries = Linear(width, width)
        # One map for both, which is one product instead of two.
        self.keys_values = Linear(key_width or width, 2 * width)
        # Without a bias, nothing to attend to adds nothing.
        self.out = Linear(width, width, bias=False)

    def forward(self, queries: Tensor, keys: Tensor, valid: Tensor | None = None) -> Tensor:
        """From queries (n, a, width) and keys (n, b, key_width) to (n, a, width); ``valid`` (n, b) is 1 for keys."""
        weights, values = self.read(queries, keys, valid)
        return self.out((weights @ values).transpose(1, 2).flatten(2))

    def read(self, queries: Tensor, keys: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Each head's shares of the keys, (n, heads, a, b), and the values they are shares of, (n, heads, b, d).

        Shares sum to 1 over the keys, or to 0 where no key is valid.
        """
        q = self._split(self.queries(queries))
        k, v = map(self._split, self.keys_values(keys).chunk(2, dim=-1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return masked_softmax(scores, None if valid is None else valid[:, None, None, :]), v

    def _split(self, values: Tensor) -> Tensor:
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """x + attention(norm(x)), then + a hidden layer of twice the width with GELU: a pre-norm transformer block.

    Parameters
    ----------
    across: attend to other tokens, which are normalised too, instead of to x itself.
    """

    side_by_side = True

    def __init__(self, width: int, heads: int = 4, dropout: float = 0.0, *, across: bool = False) -> None:
        super().__init__()
        self.norm, self.second_norm = LayerNorm(width), LayerNorm(width)
        self.others_norm = LayerNorm(width) if across else None
        self.attention = Attention(width, heads)
        self.hidden = Linear(width, 2 * width)
        self.back = Linear(2 * width, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, tokens: Tensor, batch: Batch, valid: Tensor | None = None, others: Tensor | None = None
    ) -> Tensor:
        """From (n, tokens, width) to the same; ``valid`` (n, keys) is 1 for tokens that may be read."""
        queries = self.norm(tokens)
        keys = queries if self.others_norm is None else self.others_norm(others)
        tokens = tokens + self.dropout(self.attention(queries, keys, valid), batch)
        inner = nn.functional.gelu(self.hidden(self.second_norm(tokens)))
        return tokens + self.dropout(self.back(inner), batch)


def masked_softmax(scores: Tensor, valid: Tensor | None) -> Tensor:
    """Softmax over the last dimension among the valid entries (1, not 0); all zero where none is valid."""
    if valid is None:
        return scores.softmax(-1)
    # Not minus infinity: a row without any valid entry would be NaN, and so would its gradient.
    weights = torch.where(valid > 0, scores, -1e9).softmax(-1)
    return weights * valid
