"""What holds for every test."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def forget_plugins():
    """Every test starts with registries that know only what is installed, and leaves none of its plugins behind."""
    from fusebench.datasets import registry as tasks
    from fusebench.methods import registry as methods

    methods.method_registry.cache_clear()
    tasks.task_registry.cache_clear()
    methods._imports.cache_clear()
    yield
    methods.method_registry.cache_clear()
    tasks.task_registry.cache_clear()
    methods._imports.cache_clear()
    for name in [m for m in sys.modules if m.startswith("fusebench_plugin_")]:
        del sys.modules[name]
