"""The search: acyclic, at a peak, as good as pgmpy's, and right about planted colliders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical.bayes_net_bdeu import BayesNetBDeu
from fusebench.methods.graphical.bayes_net_bic import BayesNetBIC
from fusebench.methods.graphical.hill_climbing import _CLIMBS, _climb, _Moves, _State, hill_climb
from fusebench.methods.graphical.network import Network
from fusebench.methods.graphical.scores import BIC, BDeu, FamilyScores

METHODS = [BayesNetBDeu, BayesNetBIC]


def sampled(seed, D=8, n=400):
    """Rows of a random sparse network of three levels."""
    rng = np.random.default_rng(seed)
    table = np.zeros((n, D), dtype=np.int16)
    for j in range(D):
        above = rng.choice(j, min(j, int(rng.integers(0, 3))), replace=False)
        noise = rng.integers(0, 3, n)
        table[:, j] = np.where(rng.random(n) < 0.7, table[:, above].sum(axis=1) % 3, noise) if len(above) else noise
    return table


def free(D):
    return ~np.eye(D, dtype=bool), np.zeros((D, D), dtype=bool)


def acyclic(parents):
    try:
        Network(("",) * len(parents), (1,) * len(parents), parents, ()).topological  # noqa: B018 - it is what is tried
    except ValueError:
        return False
    return True


def total(scores, parents):
    return sum(scores.worth(j, tuple(sorted(above))) for j, above in enumerate(parents))


def neighbours(parents, most):
    """Every network one move away."""
    for a, b in permutations(range(len(parents)), 2):
        sets = [set(p) for p in parents]
        if a in sets[b]:
            sets[b].remove(a)
            yield [set(p) for p in sets]
            sets[a].add(b)
        else:
            sets[b].add(a)
        if all(len(p) <= most for p in sets) and acyclic(tuple(tuple(p) for p in sets)):
            yield sets


@pytest.mark.parametrize("score", [BDeu(10.0), BIC()])
@pytest.mark.parametrize(("tabu", "patience"), [(0, 0), (10, 10), (3, 20)])
@pytest.mark.parametrize("seed", range(4))
def test_the_network_is_acyclic_and_no_single_move_improves_it(score, tabu, patience, seed):
    scores = FamilyScores(sampled(seed), [3] * 8, score)
    parents = hill_climb(scores, *free(8), max_parents=2, tabu=tabu, patience=patience)
    assert acyclic(parents)
    assert max(map(len, parents)) <= 2
    here = total(scores, parents)
    assert here > 100
    assert max(total(scores, sets) for sets in neighbours(parents, 2)) <= here + 1e-6


def test_going_on_past_a_peak_never_ends_lower_and_sometimes_higher():
    higher = 0
    for seed in range(12):
        scores = FamilyScores(sampled(seed), [3] * 8, BDeu(10.0))
        plain = total(scores, hill_climb(scores, *free(8), max_parents=3))
        far = total(scores, hill_climb(scores, *free(8), max_parents=3, tabu=8, patience=8))
        assert far >= plain - 1e-6
        higher += far > plain + 1e-3
    assert higher > 0


@pytest.mark.parametrize("score", [BDeu(10.0), BIC()])
def test_the_best_climb_is_taken_and_the_ties_decide_which_it_is(score):
    """A later climb sometimes ends higher than the first: one alone would not do."""
    higher = 0
    for seed in range(6):
        scores, (allowed, required) = FamilyScores(sampled(seed, 15), [3] * 15, score), free(15)
        moves = _Moves(scores, allowed, 3)
        heights = [_climb(_State(moves, required, 3), 10, 10, draw)[1] for draw in range(_CLIMBS)]
        found = hill_climb(scores, allowed, required, 3, tabu=10, patience=10)
        assert total(scores, found) == pytest.approx(max(heights), abs=1e-6)
        higher += max(heights) > heights[0] + 1.0
    assert higher > 0


def test_the_order_of_the_rows_decides_nothing():
    table = sampled(2)
    shuffled = np.random.default_rng(0).permutation(table)
    for score in (BDeu(10.0), BIC()):
        found = [
            hill_climb(FamilyScores(t, [3] * 8, score), *free(8), 3, tabu=5, patience=5) for t in (table, shuffled)
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize("name", ["bdeu", "bic-d"])
def test_plain_hill_climbing_ends_as_high_as_pgmpys(name):
    pd = pytest.importorskip("pandas")
    search = pytest.importorskip("pgmpy.causal_discovery").HillClimbSearch
    for seed in range(2):
        table = sampled(seed, D=6)
        frame = pd.DataFrame(table, columns=list("012345")).astype("category")
        oracle = search(name, tabu_length=10, max_indegree=2, return_type="dag", show_progress=False).fit(frame)
        theirs = [tuple(map(int, oracle.causal_graph_.predecessors(str(j)))) for j in range(6)]
        scores = FamilyScores(table, [3] * 6, BDeu(10.0) if name == "bdeu" else BIC())
        ours = hill_climb(scores, *free(6), max_parents=2, tabu=10, patience=10)
        assert total(scores, ours) >= total(scores, theirs) - 1e-6


def collider(n=5000, seed=0):
    """a.x0 -> b.x0 <- a.x1, and b.x0 -> class: the data fix the direction of all three edges."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, (n, 2))
    middle = (a.sum(axis=1) + (rng.random(n) < 0.2)) >= 1.5 - (rng.random(n) < 0.1)
    y = np.where(rng.random(n) < 0.85, middle, rng.integers(0, 2, n)).astype(int)
    return Samples.from_arrays({"a": a.astype(float), "b": np.column_stack([middle, rng.random(n)]).astype(float)}), y


