"""ALIGN and ALIGNF: the package mklaren and least squares as oracles, and what the paper promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from fusebench.datasets import Samples
from fusebench.methods.kernels.align import KernelAlign
from fusebench.methods.kernels.alignf import KernelAlignf
from fusebench.methods.kernels.alignment import (
    align_weights,
    alignf_weights,
    label_kernels,
    label_vectors,
    package_align,
    package_alignf,
)
from fusebench.methods.kernels.machine import some_rows


def alignment(K, labels):
    target = labels @ labels.T
    return (K * target).sum() / np.linalg.norm(K) / np.linalg.norm(target)


def test_label_vectors_are_centred_and_balanced():
    vectors = label_vectors(np.array([0, 0, 0, 0, 1]))
    np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-12)
    target = np.array([[0.25] * 4 + [0.0]] * 4 + [[0.0] * 4 + [1.0]])
    H = np.eye(5) - 0.2
    np.testing.assert_allclose(vectors @ vectors.T, H @ target @ H, atol=1e-12)


def test_for_two_classes_the_labels_kernel_is_that_of_plus_and_minus_one():
    """Up to scale, once centred: so weights are those of the paper's y y^T."""
    codes = np.array([0, 0, 0, 1, 1])
    y = np.where(codes == 1, 1.0, -1.0)
    y -= y.mean()
    vectors = label_vectors(codes)
    K, oracle = vectors @ vectors.T, np.outer(y, y)
    np.testing.assert_allclose(K / np.linalg.norm(K), oracle / np.linalg.norm(oracle), atol=1e-12)


def test_one_labels_kernel_a_class():
    codes = np.arange(9) % 3
    whole, parts = label_kernels(codes, False), label_kernels(codes, True)
    assert len(whole) == 1
    assert len(parts) == 3
    np.testing.assert_allclose(parts[2], label_vectors((codes == 2).astype(int)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), p=st.integers(1, 6))
def test_alignf_is_better_aligned_than_every_kernel_and_random_mixes(graded, seed, p):
    stack, codes = graded(seed, n=40, p=p)
    labels = label_vectors(codes)
    (weights,) = alignf_weights(stack, [labels])
    assert (weights >= 0).all()
    best = alignment(np.tensordot(weights, stack, 1), labels)
    rivals = [*np.eye(p), *np.random.default_rng(seed).dirichlet(np.ones(p), 30)]
    assert all(best >= alignment(np.tensordot(r, stack, 1), labels) - 1e-5 for r in rivals)


@pytest.mark.parametrize("k", [2, 3])
def test_align_is_each_kernel_s_own_alignment_and_the_package_s(graded, k):
    stack, codes = graded(k=k)
    labels = label_kernels(codes, False)
    own = align_weights(stack, labels)[0]
    np.testing.assert_allclose(own / np.linalg.norm(labels[0] @ labels[0].T), [alignment(K, labels[0]) for K in stack])
    np.testing.assert_array_equal(align_weights(stack[2:], labels)[0], own[2:])  # whatever the other kernels are
    pytest.importorskip("cvxopt")
    package = package_align(stack, labels)[0]
    np.testing.assert_allclose(own / own.sum(), package / package.sum(), atol=1e-6)


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_alignf_is_the_package_s(graded, seed, each, monkeypatch):
    solvers = pytest.importorskip("cvxopt.solvers")
    for option in ("abstol", "reltol", "feastol"):  # its own leave the fifth digit open
        monkeypatch.setitem(solvers.options, option, 1e-13)
    stack, codes = graded(seed, k=3)
    labels = label_kernels(codes, each)
    own = alignf_weights(stack, labels)
    np.testing.assert_allclose(own / own.sum(axis=1, keepdims=True), package_alignf(stack, labels), atol=1e-6)


def test_alignf_solves_the_non_negative_least_squares(graded):
    stack, codes = graded(k=3)
    labels = label_vectors(codes)
    oracle = nnls(stack.reshape(4, -1).T, (labels @ labels.T).ravel())[0]
    (found,) = alignf_weights(stack, [labels])
    np.testing.assert_allclose(found / found.sum(), oracle / oracle.sum(), atol=2e-4)


def test_when_a_kernel_is_rescaled_alignf_s_mix_does_not_change_nor_do_align_s_weights(graded):
    stack, codes = graded(3)
    labels = label_kernels(codes, False)
    scaled = stack * np.array([1e-3, 1.0, 50.0, 1.0])[:, None, None]
    one, other = (np.tensordot(alignf_weights(K, labels)[0], K, 1) for K in (stack, scaled))
    np.testing.assert_allclose(other / np.linalg.norm(other), one / np.linalg.norm(one), atol=1e-6)
    np.testing.assert_allclose(align_weights(scaled, labels), align_weights(stack, labels), rtol=1e-9)


def test_equal_kernels_get_equal_weights(graded):
    stack, codes = graded()
    (weights,) = alignf_weights(stack[[3, 2, 3]], label_kernels(codes, False))
    assert weights[0] == pytest.approx(weights[2])
    assert weights[0] > 0


@pytest.mark.parametrize("method", [KernelAlign, KernelAlignf])
def test_methods_with_the_package_predict_what_they_do_without(method):
    pytest.importorskip("cvxopt")
    rng = np.random.default_rng(5)
    y = np.arange(60) % 3
    samples = Samples.from_arrays({"a": rng.normal(size=(60, 2)) + y[:, None], "b": rng.normal(size=(60, 2))})
    one, other = (method(solver=solver).fit(samples, y).predict_proba(samples) for solver in ("own", "mklaren"))
    np.testing.assert_allclose(one, other, atol=1e-3)
    with pytest.raises(ValueError, match=r"solver 'best': use 'own' or 'mklaren'"):
        method(solver="best").fit(samples, y)


def test_weights_are_learnt_from_at_most_the_rows_it_says():
    rng = np.random.default_rng(5)
    y = np.arange(300) % 2
    samples = Samples.from_arrays({"a": rng.normal(size=(300, 2)) + y[:, None]}, groups=np.arange(300) // 2)
    rows = some_rows(y, samples.groups, 100, seed=0)
    assert 90 <= len(rows) <= 104
    assert abs(y[rows].mean() - 0.5) < 0.1
    method = KernelAlignf(weight_rows=100).fit(samples, y)
    assert any(note.startswith("weights learnt from 10") and "of 300 training rows" in note for note in method.notes_)
