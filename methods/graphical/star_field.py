"""A star of label nodes around the class: exact sums, marginals and gradients of its conditional likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats

Flags = npt.NDArray[np.bool_]


class Star:
    """The field p(y, y_1..y_M) ~ exp(bias(y) + sum_m [unary_m(y_m) + couplings_m(y_m, y)]) of n rows.

    Messages run from the leaves to the class and back: the graph is a tree, so that all sums are exact.

    Parameters
    ----------
    bias: (k,).
    unary: (M, n, k), zero where the modality is absent, so that its label is summed out.
    couplings: (M, k, k), y_m on the first of the two axes.
    """

    def __init__(self, bias: Floats, unary: Floats, couplings: Floats) -> None:
        self.bias = bias
        # Exponentials with the largest exponents taken out; the shifts are the same for every label.
        high, highest = unary.max(axis=2, keepdims=True), couplings.max(axis=(1, 2), keepdims=True)
        self.leaf, self.link = np.exp(unary - high), np.exp(couplings - highest)
        self.sums = np.maximum(self.leaf @ self.link, np.finfo(float).tiny)
        self.messages = np.log(self.sums) + high + highest  # to the class, (M, n, k)
        scores = bias + self.messages.sum(axis=0)
        self.log_partition = logsumexp(scores)  # (n,)
        self.root = np.exp(scores - self.log_partition[:, None])  # p(y | x), (n, k)

    def leaves(self) -> Floats:
        """p(y_m | x), (M, n, k)."""
        return self.leaf * ((self.root / self.sums) @ self.link.transpose(0, 2, 1))

    def pair_sums(self) -> Floats:
        """The sum over rows of p(y_m, y | x), (M, k, k)."""
        return self.link * (self.leaf.transpose(0, 2, 1) @ (self.root / self.sums))

    def leaves_given(self, codes: Codes) -> Floats:
        """p(y_m | y, x) with the class y of every row known, (M, n, k): a leaf then depends on its own scores alone."""
        rows = np.arange(len(codes))
        links = self.link[:, :, codes].transpose(0, 2, 1)
        return self.leaf * links / self.sums[:, rows, codes][:, :, None]


@dataclass(frozen=True)
class Loss:
    """A value and its derivatives by the bias (k,), the unary scores (M, n, k) and the couplings (M, k, k)."""

    value: float
    bias: Floats
    unary: Floats
    couplings: Floats


def criterion(star: Star, unary: Floats, codes: Codes, present: Flags, anchor: float) -> Loss:
    """-sum_i [log p(y_i | x_i) + anchor sum_m log q_m(y_i | x_im)], over the modalities m that row i has.

    q_m is the softmax of modality m's own scores. The gradient of the first part is the difference of expected
    features with the class free and with the class fixed, the labels hidden in both. ``present``: (M, n).
    """
    rows = np.arange(len(codes))
    member = (codes[:, None] == np.arange(len(star.bias))).astype(np.float64)
    given = star.leaves_given(codes)
    own = star.bias[codes] + star.messages[:, rows, codes].sum(axis=0)
    weights = anchor * present.astype(np.float64)
    normaliser = logsumexp(unary)
    value = float((star.log_partition - own).sum() + (weights * (normaliser - unary[:, rows, codes])).sum())
    local = np.exp(unary - normaliser[..., None])
    return Loss(
        value,
        (star.root - member).sum(axis=0),
        star.leaves() - given + weights[..., None] * (local - member),
        star.pair_sums() - given.transpose(0, 2, 1) @ member,
    )


def logsumexp(values: Floats) -> Floats:
    """Over the last axis; the values are finite."""
    top = values.max(axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.exp(values - top).sum(axis=-1))
