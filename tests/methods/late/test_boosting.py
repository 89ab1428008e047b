"""Boosting over modalities against scikit-learn's SAMME, the bound of Freund and Schapire, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import AdaBoostClassifier

from fusebench.methods.late.boosting import boost, decisions, reweighted


class BestColumn(ClassifierMixin, BaseEstimator):
    """A weak learner that answers with the column of X that errs least on the weighted rows."""

    def fit(self, X, y, sample_weight):
        self.classes_ = np.unique(y)
        self.column_ = int(((y[:, None] != X) * sample_weight[:, None]).sum(axis=0).argmin())
        return self

    def predict(self, X):
        return X[:, self.column_]


def pool(rights, classes, n=300, seed=0):
    """Answers of experts that are right with given probabilities, else wrong at random; shape (experts, n), and y."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    off = rng.integers(1, classes, (len(rights), n))
    return np.where(rng.random((len(rights), n)) < np.array(rights)[:, None], y, (y + off) % classes), y


def vote(rounds, decided, classes):
    """Summed votes of each class, shape (n, C)."""
    return sum(r.vote * (decided[r.expert][:, None] == np.arange(classes)) for r in rounds)


@pytest.mark.parametrize("classes", [2, 4])
def test_rounds_are_those_of_samme(classes):
    decided, y = pool([0.7, 0.65, 0.6, 0.55], classes)
    found = boost(decided, y, classes, 12)
    other = AdaBoostClassifier(BestColumn(), n_estimators=12, random_state=0).fit(decided.T, y)
    n = len(found)  # it ends where further votes are nil
    assert [r.expert for r in found] == [one.column_ for one in other.estimators_[:n]]
    np.testing.assert_allclose([r.error for r in found], other.estimator_errors_[:n])
    np.testing.assert_allclose([r.vote for r in found], other.estimator_weights_[:n], atol=1e-12)
    np.testing.assert_allclose(other.estimator_weights_[n:], 0.0, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_the_votes_err_no_more_than_the_bound(seed):
    decided, y = pool([0.7, 0.68, 0.66, 0.64, 0.62], 2, seed=seed)
    found = boost(decided, y, 2, 30)
    errors = np.array([r.error for r in found])
    wrong = (vote(found, decided, 2).argmax(axis=1) != y).mean()
    assert wrong <= np.prod(2 * np.sqrt(errors * (1 - errors))) + 1e-12
    assert np.prod(2 * np.sqrt(errors * (1 - errors))) < 0.95


@pytest.mark.parametrize("classes", [2, 3])
def test_weights_sum_to_one_and_leave_the_expert_that_voted_at_guessing(classes):
    decided, y = pool([0.8], classes)
    first = boost(decided, y, classes, 1)[0]
    right = decided[0] == y
    weights = reweighted(np.full(300, 1 / 300), right, ~right, first.vote, classes)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[~right].sum() == pytest.approx((classes - 1) / classes)


def test_with_abstentions_every_round_shrinks_the_exponential_loss_as_much_as_a_single_vote_can():
    decided, y = pool([0.9, 0.75, 0.7], 2, seed=3)
    decided[0, 100:] = -1
    decided[1, :50] = -1
    found = boost(decided, y, 2, 4)
    sign = np.where(decided < 0, 0, np.where(decided == y, 1, -1))

    def loss(votes):
        return np.exp(-votes @ sign / 2).mean()

    votes, grid = np.zeros(3), np.linspace(0.0, 4.0, 801)
    for one in found:
        steps = [min(loss(votes + step * np.eye(3)[m]) for step in grid) for m in range(3)]
        assert one.expert == int(np.argmin(steps))
        votes[one.expert] += one.vote
        assert loss(votes) == pytest.approx(min(steps), rel=1e-4)


def test_it_ends_with_a_faultless_expert_and_does_not_begin_without_a_useful_one():
    y = np.arange(40) % 2
    found = boost(np.array([y, 1 - y]), y, 2, 10)
    assert [r.expert for r in found] == [0]
    assert 0 < found[0].vote < 10
    assert boost(np.array([np.full(40, -1), 1 - y, np.zeros(40, int)]), y, 2, 10) == []
    assert boost(np.empty((2, 0), int), np.empty(0, int), 2, 10) == []
    assert boost(np.empty((0, 40), int), y, 2, 10) == []


def test_decisions_are_the_most_probable_classes_or_silence():
    proba = np.array([[[0.2, 0.8], [0.6, 0.4], [np.nan, np.nan]]])
    np.testing.assert_array_equal(decisions(proba), [[1, 0, -1]])
