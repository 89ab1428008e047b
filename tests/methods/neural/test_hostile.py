"""Input that breaks careless networks: every network gives proper probabilities for it, without a warning."""

import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

from fusebench.datasets.samples import Modality, Samples
from fusebench.methods.neural.additive import NeuralAdditive
from fusebench.methods.neural.attention import NeuralAttention
from fusebench.methods.neural.concat import NeuralConcat
from fusebench.methods.neural.cross_attention import NeuralCrossAttention
from fusebench.methods.neural.decision import NeuralDecision
from fusebench.methods.neural.gated import NeuralGated
from fusebench.methods.neural.hybrid import NeuralHybrid
from fusebench.methods.neural.late_mean import NeuralLateMean
from fusebench.methods.neural.lowrank import NeuralLowRank
from fusebench.methods.neural.tensor import NeuralTensor

NETWORKS = [
    NeuralAdditive, NeuralConcat, NeuralTensor, NeuralLowRank, NeuralGated, NeuralAttention, NeuralCrossAttention,
    NeuralDecision, NeuralLateMean, NeuralHybrid,
]  # fmt: skip
every_network = pytest.mark.parametrize("cls", NETWORKS, ids=lambda cls: cls.card.name)


def normal(n, *dims):
    return np.random.default_rng(0).normal(size=(n, *dims))


def samples(table, image=None):
    image = normal(len(table), 1, 8, 8) if image is None else image
    return Samples([Modality("table", "table", table), Modality("image", "image", image)])


def fitted(cls, given, y, **settings):
    return cls(**{"hidden": 8, "max_epochs": 2, "random_state": 1, **settings}).fit(given, y)


CASES = {
    "one row a class": lambda: (samples(normal(3, 4)), np.arange(3), {}),
    "one row": lambda: (samples(normal(1, 4)), np.zeros(1, dtype=int), {}),
    "batches of one": lambda: (samples(normal(9, 4)), np.arange(9) % 2, {"batch_size": 1}),
    "a modality of width one": lambda: (samples(normal(12, 1), normal(12, 1, 1, 1)), np.arange(12) % 2, {}),
    "10,000 columns": lambda: (samples(normal(12, 10_000)), np.arange(12) % 2, {}),
    "constant": lambda: (samples(np.full((12, 4), 7.0), np.full((12, 1, 8, 8), -3.0)), np.arange(12) % 2, {}),
    "nothing but missing cells": lambda: (samples(np.full((12, 4), np.nan)), np.arange(12) % 2, {}),
    "huge": lambda: (samples(1e30 * normal(12, 4), 1e30 * normal(12, 1, 8, 8)), np.arange(12) % 2, {}),
}


@every_network
@pytest.mark.parametrize("case", CASES)
def test_hostile_input_gives_proper_probabilities(cls, case):
    given, y, settings = CASES[case]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(cls, given, y, **settings)
        for rows in (given, given[0]):
            proba = model.predict_proba(rows)
            assert proba.shape == (len(rows), len(np.unique(y)))
            assert (proba >= 0).all()
            np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-9)


@every_network
def test_how_numbers_are_stored_does_not_matter(cls):
    table = np.random.default_rng(0).integers(0, 9, size=(12, 4))
    image = np.random.default_rng(1).integers(0, 200, size=(12, 1, 8, 8))
    y = np.arange(12) % 2
    wide = np.zeros((12, 9))
    wide[:, 1::2] = table
    stored = {
        "float64": (table.astype(np.float64), image.astype(np.float64)),
        "float32": (table.astype(np.float32), image.astype(np.float32)),
        "whole numbers": (table.astype(np.int64), image.astype(np.uint8)),
        "every second column": (wide[:, 1::2], image.astype(np.float64)[:, :, ::-1][:, :, ::-1]),
        "by columns": (np.asfortranarray(table, dtype=float), np.asfortranarray(image, dtype=float)),
    }
    expected = fitted(cls, samples(*stored["float64"]), y).predict_proba(samples(*stored["float64"]))
    for arrays in stored.values():
        given = samples(*arrays)
        np.testing.assert_allclose(fitted(cls, given, y).predict_proba(given), expected, rtol=0, atol=1e-6)
