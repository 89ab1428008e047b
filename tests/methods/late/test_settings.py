"""Ensembles over base learners that a user names: in Python, in a suite file, and wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.benchmarks import Status, load_suite, run
from fusebench.datasets import load_task
from fusebench.datasets.errors import DataError, UnknownNameError
from fusebench.datasets.samples import Modality, Samples
from fusebench.datasets.task import Task, TaskCard
from fusebench.methods import method_registry

ABSENT = '''
from fusebench.methods import Method, MethodCard


class Absent(Method):
    """Needs a package that nobody has."""

    card = MethodCard(name="absent", family="other", fusion="early", inferred="-", requires=("no_such_package",))
'''
SUITE = """
folds = 2
trials = 1
inner_folds = 2

[[tasks]]
name = "add"
options = { n = 120 }

[[methods]]
name = "late-product"
label = "kernel and forest"

[methods.params]
bases = { m1 = "kernel-uniform", m2 = "concat-forest" }
base_params = { concat-forest = { trees = 20 }, m3 = { C = 1.0 } }

[[methods]]
name = "late-mean"
label = "misspelt"
params = { bases = { m1 = "kernel-unifrom" } }
"""


@pytest.fixture(scope="module")
def add():
    return load_task("add", n=120)


@pytest.fixture
def absent(tmp_path):
    """The name of a base learner that is not installed."""
    (tmp_path / "absent.py").write_text(ABSENT)
    method_registry().add_file(tmp_path / "absent.py")
    return "absent"


def kinds_of(model):
    return {name: type(expert.model_).__name__ for name, expert in model.experts_.items()}


def test_every_modality_may_have_a_base_learner_of_its_own(add, make):
    model = make("late-mean", bases={"m1": "kernel-uniform", "m3": "naive-bayes"}).fit(add.samples, add.y)
    assert kinds_of(model) == {"m1": "KernelUniform", "m2": "ConcatLogistic", "m3": "NaiveBayes"}


def test_settings_of_a_modality_win_over_those_of_a_method_and_both_over_the_common_penalty(add, make):
    params = {"concat-logistic": {"C": 2.0}, "m2": {"C": 3.0}}
    model = make("late-max", bases={"m3": "concat-svm"}, base_params=params, C=7.0).fit(add.samples, add.y)
    assert {name: expert.model_.C for name, expert in model.experts_.items()} == {"m1": 2.0, "m2": 3.0, "m3": 7.0}
    plain = make("late-max", base="naive-bayes", C=7.0).fit(add.samples, add.y)  # has no C, and is left alone
    assert kinds_of(plain)["m1"] == "NaiveBayes"


def test_an_ensemble_may_build_on_ensembles(add, make):
    params = {"late-bagging": {"base": "concat-svm", "bags": 3}}
    model = make("late-hybrid", early="late-stacking", bases={"m1": "late-bagging"}, base_params=params)
    inner = model.fit(add.samples, add.y).experts_
    assert kinds_of(inner["m1"].model_) == dict.fromkeys(("bag 0", "bag 1", "bag 2"), "ConcatSVM")
    assert set(inner["early"].model_.experts_) == {"m1", "m2", "m3"}


@pytest.mark.slow
def test_a_suite_file_names_base_learners(tmp_path):
    path = tmp_path / "late.toml"
    path.write_text(SUITE)
    assert load_suite(str(path)).methods[0].params["bases"]["m2"] == "concat-forest"
    with run(str(path), out=tmp_path / "out", jobs=1) as store:
        ends = {job.label: store.outcome(job.key) for _, job in store.planned()}
    assert ends["kernel and forest"].status is Status.OK, ends["kernel and forest"].reason
    assert ends["misspelt"].status is Status.FAILED
    assert "no method is called 'kernel-unifrom'; did you mean 'kernel-uniform'" in ends["misspelt"].reason


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base_params": {"m2": {"depth": 3}}}, "base learner 'concat-logistic' on m2 has no setting depth; it has C"),
        ({"bases": {"m2": "late-mean"}, "base_params": {"m2": {"base_params": {"m2": {"a": 1}}}}}, "no setting a"),
        ({"bases": {"m1": "grid-field"}}, "base learner 'grid-field' on m1: "),
    ],
)
def test_what_a_base_learner_cannot_take_is_told_with_its_place(settings, told, add, make):
    assert told in type(make("late-mean")).skip_with(add, settings)
    with pytest.raises(DataError, match=told.split("'")[0]):
        make("late-mean", **settings).fit(add.samples, add.y)


def test_a_base_learner_that_does_not_exist_is_an_error_that_names_close_ones(add, make):
    for settings in ({"base": "concat-logistik"}, {"bases": {"m2": "concat-logistik"}}):
        with pytest.raises(UnknownNameError, match="did you mean 'concat-logistic'"):
            make("late-stacking", **settings).fit(add.samples, add.y)
    with pytest.raises(UnknownNameError, match="'concat-svm'"):
        make("late-hybrid", early="concat-svn").fit(add.samples, add.y)


@pytest.mark.parametrize("settings", [{"base": "absent"}, {"C": 1.0, "bases": {"m2": "absent"}}])
def test_a_base_learner_that_is_not_installed_is_a_reason_with_its_cure(settings, absent, add, make):
    reason = type(make("late-mean")).skip_with(add, settings)
    assert "base learner 'absent' on m" in reason
    assert "needs no_such_package: pip install no_such_package" in reason
    outer = type(make("late-mean")).skip_with(add, {"base": "late-mean", "base_params": {"late-mean": settings}})
    assert reason in outer


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("late-bagging", {"base": "spy"}),
        ("late-mean", {"bases": {"m1": "spy"}}),
        ("late-hybrid", {"early": "spy"}),
        ("late-max", {"base": "late-mean", "base_params": {"late-mean": {"base": "spy"}}}),
    ],
)
def test_base_learners_are_warmed_up_untimed(name, settings, spy, make):
    type(make(name)).warm_up()
    assert not spy.warmed
    type(make(name)).warm_up_with(settings)
    assert len(spy.warmed) == 1


def test_it_takes_what_its_base_learners_take(make):
    words = Samples([Modality("note", "text", np.array(["a b", "c d"] * 10)), Modality("t", "table", np.ones((20, 1)))])
    task = Task(words, np.arange(20) % 2, ("a", "b"), TaskCard(name="x", title="x"))
    assert "base learner 'concat-logistic' on note: " in type(make("late-mean")).skip(task)
    assert type(make("late-mean")).skip_with(task, {"bases": {"note": "prior"}}) is None


def test_settings_for_modalities_that_are_not_here_are_noted(add, make):
    some = add.samples.select(["m1", "m2"])
    model = make("late-mean", bases={"m3": "concat-svm"}, base_params={"m4": {}, "concat-svm": {}}).fit(some, add.y)
    assert model.notes_ == ["settings for what is not here: m3, m4; modalities: m1, m2"]


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("late-mean", {"weights": {"m1": -1.0}}, "not negative"),
        ("late-weighted", {"tau": 0.0}, "tau above 0"),
        ("late-weighted", {"weighting": "best"}, "softmax or inverse"),
        ("late-hybrid", {"early_weight": 1.5}, "between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_refused(name, settings, told, add, make):
    with pytest.raises(DataError, match=told):
        make(name, **settings).fit(add.samples, add.y)
