"""Accuracy metrics against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fusebench.reports.metrics.accuracy import accuracy, auroc, balanced_accuracy, macro_f1
from fusebench.reports.metrics.cards import METRIC_CARDS, metric_card
from fusebench.reports.metrics.registry import METRICS, Metric, bind


def example(n: int, classes: int, seed: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(classes), size=n)
    if ties:
        proba = np.round(proba, 1) + 0.01
        proba /= proba.sum(axis=1, keepdims=True)
    return np.r_[np.arange(classes), rng.integers(0, classes, n - classes)], proba


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_agree_with_scikit_learn(classes: int, ties: bool) -> None:
    y, proba = example(80, classes, 3, ties)
    told = proba.argmax(axis=1)
    assert accuracy(y, proba) == pytest.approx(sk.accuracy_score(y, told))
    assert balanced_accuracy(y, proba) == pytest.approx(sk.balanced_accuracy_score(y, told))
    assert macro_f1(y, proba) == pytest.approx(sk.f1_score(y, told, average="macro"))
    expected = sk.roc_auc_score(y, proba[:, 1]) if classes == 2 else sk.roc_auc_score(y, proba, multi_class="ovr")
    assert auroc(y, proba) == pytest.approx(expected)


def test_auroc_averages_over_the_classes_that_a_fold_holds() -> None:
    y, proba = example(60, 3, 1)
    y = np.where(y == 2, 0, y)
    expected = np.mean([sk.roc_auc_score(y == c, proba[:, c]) for c in (0, 1)])
    assert auroc(y, proba) == pytest.approx(expected)


def test_auroc_of_one_class_is_undefined_and_silent() -> None:
    assert np.isnan(auroc(np.zeros(5, dtype=int), np.full((5, 2), 0.5)))


def test_constant_probabilities_rank_at_one_half() -> None:
    y, _ = example(30, 3, 0)
    assert auroc(y, np.full((30, 3), 1 / 3)) == pytest.approx(0.5)


def test_by_hand() -> None:
    y = np.array([0, 0, 0, 1])
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    assert accuracy(y, proba) == 0.75
    assert balanced_accuracy(y, proba) == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1(y, proba) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert auroc(y, proba) == pytest.approx(2 / 3)


@pytest.mark.parametrize("key", list(METRICS))
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 4))
@settings(max_examples=8, deadline=None)
def test_unit_weights_give_the_metric_itself(key: str, seed: int, classes: int) -> None:
    y, proba = example(40, classes, seed, ties=seed % 2 == 0)
    assert METRICS[key].resample(y, proba, np.ones((2, 40))) == pytest.approx([METRICS[key](y, proba)] * 2, abs=1e-12)


@pytest.mark.parametrize(
    "key", ["accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss", "brier", "confidence_gap"]
)
def test_weights_are_repetitions(key: str) -> None:
    y, proba = example(30, 3, 5, ties=True)
    times = np.random.default_rng(0).integers(0, 4, 30)
    slow = Metric(METRICS[key].card, METRICS[key].function)
    assert METRICS[key].resample(y, proba, times[None].astype(float)) == pytest.approx(
        slow.resample(y, proba, times[None])
    )


def test_every_card_binds_and_keys_are_unique() -> None:
    assert len({card.key for card in METRIC_CARDS}) == len(METRIC_CARDS) == len(METRICS)
    assert all(bind(card).key == card.key for card in METRIC_CARDS)
    with pytest.raises(KeyError, match="balanced_accuracy"):
        metric_card("kappa")


def test_perfect_and_inverted_predictions_are_the_ends() -> None:
    y = np.array([0, 1, 0, 1])
    good = np.eye(2)[y]
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
        assert METRICS[key](y, good) == 1.0
        assert METRICS[key](y, good[:, ::-1]) == 0.0
