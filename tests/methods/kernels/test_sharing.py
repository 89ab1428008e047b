"""Base kernels are computed once for all that need them within a scope, and memory is bounded."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fusebench.benchmarks.job import Budget
from fusebench.benchmarks.tuning import tune
from fusebench.datasets import Samples
from fusebench.methods.kernels.base_kernel import BaseKernel
from fusebench.methods.kernels.simple import KernelSimple
from fusebench.methods.sharing import digest, recall, sharing


def samples_and_labels(n=60, k=3):
    rng = np.random.default_rng(0)
    y = np.arange(n) % k
    return Samples.from_arrays({"a": rng.normal(size=(n, 3)) + y[:, None], "b": rng.normal(size=(n, 2))}), y


@pytest.fixture
def computed(monkeypatch):
    """How often the matrix of each kernel was computed: by label, and rows and columns."""
    counts = Counter()
    for name in ("_training", "_cross", "_among"):
        original = getattr(BaseKernel, name)

        def counted(self, *args, name=name, original=original):
            counts[name, self.modality, self.label, digest(self.X, *args)] += 1
            return original(self, *args)

        monkeypatch.setattr(BaseKernel, name, counted)
    return counts


def test_tuning_computes_the_kernels_of_a_fold_once_for_all_trials(computed):
    samples, y = samples_and_labels()
    tuned = tune(KernelSimple, {"kernels": "few"}, samples, y, 3, Budget(trials=3, inner_folds=2), seed=0)
    assert len({trial["params"]["C"] for trial in tuned.trials}) == 3
    # Two folds, two modalities, two kernels each: one training matrix, and one of new rows, for those with weight.
    assert sum(name == "_training" for name, *_ in computed) == 8
    assert set(computed.values()) == {1}


def test_classes_with_mixes_of_their_own_share_the_kernels(computed):
    samples, y = samples_and_labels()
    method = KernelSimple(kernels="few", classes="each").fit(samples, y)
    assert len(method.mixes_) == 3
    method.predict_proba(samples[:10])
    assert {count for (name, *_), count in computed.items()} == {1}


def test_methods_that_differ_share_what_they_have_in_common(kernel_method, computed):
    """A second method in the scope computes only kernels that the first, which has all of the ladder, has not."""
    samples, y = samples_and_labels()
    fixed = {"kernels": "few"} if "kernels" in kernel_method._get_param_names() else {}
    with sharing():
        KernelSimple(kernels=("rbf 1", "rbf 0.7", "linear")).fit(samples, y)
        before = computed.copy()
        kernel_method(**fixed).fit(samples, y)
        assert computed == before


def test_outside_a_scope_nothing_is_kept(computed):
    samples, y = samples_and_labels()
    for _ in range(2):
        KernelSimple(kernels="linear").fit(samples, y)
    assert set(computed.values()) == {2}


def test_other_data_or_other_gaps_are_other_kernels():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 2))
    y = np.arange(20) % 2
    with sharing():
        one = KernelSimple(kernels="rbf 1").fit(Samples.from_arrays({"a": X}), y)
        other = KernelSimple(kernels="rbf 1").fit(Samples.from_arrays({"a": X + rng.normal(size=X.shape)}), y)
        K, L = (method.bank_.kernels_[0].training() for method in (one, other))
    assert np.abs(K - L).max() > 0.1


def test_results_are_those_without_sharing(kernel_method):
    samples, y = samples_and_labels()
    alone = kernel_method().fit(samples, y).predict_proba(samples)
    other = {"C": 5.0} if "C" in kernel_method._get_param_names() else {"rank": 10}
    with sharing():
        kernel_method(**other).fit(samples, y)
        np.testing.assert_array_equal(kernel_method().fit(samples, y).predict_proba(samples), alone)


def test_what_was_used_longest_ago_goes_first_and_the_bound_is_kept():
    made = Counter()

    def ask(name, size=4):
        def make():
            made[name] += 1
            return (np.zeros(size),)

        return recall(lambda: name, make)[0]

    with sharing(limit=3 * 32):  # three arrays of four numbers
        for name in "abc":
            ask(name)
        ask("a")
        ask("d")  # "b" goes
        for name in "acd":
            ask(name)
        assert made == {"a": 1, "b": 1, "c": 1, "d": 1}
        ask("b")
        assert made["b"] == 2
        ask("huge", 1000)  # more than the bound: given, not kept, and nothing goes for it
        ask("huge", 1000)
        assert made["huge"] == 2
        ask("b")
        assert made["b"] == 2


def test_shared_arrays_cannot_be_written_to_and_an_inner_scope_is_the_outer_one():
    with sharing():
        first = recall(lambda: "k", lambda: (np.zeros(3),))[0]
        with sharing(), pytest.raises(ValueError, match="read-only"):
            recall(lambda: "k", lambda: (np.ones(3),))[0][0] = 1.0
        assert recall(lambda: "k", lambda: (np.ones(3),))[0] is first


def test_digest_tells_contents_types_and_shapes_apart():
    x = np.arange(6)
    others = [x.astype(float), x.reshape(2, 3), x[::-1], x + 1]
    assert len({digest(x), *map(digest, others)}) == 5
    assert digest(x, x) != digest(x)
    assert digest(np.arange(12)[::2]) == digest(np.arange(0, 12, 2))
