"""Suites and units: what a user writes is understood or refused with the place and the cure."""

from __future__ import annotations

import pytest

from fusebench.benchmarks.plan import make_plan, modality_subsets
from fusebench.benchmarks.runner import choose
from fusebench.benchmarks.suite import load_suite, suite_names
from fusebench.benchmarks.units import human_seconds, seconds, size_in_bytes
from fusebench.datasets import DataError, UnknownNameError


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("2m", 120), ("1.5h", 5400), (7, 7)])
def test_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("500M", 500 * 2**20), ("4G", 2**32), ("4GiB", 2**32), ("1", 2**30)])
def test_sizes(text, value):
    assert size_in_bytes(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1s", "0", "5 parsecs", "1e3"])
def test_nonsense_is_refused(text):
    for parse in (seconds, size_in_bytes):
        with pytest.raises(DataError, match="is not"):
            parse(text)


def test_human_seconds():
    assert [human_seconds(s) for s in (5.4, 61, 3720)] == ["5 s", "1 min 01 s", "1 h 02 min"]


def test_the_suites_that_come_along_are_whole():
    assert {"smoke", "survey", "full"} <= set(suite_names())
    for name in suite_names():
        suite = load_suite(name)
        assert suite.title
        assert suite.description
        assert suite.tasks


def test_unknown_suite_suggests():
    with pytest.raises(UnknownNameError, match="did you mean 'smoke'"):
        load_suite("smok")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fold = 3", r"unknown key 'fold'; did you mean 'folds'"),
        ("folds = 1", "folds = 1"),
        ("trials = true", "trials = True"),
        ("folds = 'x'", "folds = 'x'"),
        ("folds =", "not valid TOML"),
        ('time_limit = "soon"', "not a duration"),
        ("tasks = [3]", "every entry of tasks is a name"),
        ('tasks = "xor"', "must be a list"),
        ('[[tasks]]\nname = "xor"\noption = {}', "unknown key 'option' in tasks 'xor'; did you mean 'options'"),
    ],
)
def test_errors_name_file_and_cure(write, text, message):
    path = write("bad.toml", text)
    with pytest.raises(DataError, match=message) as caught:
        load_suite(str(path))
    assert "bad.toml" in str(caught.value) or "duration" in message


def test_missing_suite_file():
    with pytest.raises(DataError, match="no such file"):
        load_suite("nowhere.toml")


def test_subsets():
    assert modality_subsets("ab") == [("a",), ("b",)]
    assert len(modality_subsets("abcd")) == 14
    assert len(modality_subsets("abcde")) == 10


def test_unknown_names_are_found_before_anything_runs(small_task):
    suite = choose("smoke", tasks=["xor"], methods=["priro"])
    with pytest.raises(UnknownNameError, match="did you mean 'prior'"):
        make_plan(suite)
    with pytest.raises(UnknownNameError, match="did you mean 'xor'"):
        make_plan(choose("smoke", tasks=["xorr"], methods=["prior"]))
    with pytest.raises(DataError, match="fewer than the 500 folds"):
        make_plan(choose("smoke", tasks=["xor"], methods=["prior"], folds=500))


def test_a_variant_has_its_own_label_and_settings(write, small_task):
    text = 'methods = ["prior", {name = "concat-logistic", params = {C = 3.0}}]\ntasks = ["xor"]\nfolds = 2'
    plan = make_plan(load_suite(str(write("v.toml", text))))
    assert {job.label for job in plan.jobs} == {"prior", "concat-logistic(C=3.0)"}
    assert {job.params for job in plan.jobs} == {"{}", '{"C":3.0}'}


def test_first_folds_come_first(write):
    plan = make_plan(
        load_suite(str(write("v.toml", 'methods = ["prior"]\ntasks = ["xor", "breast-cancer"]\nfolds = 2')))
    )
    assert [(job.task, job.fold) for job in plan.jobs] == [
        ("xor", 0), ("breast-cancer", 0), ("xor", 1), ("breast-cancer", 1),
    ]  # fmt: skip


def test_plugins_clash_or_hold_nothing(write, make_plugin):
    with pytest.raises(DataError, match="two methods are called 'prior'"):
        choose("smoke", plugins=[str(write("p.py", make_plugin("prior")))])
    with pytest.raises(DataError, match="holds no `card"):
        choose("smoke", plugins=[str(write("empty.py", "x = 1"))])
    with pytest.raises(DataError, match="cannot be read"):
        choose("smoke", plugins=[str(write("broken.py", "def f(:"))])
    with pytest.raises(DataError, match="no such file"):
        choose("smoke", plugins=["nowhere.py"])


def test_folds_that_are_asked_for_win_over_every_file(write):
    text = 'methods = ["prior"]\nfolds = 4\n[[tasks]]\nname = "xor"\nfolds = 3\n[[tasks]]\nname = "add"'
    path = str(write("v.toml", text))

    def folds(**changes: int) -> dict[str, int]:
        return {planned.task.name: planned.folds for planned in make_plan(choose(path, **changes)).tasks}

    assert folds() == {"xor": 3, "add": 4}
    assert folds(folds=2) == {"xor": 2, "add": 2}
    assert len(make_plan(choose(path, folds=2, repeats=3)).jobs) == 12


def test_plugins_join_in_unless_it_is_said_what_to_run(write, make_plugin, small_task):
    plugins = [small_task, str(write("mine.py", make_plugin("mine")))]
    suite = str(write("v.toml", 'methods = ["prior"]\ntasks = ["xor"]'))

    def chosen(**only: list[str]) -> tuple[list[str], list[str]]:
        found = choose(suite, plugins=plugins, **only)
        return [spec.name for spec in found.tasks], [spec.name for spec in found.methods]

    assert chosen() == (["xor", "small"], ["prior", "mine"])
    assert chosen(tasks=["small"]) == (["small"], ["prior", "mine"])
    assert chosen(methods=["mine"]) == (["xor", "small"], ["mine"])
    assert [planned.task.name for planned in make_plan(choose(suite, plugins=plugins, tasks=["small"])).tasks] == [
        "small"
    ]
