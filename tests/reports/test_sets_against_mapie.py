"""Sets of classes and their coverage are those of MAPIE on the same calibration scores."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from mapie.metrics.classification import classification_coverage_score
from sklearn.base import BaseEstimator, ClassifierMixin

from fusebench.reports.trust import conformal

ROWS, TEST = 700, 400


class Told(ClassifierMixin, BaseEstimator):
    """Gives its input back as probabilities."""

    def __init__(self, classes=3):
        self.classes = classes

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return np.arange(self.classes)

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return np.asarray(X).argmax(axis=1)


class Ones(np.random.RandomState):
    """Takes the random part out of MAPIE's adaptive scores: the mass before the true class is left."""

    def uniform(self, low=0.0, high=1.0, size=None):
        return np.ones(size)


def theirs(score, y, validation, proba, miss):
    model = SplitConformalClassifier(
        Told(validation.shape[1]), confidence_level=1 - miss, conformity_score=score, random_state=Ones(0)
    ).conformalize(validation, y)
    more = {"conformity_score_params": {"include_last_label": True}} if score == "aps" else {}
    return model.predict_set(proba, **more)[1][:, :, 0]


# MAPIE has adaptive sets for three classes and more only.
@pytest.mark.parametrize(("score", "kind", "classes"), [
    ("lac", conformal.least_ambiguous, 2), ("lac", conformal.least_ambiguous, 4), ("aps", conformal.adaptive, 3),
    ("aps", conformal.adaptive, 5),
])  # fmt: skip
@pytest.mark.parametrize("miss", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("calibration", [60, 197, 300])
def test_sets_and_coverage_are_those_of_mapie(score, kind, classes, miss, calibration):
    rng = np.random.default_rng(classes)
    honest = rng.dirichlet(np.ones(classes), ROWS)
    y = (honest.cumsum(axis=1) > rng.random((ROWS, 1))).argmax(axis=1)
    told = honest**1.7 / (honest**1.7).sum(axis=1, keepdims=True)
    first, last = slice(0, calibration), slice(ROWS - TEST, ROWS)
    ours = kind(y[first], told[first], told[last], miss)
    expected = theirs(score, y[first], told[first], told[last], miss)
    np.testing.assert_array_equal(ours, expected)
    assert 0 < ours.mean() < 1
    covered = classification_coverage_score(y[last], expected[:, :, None])[0]
    assert conformal.coverage(y[last], ours) == pytest.approx(covered, abs=1e-9)
