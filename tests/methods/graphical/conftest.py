"""Categorical samples for the discrete networks, and their posteriors by plain enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples


@pytest.fixture(scope="session")
def categorical():
    """Samples of modality name to integer columns f0, f1, ..., -1 for a missing cell; every column has all levels."""

    def make(arrays, levels, present=None):
        modalities = []
        for name, columns in arrays.items():
            features = tuple(f"f{j}" for j in range(columns.shape[1]))
            cells = np.where(columns < 0, np.nan, columns.astype(float))
            categories = {f: tuple("abcdefgh"[:levels]) for f in features}
            here = None if present is None else present.get(name)
            modalities.append(Modality(name, "table", cells, here, features, categories))
        return Samples(modalities)

    return make


@pytest.fixture(scope="session")
def chain():
    """X0 -> X1 -> X3 and X0 -> X2 given the class, three levels each; two modalities of two columns."""

    def make(seed=0, n=1500, k=2):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, k, n)

        def child(parent, shift, keep):
            return np.where(rng.random(n) < keep, (parent + shift * y) % 3, rng.integers(0, 3, n))

        x0 = rng.integers(0, 3, n)
        x1, x2 = child(x0, 1, 0.7), child(x0, 2, 0.6)
        x3 = child(x1, 1, 0.65)
        return {"a": np.column_stack([x0, x1]), "b": np.column_stack([x2, x3])}, y

    return make


@pytest.fixture(scope="session")
def enumerated():
    """p(class | observed) of a network, by summing the joint over every value of everything that is missing."""

    def posteriors(network, table):
        grid = np.array(list(np.ndindex(*network.levels)))
        joint = np.ones(len(grid))
        for j, (above, values) in enumerate(zip(network.parents, network.tables, strict=True)):
            joint *= values[tuple(grid[:, v] for v in (*above, j))]
        proba = np.zeros((len(table), network.levels[-1]))
        for row, out in zip(table, proba, strict=True):
            agrees = ((grid[:, :-1] == row) | (row < 0)).all(axis=1)
            np.add.at(out, grid[agrees, -1], joint[agrees])
        return proba / proba.sum(axis=1, keepdims=True)

    return posteriors
