"""Discretising and count tables: by hand, against plain loops, and never from rows outside fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.discretise import Discretiser
from fusebench.methods.graphical.mdl import mdl_cuts
from fusebench.methods.graphical.tables import (
    class_counts,
    conditional,
    conditional_mutual_information,
    mutual_information,
)


def of(column, **kwargs):
    return Samples([Modality("m", "table", np.asarray(column, dtype=float)[:, None], features=("x",), **kwargs)])


def test_quantile_bins_by_hand():
    samples = of([1, 2, 3, 4, 5, 6, 7, 8])
    discretiser = Discretiser(4).fit(samples)
    assert discretiser.transform(samples)[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert discretiser.levels_.tolist() == [4]
    assert discretiser.features_ == ["m.x"]
    assert discretiser.transform(of([-99, 4.9, 99, np.nan]))[:, 0].tolist() == [0, 1, 3, -1]


def test_repeated_values_share_a_bin_and_a_constant_has_one_level():
    binary = of([0, 0, 0, 0, 0, 1])
    discretiser = Discretiser(3).fit(binary)
    assert discretiser.levels_.tolist() == [1]  # no quantile separates the rare value
    even = of([0, 0, 0, 1, 1, 1])
    discretiser = Discretiser(5).fit(even)
    assert discretiser.levels_.tolist() == [2]
    assert discretiser.transform(even)[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert Discretiser(5).fit(of([7, 7, 7])).levels_.tolist() == [1]
    assert Discretiser(5).fit(of([np.nan, np.nan])).levels_.tolist() == [1]


def test_categories_keep_their_codes_even_unseen_ones():
    samples = of([2, 0, np.nan], categories={"x": ("a", "b", "c", "d")})
    discretiser = Discretiser(2).fit(samples)
    assert discretiser.levels_.tolist() == [4]
    assert discretiser.transform(samples)[:, 0].tolist() == [2, 0, -1]
    assert discretiser.transform(of([3], categories={"x": ("a", "b", "c", "d")}))[0, 0] == 3


def test_absent_modalities_are_missing_also_in_integer_images():
    image = np.arange(16, dtype=np.uint8).reshape(4, 1, 2, 2)
    samples = Samples([Modality("i", "image", image, np.array([True, True, True, False]))])
    table = Discretiser(3).fit(samples).transform(samples)
    assert table.shape == (4, 4)
    assert (table[3] == -1).all()
    assert table[:3].tolist() == [[0] * 4, [1] * 4, [2] * 4]


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.one_of(st.integers(0, 5), st.just(None)), min_size=1, max_size=40), bins=st.integers(2, 6))
def test_codes_are_within_levels_monotone_and_no_training_bin_is_empty(values, bins):
    column = np.array([np.nan if v is None else v for v in values], dtype=float)
    discretiser = Discretiser(bins).fit(of(column))
    codes = discretiser.transform(of(column))[:, 0]
    known = ~np.isnan(column)
    assert ((codes < 0) == ~known).all()
    assert (np.diff(codes[known][np.argsort(column[known], kind="stable")]) >= 0).all()
    if known.any():
        assert sorted(set(codes[known])) == list(range(discretiser.levels_[0]))


def random_table(seed, n=60, k=3, missing=0.2):
    rng = np.random.default_rng(seed)
    levels = np.array([2, 3, 4, 1])
    table = rng.integers(0, levels, (n, 4)).astype(np.int16)
    table[rng.random((n, 4)) < missing] = -1
    return table, rng.integers(0, k, n), levels, k


def test_counts_and_conditionals_equal_plain_loops():
    table, codes, levels, k = random_table(0)
    counts = class_counts(table, codes, levels, k)
    theta = conditional(counts, levels, 0.5)
    for j, r in enumerate(levels):
        for c in range(k):
            seen = table[(codes == c) & (table[:, j] >= 0), j]
            for v in range(r):
                assert counts[j, v, c] == (seen == v).sum()
                assert theta[j, v, c] == pytest.approx(((seen == v).sum() + 0.5) / (len(seen) + 0.5 * r))
        assert theta[j, r:].sum() == 0
    np.testing.assert_allclose(theta.sum(axis=1), 1.0)


def test_counts_of_sites_add_up_to_the_pooled_counts():
    table, codes, levels, k = random_table(1)
    parts = [class_counts(table[i::3], codes[i::3], levels, k) for i in range(3)]
    np.testing.assert_array_equal(sum(parts), class_counts(table, codes, levels, k))


def information(a, b):
    """Plug-in mutual information by its definition."""
    joint = np.histogram2d(a, b, bins=[np.arange(a.max() + 2), np.arange(b.max() + 2)])[0] / len(a)
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return float((joint[joint > 0] * np.log(joint[joint > 0] / outer[joint > 0])).sum())


def test_information_equals_its_definition_over_the_rows_where_all_is_present():
    table, codes, levels, k = random_table(2)
    single = mutual_information(class_counts(table, codes, levels, k))
    pairs = conditional_mutual_information(table, codes, levels, k)
    for i in range(4):
        here = table[:, i] >= 0
        assert single[i] == pytest.approx(information(table[here, i], codes[here]), abs=1e-9)
        for j in range(4):
            both = here & (table[:, j] >= 0)
            expected = sum(
                (both & (codes == c)).sum() * information(table[both & (codes == c), i], table[both & (codes == c), j])
                for c in range(k)
            )
            assert pairs[i, j] == pytest.approx(0.0 if i == j else expected / both.sum(), abs=1e-9)


def oracle(values, codes):
    """Fayyad and Irani's cuts by their definition, interval by interval."""

    def entropy(part):
        shares = np.bincount(part)[np.unique(part)] / len(part)
        return -(shares * np.log2(shares)).sum()

    order = np.argsort(values, kind="stable")
    values, codes = values[order], codes[order]
    n, best = len(values), None
    for at in range(1, n):
        if values[at - 1] < values[at]:
            left, right = codes[:at], codes[at:]
            rest = (at * entropy(left) + (n - at) * entropy(right)) / n
            if best is None or rest < best[0] - 1e-12:
                best = (rest, at, left, right)
    if best is None:
        return []
    rest, at, left, right = best
    k, k1, k2 = (len(np.unique(part)) for part in (codes, left, right))
    delta = np.log2(3**k - 2) - (k * entropy(codes) - k1 * entropy(left) - k2 * entropy(right))
    if entropy(codes) - rest <= (np.log2(n - 1) + delta) / n:
        return []
    cut = (values[at - 1] + values[at]) / 2
    return [*oracle(values[:at], left), cut, *oracle(values[at:], right)]


