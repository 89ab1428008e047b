"""Every method of the family, and kernels of which it is known how much they tell."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.methods.kernels.machine import KernelSVM
from fusebench.methods.registry import method_registry, missing_packages

FAMILY = {
    "kernel_method": lambda cls: True,
    "svm_method": lambda cls: issubclass(cls, KernelSVM),
    "learning_method": lambda cls: cls.card.name != "kernel-uniform",
    "classwise_method": lambda cls: "classes" in cls._get_param_names(),
}


def pytest_generate_tests(metafunc):
    """A test that asks for ``kernel_method`` is run for every class of the family; the others narrow it down."""
    for name in FAMILY.keys() & set(metafunc.fixturenames):
        registry = method_registry()
        found = [registry.get(method) for method in registry.names()]
        family = [one.load() for one in found if one.card.family == "kernel" and not missing_packages(one.card)]
        chosen = [cls for cls in family if FAMILY[name](cls)]
        metafunc.parametrize(name, chosen, ids=[cls.card.name for cls in chosen])


@pytest.fixture(scope="session")
def graded():
    """Centred Gaussian kernels (p, n, n) of unit variance, each telling more than the one before; codes of k classes.

    The first is of pure noise.
    """

    def make(seed=0, n=60, p=4, k=2):
        rng = np.random.default_rng(seed)
        codes = np.arange(n) % k
        H = np.eye(n) - 1 / n
        stack = np.empty((p, n, n))
        for m in range(p):
            X = rng.normal(size=(n, 2)) + 1.5 * m / p * codes[:, None]
            K = H @ np.exp(-0.3 * ((X[:, None] - X) ** 2).sum(axis=2)) @ H
            stack[m] = K / np.trace(K) * n
        return stack, codes

    return make
