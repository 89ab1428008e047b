"""Every method of the house keeps the promises of the conformance suite."""

import pytest

from fusebench.methods.conformance import run_checks
from fusebench.methods.registry import method_registry, missing_packages

SLOW_FAMILIES = {"neural", "cnn", "vit", "gnn"}


def cases():
    registry = method_registry()
    for name in registry.names():
        heavy = registry.get(name).card.family in SLOW_FAMILIES
        yield pytest.param(name, id=name, marks=[pytest.mark.slow] if heavy else [])


@pytest.mark.parametrize("name", list(cases()))
def test_method_conforms(name):
    found = method_registry().get(name)
    if missing := missing_packages(found.card):
        pytest.skip(f"{name} needs {', '.join(missing)}")
    cls = found.load()
    assert cls.card == found.card
    results = run_checks(cls)
    failures = [f"{r.name}: {r.detail}" for r in results if r.outcome == "failed"]
    assert not failures, "\n".join(failures)
    assert any(r.outcome == "passed" for r in results)


def test_no_method_of_the_house_is_broken():
    assert not {name: found.broken for name, found in method_registry().broken().items()}
