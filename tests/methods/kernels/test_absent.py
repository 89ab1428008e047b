"""Rows without a modality: by hand for every kind of mix, and what every method promises of them."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples
from fusebench.methods.kernels.bank import KernelBank
from fusebench.methods.kernels.gates import GateFeatures, LocalMix, softmax
from fusebench.methods.kernels.mix import LinearMix
from fusebench.methods.kernels.pivots import PivotMap
from fusebench.methods.kernels.product_mix import ProductMix

N = 40
GAPS = np.arange(N) % 4 == 1  # these rows lack "b"


def tables(gaps=GAPS, seed=0):
    """Two tables; the second is absent where told."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    return Samples([Modality("a", "table", a), Modality("b", "table", b, ~gaps)])


@pytest.fixture(scope="module")
def bank():
    return KernelBank("rbf 1").fit(tables())


def test_linear_mix_by_hand(bank):
    Ka, Kb = (kernel.training() for kernel in bank.kernels_)
    neutral = LinearMix(bank, np.array([0.2, 0.8])).training()
    drop = LinearMix(bank, np.array([0.2, 0.8]), "drop").training()
    # The centre: a kernel has nothing to add for a row that it does not know.
    np.testing.assert_allclose(neutral[GAPS], 0.2 * Ka[GAPS], atol=1e-12)
    np.testing.assert_allclose(neutral, 0.2 * Ka + 0.8 * Kb, atol=1e-12)
    # Renormalised: two rows without "b" see the machine's kernel without it, whose weight then is one.
    np.testing.assert_allclose(drop[np.ix_(GAPS, GAPS)], Ka[np.ix_(GAPS, GAPS)], atol=1e-12)
    np.testing.assert_allclose(drop[np.ix_(GAPS, ~GAPS)], np.sqrt(0.2) * Ka[np.ix_(GAPS, ~GAPS)], atol=1e-12)
    np.testing.assert_allclose(drop[np.ix_(~GAPS, ~GAPS)], neutral[np.ix_(~GAPS, ~GAPS)], atol=1e-12)


def test_local_mix_by_hand(bank):
    Ka, Kb = (kernel.training() for kernel in bank.kernels_)
    features = GateFeatures(bank, np.arange(N))
    V = np.random.default_rng(1).normal(size=(2, 6))
    sides = {kernel.modality: (kernel.X, kernel.present) for kernel in bank.kernels_}
    eta = softmax(features(sides) @ V[:, :-1].T + V[:, -1], np.ones((N, 2), dtype=bool))
    for absent in ("neutral", "drop"):
        gates = eta.copy()
        if absent == "drop":
            gates[GAPS] = [1.0, 0.0]  # the other gate is all that is left
        expected = Ka * np.outer(gates[:, 0], gates[:, 0]) + Kb * np.outer(gates[:, 1], gates[:, 1])
        np.testing.assert_allclose(LocalMix(bank, features, V, absent).training(), expected, atol=1e-12)


def test_product_mix_by_hand(bank):
    scales = {"a": np.full(3, 0.3), "b": np.array([0.7, 0.1])}
    A, B = (
        np.exp(-(s * (k.X[:, None] - k.X) ** 2).sum(axis=2))
        for k, s in zip(bank.kernels_, scales.values(), strict=True)
    )
    known = ~GAPS
    mean, grand = B[:, known].mean(axis=1), B[np.ix_(known, known)].mean()
    averaged = B.copy()
    averaged[GAPS], averaged[:, GAPS] = mean, mean[:, None]
    averaged[np.ix_(GAPS, GAPS)] = grand
    neutral = ProductMix(bank, scales).training()
    np.testing.assert_allclose(neutral, A * averaged, atol=1e-12)
    drop = ProductMix(bank, scales, "drop").training()
    length = np.sqrt(neutral.diagonal())
    np.testing.assert_allclose(drop, neutral / np.outer(length, length), atol=1e-12)
    # Two rows without "b" see the product without it.
    np.testing.assert_allclose(drop[np.ix_(GAPS, GAPS)], A[np.ix_(GAPS, GAPS)], atol=1e-12)


def test_pivot_features_by_hand(bank):
    pivots = [(0, 3), (0, 8), (1, 2)]
    neutral, drop = (PivotMap(bank.kernels_, pivots, absent).training(N) for absent in ("neutral", "drop"))
    assert not neutral[GAPS, 2].any()
    np.testing.assert_allclose(drop[GAPS], np.sqrt(2.0) * neutral[GAPS], atol=1e-12)
    np.testing.assert_array_equal(drop[~GAPS], neutral[~GAPS])


def mixes(bank, absent):
    features = GateFeatures(bank, np.arange(N))
    return {
        "linear": LinearMix(bank, np.array([0.2, 0.8]), absent),
        "local": LocalMix(bank, features, np.random.default_rng(1).normal(size=(2, 6)), absent),
        "product": ProductMix(bank, {"a": np.full(3, 0.3), "b": np.array([0.7, 0.1])}, absent),
    }


