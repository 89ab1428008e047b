"""AODE: by plain loops, against pgmpy's joint probabilities, and the promises of its paper."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical import aode
from fusebench.methods.graphical.aode import AODE
from fusebench.methods.graphical.naive_bayes import NaiveBayes


def by_definition(rows, y, new, levels, k, alpha=1.0, least=1):
    """Posteriors of complete or incomplete new rows, formula by formula."""
    proba = np.zeros((len(new), k))
    for out, row in zip(proba, new, strict=True):
        seen = np.flatnonzero(row >= 0)
        parents = [i for i in seen if (rows[:, i] == row[i]).sum() >= least]
        for c in range(k):
            for i in parents:
                with_i = rows[:, i] >= 0
                here = (y == c) & (rows[:, i] == row[i])
                joint = (here.sum() + alpha) / (with_i.sum() + alpha * k * levels[i])
                for j in seen:
                    if j != i:
                        pair = here & (rows[:, j] >= 0)
                        joint *= ((rows[pair, j] == row[j]).sum() + alpha) / (pair.sum() + alpha * levels[j])
                out[c] += joint
        out /= out.sum()
    return proba


@pytest.mark.parametrize("least", [1, 360])
def test_posteriors_follow_the_definition_also_with_missing_cells_on_both_sides(least, chain, categorical):
    arrays, y = chain(n=1200, k=3)
    rng = np.random.default_rng(0)
    rows = np.hstack([arrays["a"], arrays["b"]])
    rows[rng.random(rows.shape) < 0.1] = -1
    new = rows[:60].copy()
    new[:20] = np.where(rng.random((20, 4)) < 0.4, -1, new[:20])
    new = new[(new >= 0).any(axis=1)]
    if least > 1:  # rows without any parent have a test of their own
        often = np.array([[(rows[:, j] == v).sum() >= least for v in range(3)] for j in range(4)])
        new = new[[any(v >= 0 and often[j, v] for j, v in enumerate(row)) for row in new]]
        assert not often.all()
    samples, tests = ({"a": r[:, :2], "b": r[:, 2:]} for r in (rows, new))
    method = AODE(least=least).fit(categorical(samples, 3), y)
    expected = by_definition(rows, y, new, [3] * 4, 3, least=least)
    np.testing.assert_allclose(method.predict_proba(categorical(tests, 3)), expected, atol=1e-10)


def test_without_a_frequent_value_it_is_naive_bayes_exactly(chain, categorical):
    arrays, y = chain(n=300)
    samples = categorical(arrays, 3)
    fallen = AODE(bins=5, least=301).fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(fallen, NaiveBayes(bins=5).fit(samples, y).predict_proba(samples), atol=1e-13)
    assert np.abs(fallen - AODE(bins=5).fit(samples, y).predict_proba(samples)).max() > 0.01


def test_the_average_of_pgmpys_networks_gives_the_same(chain, categorical):
    pytest.importorskip("pgmpy")
    arrays, y = chain(n=300)
    method = AODE().fit(categorical(arrays, 3), y)
    networks = method.to_pgmpy()
    assert list(networks) == method.features_
    rows = np.hstack([arrays["a"], arrays["b"]])[:5]
    joint = np.zeros((5, 2))
    for network in networks.values():
        assert network.check_model()
        for at, row in enumerate(rows):
            states = dict(zip(method.features_, map(int, row), strict=True))
            joint[at] += [network.get_state_probability({**states, "class": c}) for c in range(2)]
    got = method.predict_proba(categorical({"a": rows[:, :2], "b": rows[:, 2:]}, 3))
    np.testing.assert_allclose(got, joint / joint.sum(axis=1, keepdims=True), atol=1e-10)


def test_rows_in_blocks_get_what_they_get_together(monkeypatch, chain, categorical):
    arrays, y = chain(n=300)
    samples = categorical(arrays, 3)
    method = AODE().fit(samples, y)
    whole = method.predict_proba(samples)
    monkeypatch.setattr(aode, "_BLOCK", 100)
    np.testing.assert_allclose(method.predict_proba(samples), whole, atol=1e-14)
    assert method.predict_proba(samples[:0]).shape == (0, 2)


def test_the_order_of_columns_does_not_matter(chain, categorical):
    arrays, y = chain(n=400)
    turned = {"a": arrays["b"][:, ::-1], "b": arrays["a"][:, ::-1]}
    one, other = (AODE().fit(s, y).predict_proba(s) for s in (categorical(arrays, 3), categorical(turned, 3)))
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_missing_column_is_the_same_as_a_column_that_was_never_there(chain, categorical):
    arrays, y = chain(n=400)
    lacking = {"a": arrays["a"], "b": np.column_stack([arrays["b"][:, 0], np.full(400, -1)])}
    without = categorical({"a": arrays["a"], "b": arrays["b"][:, :1]}, 3)
    np.testing.assert_allclose(
        AODE().fit(categorical(arrays, 3), y).predict_proba(categorical(lacking, 3)),
        AODE().fit(without, y).predict_proba(without),
        atol=1e-12,
    )


def test_a_constant_column_changes_nothing(chain, categorical):
    arrays, y = chain(n=400)
    plain = categorical(arrays, 3)
    dull = Samples([*plain.modalities, *Samples.from_arrays({"c": np.full((400, 2), 7.0)}).modalities])
    np.testing.assert_allclose(
        AODE().fit(plain, y).predict_proba(plain), AODE().fit(dull, y).predict_proba(dull), atol=1e-12
    )


def test_it_solves_an_exclusive_or_of_two_modalities(categorical):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (800, 2))
    y = bits[:, 0] ^ bits[:, 1]
    samples = categorical({"a": bits[:, :1], "b": bits[:, 1:]}, 2)
    assert (AODE().fit(samples[:400], y[:400]).predict(samples[400:]) == y[400:]).all()


def test_parameters_and_the_graph_that_all_networks_share(chain, categorical):
    arrays, y = chain(n=300)
    method = AODE().fit(categorical(arrays, 3), y)
    assert method.n_parameters_ == 4 * ((2 * 3 - 1) + 3 * 2 * 3 * 2)
    assert set(method.structure_.edges) == {("class", f) for f in ("a.f0", "a.f1", "b.f0", "b.f1")}
    assert any(note.startswith("averages 4 networks") for note in method.notes_)


def test_columns_are_dropped_where_the_table_of_pairs_would_be_too_large(monkeypatch, chain, categorical):
    arrays, y = chain(n=300)
    monkeypatch.setattr(aode, "_CELLS", 2 * 7**2)
    method = AODE().fit(categorical(arrays, 3), y)
    assert len(method.features_) == 2
    assert method.notes_[0] == "kept 2 of 4 columns by mutual information with the class"
