"""Every statistic of the tables for three methods on three tasks, recomputed by a few independent lines each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import special, stats

from fusebench.reports.comparison.in_task import against_best, comparison_parts
from fusebench.reports.comparison.over_tasks import against_first, order_parts, ranked
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.results import MethodInfo, Results, TaskInfo
from fusebench.reports.tables import survey_table, task_table

TASKS, METHODS, FOLDS, SIZE = ("t1", "t2", "t3"), ("m1", "m2", "m3"), 4, 25
# Right answers of 25 by task, method and fold.
RIGHT = np.array(
    [
        [[22, 21, 23, 20], [20, 21, 21, 19], [15, 17, 14, 16]],
        [[18, 19, 20, 17], [19, 19, 21, 18], [18, 16, 18, 15]],
        [[24, 23, 22, 25], [20, 19, 21, 20], [21, 20, 21, 22]],
    ]
)
N = FOLDS * SIZE
RATIO = SIZE / (N - SIZE)


@pytest.fixture(scope="module")
def evaluation(kit) -> Evaluation:
    rows = []
    for t, m, fold in itertools.product(range(3), range(3), range(FOLDS)):
        y = np.arange(SIZE) % 2
        sure = 0.6 + 0.3 * np.arange(SIZE) / SIZE
        good = np.argsort((np.arange(SIZE) * 7 + 3 * m) % SIZE) < RIGHT[t, m, fold]
        own = np.where(good, sure, 1 - sure)
        proba = np.where(y[:, None] == [0, 1], own[:, None], 1 - own[:, None])
        at = np.arange(SIZE) + fold * SIZE
        more = {"n_train": N - SIZE, "n_test": SIZE, "fit_wall": float(m + 1 + fold)}
        rows.append(
            kit.outcome(task=TASKS[t], method=METHODS[m], fold=fold, rows=at, groups=at, y=y, proba=proba, **more)
        )
    infos = {t: TaskInfo(t, t, ("no", "yes"), (52, 48), N, N, (("a", "table", 1),), "folds") for t in TASKS}
    methods = {m: MethodInfo(m, m, "kernel", "early") for m in METHODS}
    return Evaluation(Results(kit.frame_of(rows), infos, methods))


SCORES = RIGHT / SIZE  # accuracies by fold
MEANS = SCORES.mean(axis=2)  # (tasks, methods)


def t_interval(values, ratio):
    J = len(values)
    half = stats.t.ppf(0.975, J - 1) * np.sqrt((1 / J + ratio) * np.var(values, ddof=1))
    return np.mean(values) - half, np.mean(values) + half


def test_means_and_intervals_of_a_task(evaluation):
    table = task_table(evaluation, evaluation.tasks["t1"], "accuracy")
    for m, name in enumerate(METHODS):
        cell = table.cell(name, "accuracy").estimate
        assert cell.value == pytest.approx(MEANS[0, m])
        assert (cell.low, cell.high) == pytest.approx(t_interval(SCORES[0, m], RATIO))
        seconds = np.arange(FOLDS) + m + 1
        cost = table.cell(name, "fit_wall").estimate
        assert cost.value == pytest.approx(seconds.mean())
        assert (cost.low, cost.high) == pytest.approx(t_interval(seconds, RATIO))


def test_marks_of_a_task(evaluation):
    table = task_table(evaluation, evaluation.tasks["t1"], "accuracy")
    assert table.cell("m1", "accuracy").mark == "best"
    for m in (1, 2):
        low, high = t_interval(SCORES[0, m] - SCORES[0, 0], RATIO)
        assert table.cell(METHODS[m], "accuracy").mark == ("tied" if low <= 0 <= high else "")


def test_ranks_win_rates_and_their_bootstrap_over_tasks(evaluation):
    table = survey_table(evaluation, "accuracy")
    by_task = np.array(
        [[1 + sum(o > v for o in row) + (sum(o == v for o in row) - 1) / 2 for v in row] for row in MEANS]
    )
    draws = np.random.default_rng(0).integers(0, 3, size=(4000, 3))
    for m, name in enumerate(METHODS):
        for key, values in (
            ("mean_rank", by_task[:, m]),
            ("win_rate", (3 - by_task[:, m]) / 2),
            ("accuracy", MEANS[:, m]),
        ):
            cell = table.cell(name, key).estimate
            assert cell.value == pytest.approx(values.mean())
            expected = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
            assert (cell.low, cell.high) == pytest.approx(tuple(expected))


def test_marks_over_tasks(evaluation):
    table = survey_table(evaluation, "accuracy")
    best = int(MEANS.mean(axis=0).argmax())
    for m, name in enumerate(METHODS):
        low, high = t_interval(MEANS[:, m] - MEANS[:, best], 0.0)
        expected = "best" if m == best else "tied" if low <= 0 <= high else ""
        assert table.cell(name, "accuracy").mark == expected


def step_down(values):
    order = np.argsort(values)
    adjusted, top = np.empty(len(values)), 0.0
    for place, index in enumerate(order):
        top = max(top, (len(values) - place) * values[index])
        adjusted[index] = min(1.0, top)
    return adjusted


def test_comparison_within_a_task(evaluation):
    best, others = against_best(evaluation.tasks["t1"], "accuracy")
    assert best == "m1"
    gaps = {m: SCORES[0, METHODS.index(m)] - SCORES[0, 0] for m in ("m2", "m3")}
    errors = {m: np.sqrt((1 / FOLDS + RATIO) * g.var(ddof=1)) for m, g in gaps.items()}
    ps = [2 * stats.t.sf(abs(gaps[o.method].mean() / errors[o.method]), FOLDS - 1) for o in others]
    adjusted = step_down(np.array(ps))
    for place, own in enumerate(others):
        gap, error = gaps[own.method], errors[own.method]
        assert own.by_splits.value == pytest.approx(gap.mean())
        assert (own.by_splits.low, own.by_splits.high) == pytest.approx(t_interval(gap, RATIO))
        assert own.p == pytest.approx(ps[place])
        assert own.holm == pytest.approx(adjusted[place])
        posterior = stats.t(FOLDS - 1, gap.mean(), error)
        assert own.worse == pytest.approx(posterior.cdf(-0.01))
        assert own.better == pytest.approx(posterior.sf(0.01))
        assert own.worse + own.same + own.better == pytest.approx(1)


def rows_of(evaluation, task, method):
    outcomes = evaluation.results.outcomes
    own = outcomes[(outcomes["task"] == task) & (outcomes["method"] == method)].sort_values("fold")
    return np.concatenate(own["y"].to_list()), np.concatenate(own["proba"].to_list())


def test_bootstrap_over_cases_and_delong(evaluation):
    _, others = against_best(evaluation.tasks["t1"], "accuracy")
    y, best = rows_of(evaluation, "t1", "m1")
    times = np.random.default_rng(0).multinomial(N, np.full(N, 1 / N), size=500)
    for own in others:
        proba = rows_of(evaluation, "t1", own.method)[1]
        right = (proba.argmax(axis=1) == y).astype(float) - (best.argmax(axis=1) == y)
        draws = (times * right).sum(axis=1) / N
        assert own.by_cases.value == pytest.approx(right.mean())
        assert (own.by_cases.low, own.by_cases.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
        V, W = [], []
        for score in (proba[:, 1], best[:, 1]):
            kernel = np.heaviside(score[y == 1][:, None] - score[y == 0][None], 0.5)
            V.append(kernel.mean(axis=1))
            W.append(kernel.mean(axis=0))
        gap = np.mean(V[0]) - np.mean(V[1])
        error = np.sqrt(np.var(V[0] - V[1], ddof=1) / len(V[0]) + np.var(W[0] - W[1], ddof=1) / len(W[0]))
        assert own.area.value == pytest.approx(gap)
        assert own.area.high - own.area.value == pytest.approx(1.959964 * error, rel=1e-5)
        assert own.area_p == pytest.approx(special.erfc(abs(gap) / error / np.sqrt(2)))


def test_comparison_over_tasks(evaluation):
    found = ranked(evaluation, "accuracy")
    by_task = stats.rankdata(-MEANS, axis=1)
    order = np.argsort(by_task.mean(axis=0), kind="stable")
    assert found.methods == tuple(METHODS[m] for m in order)
    chi2 = 12 * 3 / (3 * 4) * ((by_task.mean(axis=0) - 2) ** 2).sum()  # no ties here
    assert found.friedman.chi2 == pytest.approx(chi2)
    assert found.friedman.f == pytest.approx(2 * chi2 / (3 * 2 - chi2))
    first = order[0]
    ps = [stats.wilcoxon(MEANS[:, m] - MEANS[:, first]).pvalue for m in order[1:]]
    for own, p, adjusted in zip(against_first(evaluation, found, "accuracy"), ps, step_down(np.array(ps)), strict=True):
        gains = MEANS[:, METHODS.index(own.method)] - MEANS[:, first]
        assert own.gain.value == pytest.approx(gains.mean())
        assert (own.gain.low, own.gain.high) == pytest.approx(t_interval(gains, 0.0))
        assert (own.p, own.holm) == (pytest.approx(p), pytest.approx(adjusted))
        z = np.array([0.0, *gains])
        weights = np.random.default_rng(7).dirichlet([0.5, 1, 1, 1], 20_000)
        votes = np.zeros(3)
        for w in weights[:5000]:
            sums = np.add.outer(z, z) / 2
            mass = np.outer(w, w)
            # A sum on the border of the region counts for both sides, half each.
            left, right = (np.heaviside(np.round(side * sums - 0.01, 9), 0.5) for side in (-1, 1))
            shares = [(mass * left).sum(), (mass * (1 - left - right)).sum(), (mass * right).sum()]
            votes[int(np.argmax(shares))] += 1 / 5000
        np.testing.assert_allclose([own.worse, own.same, own.better], votes, atol=0.03)
        wins = [0, 0, 0]
        for t in range(3):
            gap = SCORES[t, METHODS.index(own.method)] - SCORES[t, first]
            low, high = t_interval(gap, RATIO)
            wins[1 if low <= 0 <= high else 0 if low > 0 else 2] += 1
        assert [own.won, own.tied, own.lost] == wins


def test_the_family_and_its_size_are_printed(evaluation):
    (within,) = comparison_parts(evaluation, evaluation.tasks["t1"], "accuracy")
    assert "Holm for the 2 comparisons" in within.paragraphs[0]
    (over,) = order_parts(evaluation, "accuracy")
    assert "family of 2 tests" in over.paragraphs[0]
    assert "With 3 tasks the smallest p of a signed-rank test is 0.25" in over.paragraphs[2]
    picture = over.pictures[0]
    assert picture.frame()["critical_difference"].iloc[0] == pytest.approx(2.344 * np.sqrt(3 * 4 / (6 * 3)), abs=2e-3)
    assert picture.plot().axes
