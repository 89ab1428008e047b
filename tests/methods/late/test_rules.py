"""Late rules as pure functions: maximum, mean and Bayesian product against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.methods.late.evidence import tempered
from fusebench.methods.late.rules import largest, mean, product
from fusebench.methods.late.weighted import inverse_weights, softmax_weights

PRIOR = np.array([0.5, 0.3, 0.2])
RULES = [largest, mean, product]


@pytest.fixture
def spoken():
    """What three experts say of 50 rows over three classes, shape (3, 50, 3)."""
    return np.random.default_rng(0).dirichlet(np.ones(3), (3, 50))


@pytest.fixture
def independent():
    """p_m (3, 64, 3) of every outcome of three modalities independent given the class, and the joint posterior."""
    likelihood = np.random.default_rng(1).dirichlet(np.ones(4), (3, 3))  # modality, class, value
    values = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij")).reshape(3, -1)
    seen = np.array([likelihood[m][:, values[m]].T for m in range(3)])
    joint, single = PRIOR * seen.prod(axis=0), PRIOR * seen
    return single / single.sum(axis=2, keepdims=True), joint / joint.sum(axis=1, keepdims=True)


def test_the_product_is_the_joint_posterior_under_conditional_independence_and_the_mean_is_not(independent):
    spoken, joint = independent
    np.testing.assert_allclose(product(spoken, PRIOR), joint, atol=1e-12)
    assert np.abs(mean(spoken, PRIOR) - joint).max() > 0.3


def test_the_product_takes_each_experts_prior_out_where_they_learnt_from_other_rows(independent):
    spoken, joint = independent
    priors = np.array([[1.0, 1.0, 1.0], [8.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    priors /= priors.sum(axis=1, keepdims=True)
    skewed = spoken * (priors / PRIOR)[:, None, :]
    skewed /= skewed.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(product(skewed, PRIOR, priors), joint, atol=1e-12)


def test_an_expert_that_says_the_prior_changes_nothing_in_the_product(spoken):
    neutral = np.broadcast_to(PRIOR, (1, 50, 3))
    np.testing.assert_allclose(product(np.concatenate([spoken, neutral]), PRIOR), product(spoken, PRIOR), atol=1e-14)


def test_a_copy_doubles_the_evidence_in_the_product(spoken):
    """Its documented failure: what two modalities share counts twice."""
    one, two = product(spoken[:1], PRIOR), product(spoken[[0, 0]], PRIOR)
    np.testing.assert_allclose(np.log(two / PRIOR), _shifted(2 * np.log(one / PRIOR), two), atol=1e-9)
    assert two.max(axis=1).mean() > one.max(axis=1).mean()


def _shifted(log_ratio, proba):
    """Log-ratios to the prior up to the constant of a row: the one that makes the first class agree."""
    return log_ratio + (np.log(proba / PRIOR) - log_ratio)[:, :1]


def test_the_maximum_is_blind_to_copies_and_heeds_the_confident(spoken):
    np.testing.assert_allclose(largest(spoken[[0, 1, 2, 2, 0]], PRIOR), largest(spoken, PRIOR))
    hesitant, sure = [0.1, 0.5, 0.4], [0.99, 0.005, 0.005]
    rows = np.array([[hesitant], [hesitant], [hesitant], [sure]])
    assert largest(rows, PRIOR).argmax() == 0
    assert mean(rows, PRIOR).argmax() == 1


@pytest.mark.parametrize("weights", [None, [0.2, 0.0, 3.0]])
def test_the_mean_lies_in_the_convex_hull(spoken, weights):
    joined = mean(spoken, PRIOR, weights)
    np.testing.assert_allclose(joined.sum(axis=1), 1.0)
    assert (joined <= spoken.max(axis=0) + 1e-12).all()
    assert (joined >= spoken.min(axis=0) - 1e-12).all()
    expected = np.average(spoken, axis=0, weights=weights)
    np.testing.assert_allclose(joined, expected)


@pytest.mark.parametrize("rule", RULES)
def test_a_silent_expert_drops_out_and_without_any_the_prior_stands(rule, spoken):
    partly = spoken.copy()
    partly[1, ::2] = np.nan
    joined = rule(partly, PRIOR)
    np.testing.assert_array_equal(joined[::2], rule(spoken[[0, 2]], PRIOR)[::2])
    np.testing.assert_array_equal(joined[1::2], rule(spoken, PRIOR)[1::2])
    np.testing.assert_allclose(rule(np.full((3, 2, 3), np.nan), PRIOR), [PRIOR, PRIOR])
    np.testing.assert_allclose(rule(np.empty((0, 2, 3)), PRIOR), [PRIOR, PRIOR])


def test_a_single_zero_is_no_veto_in_the_product():
    spoken = np.array([[[1.0, 0.0]], [[0.001, 0.999]], [[0.001, 0.999]], [[0.001, 0.999]]])
    assert product(spoken, np.array([0.5, 0.5]))[0, 1] > 0.99


def test_noise_in_the_posteriors_favours_the_sum_over_the_product():
    """Kittler et al. 1998: without errors the product is best; with errors of p_m the sum overtakes it."""
    rng = np.random.default_rng(2)
    n, experts = 40_000, 5
    y = rng.integers(0, 2, n)
    odds = rng.normal(1.2 * (y - 0.5), np.sqrt(1.2), (experts, n))  # log-odds whose mean is half their variance
    exact = 1 / (1 + np.exp(-odds))
    gains = []
    for noise in (0.0, 0.05, 0.1, 0.15):
        p = np.clip(exact + noise * rng.standard_normal(exact.shape), 0.0, 1.0)
        spoken, even = np.stack([1 - p, p], axis=2), np.array([0.5, 0.5])
        right = [np.mean(rule(spoken, even).argmax(axis=1) == y) for rule in (mean, product)]
        gains.append(right[0] - right[1])
    assert gains[0] < -0.002
    assert gains[-1] > 0.01
    assert np.all(np.diff(gains) > 0)


def test_a_temperature_draws_towards_the_prior_and_one_changes_nothing(spoken):
    rows = spoken[0]
    rows[0], rows[1] = [1.0, 0.0, 0.0], np.nan
    np.testing.assert_array_equal(tempered(rows, PRIOR, 1.0), rows)
    hot, squared = tempered(rows, PRIOR, 1e9), tempered(rows, PRIOR, 0.5)
    np.testing.assert_array_equal(np.isnan(hot), np.isnan(rows))
    np.testing.assert_allclose(np.delete(hot, 1, axis=0), np.tile(PRIOR, (49, 1)), atol=1e-6)
    expected = rows[2:] ** 2 / PRIOR
    np.testing.assert_allclose(squared[2:], expected / expected.sum(axis=1, keepdims=True))


def test_a_temperature_leaves_classes_alone_that_were_not_seen():
    rows = np.array([[0.4, 0.3, 0.3], [0.69, 0.01, 0.3]])
    drawn = tempered(rows, np.array([0.35, 0.35, 0.3]), 0.5, np.array([0, 1]))
    np.testing.assert_allclose(drawn[:, 2], 0.3)
    np.testing.assert_allclose(drawn[:, 0] / drawn[:, 1], (rows[:, 0] / rows[:, 1]) ** 2)


def test_weights_follow_the_losses():
    losses = np.array([0.2, 0.4, 0.69])
    np.testing.assert_allclose(softmax_weights(np.full(3, 0.4), 0.1), 1 / 3)
    np.testing.assert_allclose(softmax_weights(losses, 0.1), np.exp(-losses / 0.1) / np.exp(-losses / 0.1).sum())
    np.testing.assert_allclose(softmax_weights(losses, 1e-3), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(softmax_weights(losses, 1e9), 1 / 3)
    np.testing.assert_allclose(inverse_weights(np.full(3, 0.4)), 1 / 3)
    np.testing.assert_allclose(inverse_weights(losses), (1 / losses) / (1 / losses).sum())
    assert np.isfinite(inverse_weights(np.zeros(2))).all()
