"""BDeu and BIC: by hand, against pgmpy, equal for equivalent networks; worths of families with missing cells."""

from __future__ import annotations

from math import lgamma, log

import numpy as np
import pytest

from fusebench.methods.graphical.network import family_counts
from fusebench.methods.graphical.scores import BIC, BDeu, FamilyScores

SCORES = [BDeu(10.0), BDeu(1.0), BIC()]


def random_table(seed, n=300, missing=0.0):
    """Five dependent columns of 2, 3, 4, 2 and 1 levels."""
    rng = np.random.default_rng(seed)
    levels = [2, 3, 4, 2, 1]
    table = np.column_stack([rng.integers(0, r, n) for r in levels])
    table[:, 1] = np.where(rng.random(n) < 0.6, table[:, 0] + 1, table[:, 1])
    table[:, 2] = np.where(rng.random(n) < 0.5, table[:, 0] + table[:, 1], table[:, 2]) % 4
    table[rng.random(table.shape) < missing] = -1
    return table.astype(np.int16), levels


def total(scores, parents):
    """The score of a whole network, given each variable's parents."""
    return sum(scores.alone(j) + scores.worth(j, above) for j, above in enumerate(parents))


def test_scores_by_hand():
    """Child and parent of two values; counts 3, 1 below the first and 0, 2 below the second."""
    table = np.array([[0, 0]] * 3 + [[0, 1]] + [[1, 1]] * 2, dtype=np.int16)
    bic = FamilyScores(table, [2, 2], BIC())
    fit = 3 * log(3 / 4) + log(1 / 4)
    assert bic.alone(1) + bic.worth(1, (0,)) == pytest.approx(fit - log(6) / 2 * 2)
    assert bic.alone(1) == pytest.approx(6 * log(1 / 2) - log(6) / 2)
    bdeu = FamilyScores(table, [2, 2], BDeu(4.0))  # two prior rows a parent's value, one a cell
    first = lgamma(2) - lgamma(6) + lgamma(4) + lgamma(2) - 2 * lgamma(1)
    second = lgamma(2) - lgamma(4) + lgamma(1) + lgamma(3) - 2 * lgamma(1)
    assert bdeu.alone(1) + bdeu.worth(1, (0,)) == pytest.approx(first + second)


@pytest.mark.parametrize("parents", [(), (0,), (0, 1), (1, 3), (0, 1, 3), (0, 4)])
def test_scores_equal_pgmpys(parents):
    pd = pytest.importorskip("pandas")
    oracles = pytest.importorskip("pgmpy.structure_score")
    table, levels = random_table(0)
    frame = pd.DataFrame(table, columns=list("01234")).astype("category")
    states = {str(j): list(range(r)) for j, r in enumerate(levels)}
    names = tuple(map(str, parents))
    for score, oracle in (
        (BDeu(10.0), oracles.BDeu(frame, equivalent_sample_size=10, state_names=states)),
        (BIC(), oracles.BIC(frame, state_names=states)),
    ):
        ours = FamilyScores(table, levels, score)
        assert ours.alone(2) + ours.worth(2, parents) == pytest.approx(oracle.local_score("2", names), abs=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_equivalent_networks_score_equal_and_a_collider_differs(score):
    table, levels = random_table(1)
    scores = FamilyScores(table[:, :3], levels[:3], score)
    chains = [total(scores, p) for p in [((), (0,), (1,)), ((1,), (2,), ()), ((1,), (), (1,))]]
    assert chains == pytest.approx([chains[0]] * 3, abs=1e-8)
    assert abs(total(scores, ((), (0, 2), ())) - chains[0]) > 1.0
    full = [total(scores, p) for p in [((), (0,), (0, 1)), ((1, 2), (2,), ()), ((2,), (0, 2), ())]]
    assert full == pytest.approx([full[0]] * 3, abs=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_with_missing_cells_an_edge_is_worth_as_much_either_way_round(score):
    table, levels = random_table(1, missing=0.3)
    scores = FamilyScores(table, levels, score)
    assert scores.worth(0, (1,)) == pytest.approx(scores.worth(1, (0,)), abs=1e-8)


def test_the_penalty_counts_parameters():
    """Twice the rows: the fit doubles, and what is left of the score is the penalty at either size."""
    table, levels = random_table(2)
    for parents, parameters in (((), 3), ((0,), 2 * 3), ((0, 1), 6 * 3), ((4,), 3)):
        once, twice = (FamilyScores(np.vstack([table] * m), levels, BIC()) for m in (1, 2))
        single, double = (s.alone(2) + s.worth(2, parents) for s in (once, twice))
        assert 2 * single - double == pytest.approx(parameters * (log(600) / 2 - log(300)))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_many_candidates_at_once_equal_one_by_one(score, missing):
    table, levels = random_table(3, missing=missing)
    for parents in ((), (1,), (0, 3)):
        scores = FamilyScores(table, levels, score)
        others = np.array([j for j in (0, 1, 3, 4) if j not in parents])
        each = scores.with_each(2, parents, others)
        for other, worth in zip(others, each, strict=True):
            rows = table[(table[:, [2, other, *parents]] >= 0).all(axis=1)]
            counts = family_counts(rows, levels, (*parents, int(other)), 2)
            with_all = score.of(counts.reshape(1, -1, 4), counts.size // 4)
            alone = score.of(np.bincount(rows[:, 2], minlength=4)[None, None], 1)
            assert worth == pytest.approx(float(with_all[0] - alone[0]), abs=1e-8)


def test_more_combinations_than_rows_are_scored_without_making_them_all():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 30, (50, 5)).astype(np.int16)
    for score in SCORES:
        scores = FamilyScores(table, [30] * 5, score)
        # Every row has parents of its own, so each seen combination holds one row.
        own, q, r = 50, 30**4, 30
        if isinstance(score, BIC):
            expected = -log(50) / 2 * q * (r - 1)
        else:
            a = score.ess
            expected = own * (log(a / (q * r)) - log(a / q))
        assert scores.alone(4) + scores.worth(4, (0, 1, 2, 3)) == pytest.approx(expected)


def test_cells_missing_by_chance_make_no_edge_and_hide_no_strong_one():
    """Column 1 is column 0 with noise, column 2 is noise; half of every column is missing."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, 2000)
    table = np.column_stack(
        [x, np.where(rng.random(2000) < 0.7, x, rng.integers(0, 3, 2000)), rng.integers(0, 3, 2000)]
    )
    table[rng.random(table.shape) < 0.5] = -1
    for score in SCORES:
        scores = FamilyScores(table.astype(np.int16), [3, 3, 3], score)
        assert scores.worth(1, (0,)) > 50
        assert scores.worth(1, (2,)) < 0
        assert scores.worth(1, (0, 2)) < scores.worth(1, (0,))


def test_counts_of_sites_add_up_to_the_pooled_table():
    table, levels = random_table(4, missing=0.1)
    sites = [family_counts(table[i::4], levels, (0, 3), 2) for i in range(4)]
    np.testing.assert_array_equal(sum(sites), family_counts(table, levels, (0, 3), 2))