def test_entropy_cuts_by_hand():
    """Eight rows in two pure halves: the gain of 1 bit exceeds (log2 7 + log2 7 - 2) / 8 = 0.45."""
    values, codes = np.arange(1.0, 9.0)[:, None], np.repeat([0, 1], 4)
    assert mdl_cuts(values, codes)[0].tolist() == [4.5]
    # One row of the other class: its cut gains all 0.54 bits, less than (log2 7 + log2 7 - 2 * 0.54) / 8 = 0.57.
    assert mdl_cuts(values, np.array([0, 0, 0, 0, 0, 0, 0, 1]))[0].tolist() == []
    # A gain of all 0.86 bits: above (log2 6 + log2 7 - 2 * 0.86) / 7 = 0.52.
    assert mdl_cuts(values[:7], np.array([0, 0, 1, 1, 1, 1, 1]))[0].tolist() == [2.5]
    three = mdl_cuts(np.arange(30.0)[:, None], np.repeat([0, 1, 2], 10))
    assert three[0].tolist() == [9.5, 19.5]
    assert mdl_cuts(values, np.zeros(8, dtype=int))[0].tolist() == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), k=st.integers(1, 4), distinct=st.integers(1, 40))
def test_entropy_cuts_equal_their_definition(seed, n, k, distinct):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    values = rng.integers(0, distinct, (n, 3)) + np.array([0, 3, 9]) * codes[:, None] + rng.random((n, 3)).round(1)
    for column, cuts in zip(values.T, mdl_cuts(values, codes), strict=True):
        np.testing.assert_allclose(cuts, oracle(column, codes), atol=1e-9)


def test_entropy_cuts_see_present_cells_only_and_leave_categories_as_they_are():
    rng = np.random.default_rng(0)
    codes = np.arange(200) % 2
    values = np.column_stack([rng.normal(size=200) + 9 * codes, rng.normal(size=200), rng.integers(0, 4, 200)])
    values[rng.random(200) < 0.3, 0] = np.nan
    samples = Samples([Modality("m", "table", values, None, ("a", "b", "c"), {"c": tuple("wxyz")})])
    discretiser = Discretiser(5, "mdl").fit(samples, codes)
    assert discretiser.levels_.tolist() == [2, 1, 4]
    table = discretiser.transform(samples)
    known = ~np.isnan(values[:, 0])
    only = Samples([Modality("m", "table", values[known][:, :1])])
    alone = Discretiser(5, "mdl").fit(only, codes[known])
    assert (table[known, 0] == alone.transform(only)[:, 0]).all()
    assert (table[~known, 0] == -1).all()
    assert (table[:, 1] == 0).all()
    assert (table[:, 2] == values[:, 2]).all()


def test_what_cannot_be_cut_is_told():
    with pytest.raises(ValueError, match="cuts 'even': use one of quantile, mdl"):
        Discretiser(5, "even")
    with pytest.raises(ValueError, match="need the classes"):
        Discretiser(5, "mdl").fit(of([1, 2, 3]))


def test_numbers_without_a_number_between_them_are_parted():
    low = 1.0
    values = np.array([low] * 10 + [np.nextafter(low, 2)] * 10)[:, None]
    (cuts,) = mdl_cuts(values, np.repeat([0, 1], 10))
    assert ((values[:, 0] >= cuts[0]) == np.repeat([False, True], 10)).all()


@pytest.mark.parametrize("cuts", ["quantile", "mdl"])
def test_no_rows_give_a_table_without_rows(cuts):
    samples = of([1, 2, 3, 4])
    discretiser = Discretiser(2, cuts).fit(samples, np.array([0, 0, 1, 1]))
    assert discretiser.transform(samples[:0]).shape == (0, 1)
