"""Connectome cohort: series with the covariance of their state, effects in planted regions alone, and a bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from fusebench.datasets import DataError, Task, load_task
from fusebench.datasets.cohorts.connectome import bayes_scores, state_sequences

SMALL: dict[str, Any] = {"n": 60, "regions": 8, "length": 40, "k": 3, "seed": 3}
MANY: dict[str, Any] = {"n": 6000, "regions": 8, "length": 16, "k": 3, "seed": 2}


def cohort(**options: Any) -> Task:
    return load_task("connectome-cohort", **{**SMALL, **options})


@pytest.fixture(scope="module")
def many() -> Task:
    return cohort(**MANY)


@pytest.fixture(scope="module")
def default() -> Task:
    return load_task("connectome-cohort", seed=1)


def values(task: Task, name: str) -> np.ndarray:
    return task.samples.modality(name).values


def regression(y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Slope of least squares and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    slope = x @ y / (x @ x)
    return slope, np.sqrt(np.square(y - slope * x).sum() / (len(y) - 2) / (x @ x))


def test_functional_connectivity_is_the_pearson_correlation_of_the_series() -> None:
    task = cohort()
    series, functional = values(task, "series"), values(task, "functional")
    centred = series - series.mean(axis=2, keepdims=True)
    covariance = centred @ centred.transpose(0, 2, 1)
    sd = np.sqrt(np.einsum("nrr->nr", covariance))
    np.testing.assert_allclose(functional, covariance / (sd[:, :, None] * sd[:, None, :]), atol=1e-12)


def test_series_have_the_covariance_of_subject_and_state(many: Task) -> None:
    states, at = many.truth["states"], 9
    x = values(many, "series")[:, :, at] / many.truth["gain"][:, None]
    scanner = many.truth["noise"][:, None, None] ** 2 * np.eye(8)
    four_sigma = 4 * np.sqrt(2 / len(x))
    for state, right in ((states[:, at], True), (1 - states[:, at], False)):
        covariance = many.truth["covariance"][np.arange(len(x)), state] + scanner
        white = np.linalg.solve(np.linalg.cholesky(covariance), x[:, :, None])[:, :, 0]
        off = np.abs(white.T @ white / len(x) - np.eye(8)).max()
        assert (off < four_sigma) == right
    own = many.truth["covariance"]
    assert own.std(axis=0).min() > 0.05  # every subject has one of its own


def test_states_last_as_long_as_said_and_are_equally_frequent() -> None:
    states = state_sequences(2000, 100, 12.5, np.random.default_rng(0))
    changes = np.diff(states, axis=1) != 0
    assert changes.mean() == pytest.approx(0.08, abs=4 * np.sqrt(0.08 * 0.92 / changes.size))
    assert states[:, 0].mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2000))
    assert set(np.unique(states)) == {0, 1}


def test_neighbours_in_time_are_correlated(many: Task) -> None:
    x = values(many, "series")[many.truth["noise"] < many.truth["noise"].max()]
    still = many.truth["states"][many.truth["noise"] < many.truth["noise"].max()]
    same = still[:, 0] == still[:, 1]
    for r in range(8):
        assert 0.25 < np.corrcoef(x[same, r, 0], x[same, r, 1])[0, 1] <= 0.45


def test_the_burden_is_recovered_by_a_regression_on_planted_edges(default: Task) -> None:
    edges = default.truth["edges"][0]
    # The correlation that the states' covariances predict, mixed as each subject spent its time.
    share = default.truth["states"].mean(axis=1)[:, None, None]
    own = default.truth["covariance"]
    mixed = (1 - share) * own[:, 0] + share * own[:, 1]
    mixed += default.truth["noise"][:, None, None] ** 2 * np.eye(20)
    sd = np.sqrt(np.einsum("nrr->nr", mixed))
    expected = (mixed / (sd[:, :, None] * sd[:, None, :]))[:, edges].mean(axis=1)
    found = values(default, "functional")[:, edges].mean(axis=1)
    slope, error = regression(found, expected)
    assert slope == pytest.approx(1, abs=4 * error)
    planted, _ = regression(expected, default.truth["burden"])
    slope, error = regression(found, default.truth["burden"])
    assert slope == pytest.approx(planted, abs=4 * error)
    assert slope < -4 * error
    other = ~edges & ~np.eye(20, dtype=bool) & ~default.truth["regions"][0]
    slope, error = regression(values(default, "functional")[:, other].mean(axis=1), default.truth["burden"])
    assert slope == pytest.approx(0, abs=4 * error)


def test_tracts_and_morphometry_differ_in_planted_places_by_the_planted_distance(many: Task) -> None:
    tells, edges = many.truth["regions"][0], many.truth["edges"][0]
    assert tells.sum() == 3
    np.testing.assert_array_equal(edges, np.outer(tells, tells) & ~np.eye(8, dtype=bool))
    age = values(many, "phenotype")[:, 2]
    tracts = values(many, "structural") / 0.4 - many.truth["shift"][:, :1, None]
    shapes = values(many, "morphometry") / [0.2, 1.2, 0.4]
    shapes = shapes - (many.truth["shift"][:, 1] - 0.02 * (age - 45))[:, None, None]
    four_sigma = 4 * np.sqrt(4 / len(many))
    patient = many.y == 1
    for x, place, cells in ((tracts, edges, 3), (shapes, tells, 9)):
        moved = x[patient].mean(axis=0) - x[~patient].mean(axis=0)
        assert np.abs(moved[place] + 1.2 / np.sqrt(cells)).max() < four_sigma
        assert np.abs(moved[~place]).max() < four_sigma
    np.testing.assert_array_equal(tracts, tracts.transpose(0, 2, 1))


def test_scanners_and_age_are_recovered_by_a_regression(default: Task) -> None:
    site = (default.samples.sites == "site 2").astype(float)
    rows = np.isin(default.samples.sites, ["site 1", "site 2"])
    shift = default.truth["shift"]
    upper = np.triu_indices(20, 1)
    readings = (
        (values(default, "structural")[:, *upper].mean(axis=1) / 0.4, shift[:, 0]),
        ((values(default, "morphometry") / [0.2, 1.2, 0.4]).mean(axis=(1, 2)), shift[:, 1]),
    )
    for reading, planted in readings:
        difference = planted[site == 1][0] - planted[default.samples.sites == "site 1"][0]
        estimate, error = regression(reading[rows], site[rows])
        assert estimate == pytest.approx(difference, abs=4 * error)
    estimate, error = regression(readings[1][0] - shift[:, 1], values(default, "phenotype")[:, 2])
    assert estimate == pytest.approx(-0.02, abs=4 * error)
    assert estimate < -4 * error


def test_the_bound_is_what_the_posterior_scores_and_rules_stay_below(many: Task) -> None:
    assert bayes_scores((1.2, 1.6, 0.0))["accuracy"] == pytest.approx(norm.cdf(1.0))
    p, y = many.truth["posterior"], many.y
    right = (p > 0.5) == y
    loss = -np.log(np.where(y == 1, p, 1 - p))
    for metric, scored in (("accuracy", right), ("log_loss", loss)):
        assert scored.mean() == pytest.approx(many.bayes[metric], abs=4 * scored.std() / np.sqrt(len(y))), metric
    half = np.arange(len(y)) < len(y) // 2
    upper = np.triu_indices(8, 1)
    x = np.hstack(
        [
            values(many, "functional")[:, *upper],
            values(many, "structural")[:, *upper] - 0.4 * many.truth["shift"][:, :1],
            values(many, "morphometry").reshape(len(y), -1),
        ]
    )
    model = LogisticRegression(max_iter=500).fit(x[half] / x[half].std(axis=0), y[half])
    score = model.score(x[~half] / x[half].std(axis=0), y[~half])
    assert 0.7 < score < many.bayes["accuracy"] + 4 * 0.5 / np.sqrt(half.sum())


@pytest.mark.slow
def test_a_rule_that_knows_where_to_look_comes_near_the_bound() -> None:
    task = load_task("connectome-cohort", n=2000, seed=5)
    edges, tells, shift = task.truth["edges"][0], task.truth["regions"][0], task.truth["shift"]
    x = np.column_stack(
        [
            values(task, "functional")[:, np.triu(edges)],
            task.truth["noise"],
            values(task, "structural")[:, edges].mean(axis=1) / 0.4 - shift[:, 0],
            (values(task, "morphometry") / [0.2, 1.2, 0.4])[:, tells].mean(axis=(1, 2)) - shift[:, 1],
            values(task, "phenotype")[:, 2] / 20,
        ]
    )
    score = cross_val_score(LogisticRegression(C=100, max_iter=1000), x, task.y, cv=5).mean()
    assert task.bayes["accuracy"] - 0.04 < score < task.bayes["accuracy"] + 4 * 0.5 / np.sqrt(2000)


def test_settings_shape_the_cohort_and_the_seed_moves_it() -> None:
    task = cohort()
    assert [(m.name, m.kind, m.shape[1:]) for m in task.samples.modalities] == [
        ("series", "signal", (8, 40)),
        ("functional", "connectivity", (8, 8)),
        ("structural", "connectivity", (8, 8)),
        ("morphometry", "roi", (8, 3)),
        ("phenotype", "phenotype", (3,)),
    ]
    assert np.bincount(task.y).tolist() == [30, 30]
    assert all(len(truth) == 60 for truth in task.truth.values())
    assert cohort().fingerprint == task.fingerprint != cohort(seed=4).fingerprint
    assert len(cohort(sites=3, protocol="sites").splits()) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 30}, "n is 30 for 4 sites"),
        ({"regions": 7}, "regions is 7"),
        ({"length": 1000}, "length is 1000"),
        ({"k": 8}, "k is 8"),
        ({"strengths": (1, 1)}, "give three, for function, tracts and morphometry"),
        ({"strengths": (1, 1, -1)}, "strength 3 is -1"),
        ({"dwell": 1}, "dwell is 1"),
        ({"protocol": "leave"}, "protocol is 'leave'"),
    ],
)
def test_what_is_wrong_with_a_setting_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=f"task 'connectome-cohort': .*{told}"):
        cohort(**options)
