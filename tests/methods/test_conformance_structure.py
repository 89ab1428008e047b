"""The conformance check of a learnt graph: it passes a sound one and says what is wrong with the others."""

from __future__ import annotations

from typing import Any

import pytest

from fusebench.methods.baselines.prior import Prior
from fusebench.methods.conformance import CheckResult, run_checks
from fusebench.methods.structure import Node, Structure

CLASS, FREE = Node("class", role="class"), Node("shared", role="latent")


def checked(structure: Any) -> CheckResult:
    """What the check says of a method that carries the structure, given the toy's modality names or a function of."""

    class WithGraph(Prior):
        card = Prior.card

        def fit(self, samples, y):
            super().fit(samples, y)
            self.structure_ = structure(samples.names) if callable(structure) else structure
            return self

    (result,) = run_checks(WithGraph, only=["check_tells"])
    return result


def chain(names: tuple[str, ...]) -> tuple[Node, ...]:
    return (CLASS, Node("x", names[0]), Node("y", names[-1]), FREE)


@pytest.mark.parametrize("directed", [True, False])
def test_a_sound_graph_passes(directed: bool) -> None:
    edges = (("class", "x"), ("class", "y"), ("x", "y"), ("shared", "x"))
    assert checked(lambda names: Structure(chain(names), edges, directed)).outcome == "passed"


@pytest.mark.parametrize(
    ("structure", "told"),
    [
        ({"nodes": []}, "must be a Structure, got dict"),
        (Structure((CLASS, Node("x", "mri")), ()), "mri"),
        (lambda names: Structure(chain(names)[1:], ()), "has 0"),
        (lambda names: Structure((*chain(names), Node("grade", role="class")), ()), "has 2"),
        (lambda names: Structure(chain(names), (("x", "y"), ("y", "class"), ("class", "x"))), "cycle"),
        (lambda names: Structure(chain(names), (("x", "y"), ("y", "x")), directed=False), "twice"),
        (lambda names: Structure(chain(names), (("x", "x"),)), "to itself"),
    ],
)
def test_a_broken_graph_fails(structure: Any, told: str) -> None:
    result = checked(structure)
    assert result.outcome == "failed"
    assert told in result.detail


def test_without_direction_a_ring_is_fine() -> None:
    ring = (("x", "y"), ("y", "class"), ("class", "x"))
    assert checked(lambda names: Structure(chain(names), ring, directed=False)).outcome == "passed"
