"""A plugin author's way: a new file, checked, listed, run; and what is said when something is wrong."""

import json
import sys

import pytest
from click.testing import CliRunner

from fusebench.benchmarks.cli import group
from fusebench.datasets.errors import DataError, UnknownNameError
from fusebench.methods.conformance import CHECKS
from fusebench.methods.registry import method_registry


@pytest.fixture(autouse=True)
def fresh_registry():
    yield
    method_registry.cache_clear()
    for name in [name for name in sys.modules if name.startswith("fusebench_plugin_")]:
        del sys.modules[name]


def call(*arguments):
    result = CliRunner().invoke(group, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_new_method_passes_the_checks(tmp_path):
    assert call("new", "method", "my-fusion", "--out", tmp_path / "plugins").exit_code == 0
    path = tmp_path / "plugins" / "my_fusion.py"
    code = [line for line in path.read_text().splitlines() if line.strip() and '"""' not in line]
    assert len(code) <= 25
    result = call("check", path)
    assert result.exit_code == 0, result.output
    assert "✗" not in result.output
    assert "0 failed" in result.output


@pytest.mark.parametrize("name", ["none", "method", "logistic-regression", "a.b-2"])
def test_awkward_names_give_files_that_work(tmp_path, name):
    call("new", "method", name, "--out", tmp_path)
    (path,) = tmp_path.glob("*.py")
    assert call("check", path, "--only", "check_card", "--only", "check_fit").exit_code == 0


@pytest.mark.parametrize("name", ["My-Method", "2fast", "a b", "../up", "", "prior", "trailing-"])
def test_impossible_names_are_refused(tmp_path, name):
    with pytest.raises(DataError, match=r"name|exists"):
        call("new", "method", name, "--out", tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.py").write_text("precious")
    with pytest.raises(DataError, match="exists already"):
        call("new", "method", "mine", "--out", tmp_path)
    assert (tmp_path / "mine.py").read_text() == "precious"


@pytest.fixture
def crooked(tmp_path):
    """A plugin whose probabilities do not sum to 1."""
    call("new", "method", "crooked", "--out", tmp_path)
    path = tmp_path / "crooked.py"
    path.write_text(
        path.read_text().replace("return self.model_.predict_proba(", "return 0.5 * self.model_.predict_proba(")
    )
    return path


def test_a_failed_check_is_shown_and_ends_with_1(crooked):
    result = call("check", crooked)
    assert result.exit_code == 1
    assert "✗ check_proba: predict_proba: rows do not sum to 1" in result.output
    assert "✓ check_constructor" in result.output
    assert "- check_search_space: nothing is tuned" in result.output


def test_checks_as_json(crooked):
    result = call("check", crooked, "--json", "--quick")
    assert result.exit_code == 1
    by_name = {r["name"]: r for r in json.loads(result.output)}
    assert set(by_name) == {check.__name__ for check in CHECKS}
    assert by_name["check_proba"]["outcome"] == "failed"
    assert by_name["check_proba"]["method"] == "crooked"


def test_a_method_of_the_house_by_name():
    result = call("check", "prior", "--quick")
    assert result.exit_code == 0, result.output


def test_unknown_methods_and_checks_get_a_suggestion():
    with pytest.raises(UnknownNameError, match="concat-logistic"):
        call("check", "concat-logistics")
    with pytest.raises(UnknownNameError, match="check_pickle"):
        call("check", "prior", "--only", "check_pickles")


CARD = "class A:\n    card = MethodCard(name={name!r}, family='other', fusion='none'{more})\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "holds no `card = MethodCard"),
        ("def broken(:\n", "cannot be read"),
        ("import no_such_module\n" + CARD.format(name="a", more=""), "no_such_module"),
        (CARD.format(name="A b", more=""), "lower-case"),
        ("from fusebench.methods import MethodCard\n" + CARD.format(name="a", more=""), "no subclass of Method"),
        (CARD.format(name="a", more=", requires=('nowhere',)"), "'a' needs nowhere; install with: pip install nowhere"),
        (CARD.format(name="prior", more=""), "two methods are called 'prior'"),
    ],
)
def test_files_that_cannot_be_checked_say_why(tmp_path, text, told):
    path = tmp_path / "odd.py"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        call("check", path)
    assert told in str(error.value)
