"""Discretising and count tables: by hand, against plain loops, and never from rows outside fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.discretise import Discretiser
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
