"""Centred alignment of kernels with the labels (Cortes, Mohri and Rostamizadeh 2012)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from ..vectors import Codes
from .base_kernel import Floats
from .mklaren_package import load
from .svm_dual import quadratic_forms

Solver = Literal["own", "mklaren"]
Weights = Callable[[Floats, list[Floats]], Floats]

RIDGE = 1e-5
"""Added to the diagonal of kernels' alignments with each other, so that equal kernels get equal weights. It is what
the package mklaren adds."""


def label_vectors(codes: Codes) -> Floats:
    """Centred class indicators (n, k), divided by the root of their class size so that every class counts alike.

    Their products sum to the labels' kernel, which is 1 / n_c for two rows of one class c and 0 for others.
    """
    hot = (codes[:, None] == np.unique(codes)).astype(np.float64)
    hot /= np.sqrt(hot.sum(axis=0))
    return hot - hot.mean(axis=0)


def label_kernels(codes: Codes, each: bool) -> list[Floats]:
    """What kernels are aligned with, as vectors (n, .) whose products sum to it.

    One kernel for all classes; or ``each`` class's own, which for class c is that of c and the rest.
    """
    return [label_vectors((codes == c).astype(np.intp)) for c in np.unique(codes)] if each else [label_vectors(codes)]


def align_weights(stack: Floats, labels: list[Floats]) -> Floats:
    """Each kernel's alignment with each labels' kernel (ALIGN, their section 4.1), not scaled: (len(labels), p).

    Parameters
    ----------
    stack: centred kernels (p, n, n), none of them zero.
    labels: one or more labels' kernels, each as centred vectors (n, k) whose products sum to it.
    """
    return _with_labels(stack, labels) / np.linalg.norm(stack, axis=(1, 2))


def alignf_weights(stack: Floats, labels: list[Floats]) -> Floats:
    """Non-negative weights of the mix best aligned with each labels' kernel (ALIGNF), not scaled: (len(labels), p).

    They solve min v^T M v - 2 v^T a over v >= 0 (their proposition 9), for kernels of norm 1.

    Parameters
    ----------
    stack, labels: as for ``align_weights``.
    """
    flat = stack.reshape(len(stack), -1)
    M = flat @ flat.T
    size = np.sqrt(M.diagonal())
    M /= np.outer(size, size)
    a = _with_labels(stack, labels) / size
    return np.array([nonnegative_minimum(M, each) for each in a]) / size


def nonnegative_minimum(M: Floats, a: Floats) -> Floats:
    """The v >= 0 (p,) that minimises v^T (M + RIDGE I) v - 2 v^T a."""
    root = np.linalg.cholesky(M + RIDGE * np.eye(len(M)))
    return nnls(root.T, solve_triangular(root, a, lower=True))[0]


def package_align(stack: Floats, labels: list[Floats]) -> Floats:
    """``align_weights`` by the package mklaren."""
    found = np.array([_fitted("align", "Align", stack, vectors) for vectors in labels])
    return np.maximum(found, 0.0)  # rounding


def package_alignf(stack: Floats, labels: list[Floats]) -> Floats:
    """``alignf_weights`` by the package mklaren, each scaled to sum 1."""
    size = np.linalg.norm(stack, axis=(1, 2))
    found = np.array([_fitted("alignf", "Alignf", stack, vectors, typ="convex") for vectors in labels])
    # Its solver's zeros are tiny numbers of either sign.
    found = np.where(found > 1e-5 * found.max(axis=1, keepdims=True), found, 0.0) / size
    return found / found.sum(axis=1, keepdims=True)


def solver_of(name: Solver, own: Weights, package: Weights) -> Weights:
    """The one that is named; ValueError for another name."""
    if name not in ("own", "mklaren"):
        raise ValueError(f"solver {name!r}: use 'own' or 'mklaren'")
    return own if name == "own" else package


def _with_labels(stack: Floats, labels: list[Floats]) -> Floats:
    """Inner products of the kernels with each labels' kernel, (len(labels), p)."""
    forms = quadratic_forms(stack, np.hstack(labels))
    ends = np.cumsum([vectors.shape[1] for vectors in labels])[:-1]
    return np.array([np.maximum(part.sum(axis=1), 0.0) for part in np.split(forms, ends, axis=1)])


class _Vectors(np.ndarray):
    """Several label vectors where the package expects one: it reshapes what it gets to one column, and forms y y^T."""

    def reshape(self, *shape: object, **options: object) -> _Vectors:
        return self


def _fitted(module: str, name: str, stack: Floats, labels: Floats, **options: str) -> Floats:
    """Weights (p,) that the package gives kernels of norm 1."""
    model = getattr(load(f"mklaren.mkl.{module}"), name)(**options)
    model.fit(list(stack / np.linalg.norm(stack, axis=(1, 2))[:, None, None]), labels.view(_Vectors))
    return model.mu