@pytest.mark.parametrize("cls", METHODS)
def test_a_planted_collider_is_recovered(cls):
    samples, y = collider()
    method = cls().fit(samples, y)
    assert set(method.structure_.edges) == {("a.x0", "b.x0"), ("a.x1", "b.x0"), ("b.x0", "class")}
    assert method.network_.blanket == (2,)
    assert method.n_parameters_ == 1 + 1 + 4 + 3 + 2
    assert method.modality_weights_ == {"a": 0.0, "b": 1.0}
    assert "the class's Markov blanket holds 1 of 4 columns" in method.notes_


@pytest.mark.parametrize("cls", METHODS)
def test_rows_without_what_tells_most_are_told_by_what_lies_behind(cls):
    """With b missing the class is told by a alone: the posterior is that of the table p(class | a), up to smoothing."""
    samples, y = collider()
    method = cls().fit(samples, y)
    a = samples.modality("a").values.astype(int)
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    missing = Samples.from_arrays({"a": rows.astype(float), "b": np.full((4, 2), np.nan)})
    got = method.predict_proba(missing)[:, 1]
    expected = [y[(a == row).all(axis=1)].mean() for row in rows]
    np.testing.assert_allclose(got, expected, atol=0.03)


@pytest.mark.parametrize("cls", METHODS)
def test_the_fitted_network_goes_to_pgmpy_and_gives_the_same_posteriors(cls):
    inference = pytest.importorskip("pgmpy.inference")
    samples, y = collider(n=600)
    method = cls().fit(samples, y)
    network = method.to_pgmpy()
    assert network.check_model()
    assert set(network.edges()) == set(method.structure_.edges)
    oracle = inference.VariableElimination(network)
    values = np.hstack([m.values for m in samples[:6].modalities])
    values[1:3, 2] = values[3:, 0] = np.nan
    new = Samples.from_arrays({"a": values[:, :2], "b": values[:, 2:]})
    table = method.discretiser_.transform(new)[:, method.columns_]
    for got, row in zip(method.predict_proba(new), table, strict=True):
        evidence = {name: int(v) for name, v in zip(method.features_, row, strict=True) if v >= 0}
        expected = oracle.query(["class"], evidence=evidence, show_progress=False).values
        np.testing.assert_allclose(got, expected, atol=1e-9)


@pytest.mark.parametrize("cls", METHODS)
def test_tables_are_the_smoothed_counts_of_their_families(cls):
    samples, y = collider(n=400)
    method = cls().fit(samples, y)
    j = method.features_.index("b.x0")
    a, b = samples.modality("a").values, samples.modality("b").values[:, 0]
    assert method.network_.parents[j] == (0, 1)
    prior = 10 / 8 if cls is BayesNetBDeu else 1.0
    for u in np.ndindex(2, 2):
        seen = b[(a == u).all(axis=1)]
        expected = ((seen == 1).sum() + prior) / (len(seen) + 2 * prior)
        assert method.network_.tables[j][(*u, 1)] == pytest.approx(expected)


def test_a_network_too_dense_to_sum_out_is_searched_again_with_fewer_parents(monkeypatch):
    from fusebench.methods.graphical import searched_net

    table = sampled(0, D=8)
    samples = Samples.from_arrays({"a": table[:, :7].astype(float)})
    whole = BayesNetBDeu(bins=5).fit(samples, table[:, 7])
    assert max(map(len, whole.network_.parents)) > 1
    monkeypatch.setattr(searched_net, "_MOST_CELLS", 9)
    thin = BayesNetBDeu(bins=5).fit(samples, table[:, 7])
    assert max(map(len, thin.network_.parents)) == 1
    assert any(note.startswith("at most 1 parents") for note in thin.notes_)
