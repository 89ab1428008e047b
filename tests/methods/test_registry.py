"""The hash under which results are stored follows a method's code, and that of the methods it builds on."""

from __future__ import annotations

import pytest

from fusebench.methods import method_registry
from fusebench.methods.registry import source_hash

BASE = """
from fusebench.methods import Method, MethodCard


class Mine(Method):
    card = MethodCard(name="{name}", family="other", fusion="early", inferred="-", bases={bases})
"""


@pytest.fixture
def add(tmp_path):
    """Writes a method with bases to a file of its own and makes it known; gives the file."""

    def write(name, *bases):
        path = tmp_path / f"{name}.py"
        path.write_text(BASE.format(name=name, bases=bases))
        method_registry().add_file(path)
        return path

    return write


def hashed(name, **params):
    return source_hash(method_registry().get(name), params)


@pytest.mark.parametrize(
    "params",
    [
        {"base": "mine"},
        {"bases": {"m1": "mine", "m2": "concat-svm"}},
        {"base": "late-max", "base_params": {"late-max": {"bases": {"m1": "mine"}}}},
    ],
)
def test_a_change_of_a_chosen_base_changes_the_hash_of_those_that_build_on_it_alone(params, add):
    path = add("mine")
    before, plain, other = hashed("late-mean", **params), hashed("late-mean"), hashed("concat-svm", **params)
    assert before != plain
    path.write_text(path.read_text() + "# changed\n")
    assert hashed("late-mean", **params) != before
    assert hashed("late-mean") == plain
    assert hashed("concat-svm", **params) == other


def test_bases_of_bases_count_and_may_go_in_circles(add):
    add("outer", "middle")
    add("middle", "inner", "outer")
    path = add("inner")
    before = hashed("outer")
    path.write_text(path.read_text() + "# changed\n")
    assert hashed("outer") != before


def test_a_base_that_does_not_exist_is_left_to_its_job(add):
    add("lonely", "nowhere")
    assert hashed("lonely") == hashed("lonely", base="no-such-method")