@pytest.mark.parametrize("absent", ["neutral", "drop"])
@pytest.mark.parametrize("name", ["linear", "local", "product"])
def test_every_mix_is_a_kernel_and_gives_new_rows_what_training_rows_have(bank, name, absent):
    mix = mixes(bank, absent)[name]
    K = mix.training()
    assert np.linalg.eigvalsh(K).min() > -1e-9
    np.testing.assert_allclose(mix.cross(tables()), K, atol=1e-10)
    np.testing.assert_allclose(mix.values(tables(), np.array([1, 2])), K[:, [1, 2]], atol=1e-10)
    np.testing.assert_allclose(mix.columns(np.array([1, 2])), K[:, [1, 2]], atol=1e-10)
    # A row that lost its modality changes nobody else's values.
    nobody = np.ones(N, dtype=bool)
    np.testing.assert_allclose(mix.cross(tables(nobody))[GAPS], K[GAPS], atol=1e-10)


def evidence(n=120, gone=(), seed=0):
    """Each modality tells the class; some are absent in all rows."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    there = {name: np.full(n, name not in gone) for name in "ab"}
    arrays = {name: rng.normal(size=(n, 3)) + 1.2 * y[:, None] for name in "ab"}
    return Samples([Modality(name, "table", arrays[name], there[name]) for name in "ab"]), y


@pytest.mark.parametrize("absent", ["neutral", "drop"])
def test_complete_rows_do_not_care_who_lacks_what(kernel_method, absent):
    samples, y = evidence()
    method = kernel_method(absent=absent).fit(samples, y)
    new, _ = evidence(seed=1)
    rows = np.arange(120) % 3 == 0
    b = new.modality("b")
    holed = Samples([new.modality("a"), Modality("b", "table", np.array(b.values), ~rows)])
    whole, gappy = method.predict_proba(new), method.predict_proba(holed)
    np.testing.assert_allclose(gappy[~rows], whole[~rows], atol=1e-9)
    assert np.abs(gappy[rows] - whole[rows]).max() > 0.01
    assert (gappy.argmax(axis=1) == y)[rows].mean() > 0.75


@pytest.mark.parametrize("absent", ["neutral", "drop"])
def test_a_modality_that_is_gone_at_prediction(kernel_method, absent):
    samples, y = evidence()
    method = kernel_method(absent=absent).fit(samples, y)
    new, truth = evidence(gone="b", seed=1)
    proba = method.predict_proba(new)
    assert (proba.argmax(axis=1) == truth).mean() > 0.75
    nothing, _ = evidence(gone="ab", seed=1)
    proba = method.predict_proba(nothing)
    np.testing.assert_allclose(proba - proba[0], 0.0, atol=1e-9)
    assert np.isfinite(proba).all()


@pytest.mark.parametrize("absent", ["neutral", "drop"])
def test_a_modality_that_no_training_row_has_is_as_if_it_were_not_there(kernel_method, absent):
    samples, y = evidence(gone="b")
    new, _ = evidence(seed=1)
    method = kernel_method(absent=absent).fit(samples, y)
    alone = kernel_method(absent=absent).fit(samples.select(["a"]), y)
    np.testing.assert_allclose(method.predict_proba(new), alone.predict_proba(new.select(["a"])), atol=1e-6)
    assert method.modality_weights_ == pytest.approx({"a": 1.0, "b": 0.0})


def test_without_any_modality_the_class_frequencies_are_left(kernel_method):
    samples, _ = evidence(gone="ab")
    y = (np.arange(120) % 4 == 0).astype(int)
    np.testing.assert_allclose(kernel_method().fit(samples, y).predict_proba(samples), [[0.75, 0.25]] * 120, atol=0.02)


@pytest.mark.parametrize("absent", ["neutral", "drop"])
def test_training_rows_with_gaps_teach_what_they_know(kernel_method, absent):
    samples, y = evidence()
    rng = np.random.default_rng(5)
    gappy = Samples(
        [Modality(n, "table", np.array(samples.modality(n).values), rng.random(120) > 0.3) for n in samples.names]
    )
    method = kernel_method(absent=absent).fit(gappy, y)
    new, truth = evidence(seed=1)
    assert (method.predict(new) == truth).mean() > 0.85


def test_both_treatments_differ_for_rows_with_gaps(kernel_method):
    samples, y = evidence()
    new, _ = evidence(gone="b", seed=1)
    one, other = (kernel_method(absent=absent).fit(samples, y).predict_proba(new) for absent in ("neutral", "drop"))
    assert np.abs(one - other).max() > 1e-3


def test_a_treatment_that_does_not_exist_is_named(kernel_method):
    samples, y = evidence()
    with pytest.raises(ValueError, match=r"absent 'mean': use 'neutral' or 'drop'"):
        kernel_method(absent="mean").fit(samples, y)
