"""Planted tasks: every method that learns weights gives noise less of them, and only a product solves XOR."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.datasets.registry import load_task
from fusebench.methods.kernels.gmkl_product import KernelGmklProduct
from fusebench.methods.kernels.gmkl_sum import KernelGmklSum
from fusebench.methods.kernels.simple import KernelSimple
from fusebench.methods.kernels.uniform import KernelUniform


def informative_and_noise(k, n=150, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    arrays = {"noise1": rng.normal(size=(n, 3)), "signal": rng.normal(size=(n, 3)), "noise2": rng.normal(size=(n, 5))}
    arrays["signal"][:, 0] += 2.0 * (y == 1)
    arrays["signal"][:, 1] += 2.0 * (y == 2)
    return Samples.from_arrays(arrays), y


@pytest.mark.parametrize("k", [2, 3])
def test_noise_gets_less_weight_than_what_tells(learning_method, k):
    weights = [learning_method().fit(*informative_and_noise(k, seed=seed)).modality_weights_ for seed in range(2)]
    for found in weights:
        assert sum(found.values()) == pytest.approx(1.0)
        assert found["signal"] > 1.2 * max(found["noise1"], found["noise2"])


def test_each_class_can_have_a_mix_of_its_own(classwise_method):
    samples, y = informative_and_noise(3)
    method = classwise_method(classes="each").fit(samples, y)
    assert method.weights_.shape[0] == 3
    np.testing.assert_allclose(method.weights_.sum(axis=1), 1.0)
    assert method.modality_weights_["signal"] > 1.2 * method.modality_weights_["noise1"]
    assert (method.predict(samples) == y).mean() > 0.7


def accuracy(method, task):
    train, test = np.arange(200), np.arange(200, len(task.y))
    method.fit(task.samples[train], task.y[train])
    return (method.predict(task.samples[test]) == task.y[test]).mean()


def test_a_product_solves_xor_and_sums_of_one_kernel_a_modality_do_not():
    task = load_task("xor")
    assert accuracy(KernelGmklProduct(), task) > 0.9
    for method in (KernelGmklSum(kernels="rbf 1"), KernelSimple(kernels="rbf 1"), KernelUniform(kernels="rbf 1")):
        assert accuracy(method, task) < 0.65
