"""Every method in the house on tasks whose answer is known: planted evidence, planted interaction, no signal at all."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fusebench.benchmarks import MethodSpec, Suite, TaskSpec, read_records, run
from fusebench.datasets import load_task
from fusebench.methods.registry import method_registry, missing_packages

pytestmark = pytest.mark.slow

ADD = {"n": 4000}
SOLVE_XOR = (
    "concat-svm",
    "kernel-gmkl-product",
    "kernel-localised",
    "late-hybrid",
    "neural-cross-attention",
    "neural-hybrid",
    "neural-lowrank",
    "neural-tensor",
)
CHANCE_ON_XOR = (
    "prior",
    "best-single",
    "concat-logistic",
    "kernel-easy",
    "kernel-gmkl-sum",
    "kernel-simple",
    "kernel-uniform",
    "late-boosting",
    "late-max",
    "late-mean",
    "late-product",
    "late-stacking",
    "late-weighted",
    "naive-bayes",
    "neural-decision",
    "neural-late-mean",
)


def methods() -> list[str]:
    """Methods whose packages are installed."""
    registry = method_registry()
    return [name for name in registry.names() if not missing_packages(registry.get(name).card)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("known")
    permuted = folder / "permuted.py"
    permuted.write_text(
        dedent("""
        from dataclasses import replace
        from fusebench.datasets import TaskCard, load_task

        card = TaskCard(name="permuted", title="Breast cancer with shuffled labels")

        def load():
            return replace(load_task("breast-cancer").permuted(seed=7), card=card)
        """)
    )
    suite = Suite(
        "known",
        tasks=(TaskSpec("add", ADD, folds=2), TaskSpec("xor", {"n": 1000}, folds=3)),
        methods=tuple(MethodSpec(name) for name in methods()),
        folds=3,
        inner_folds=2,
        time_limit=900.0,
    )
    with run(suite, out=folder / "out", plugins=[str(permuted)]) as store:
        frame = read_records(store)["outcomes"]
    pairs = zip(frame.proba, frame.y, strict=True)
    frame["accuracy"] = [np.nan if p is None else (p.argmax(axis=1) == y).mean() for p, y in pairs]
    return frame


def mean_accuracy(outcomes: pd.DataFrame, task: str) -> pd.Series:
    return outcomes[outcomes.task == task].groupby("method")["accuracy"].mean()


def test_every_job_ends_well_or_says_why_it_does_not_suit(outcomes):
    bad = outcomes[~outcomes.status.isin(["ok", "skipped"])]
    assert bad.empty, bad[["task", "method", "status", "reason"]].to_string()


@cache
def bayes(task: str, n: int) -> float:
    return load_task(task, n=n).bayes["accuracy"]


def test_on_add_the_best_reach_the_bayes_accuracy_and_none_exceeds_it(outcomes):
    accuracy = mean_accuracy(outcomes, "add").dropna()  # not those that the task does not suit
    best = bayes("add", 4000)
    margin = 3 * np.sqrt(best * (1 - best) / ADD["n"])
    assert accuracy.max() > best - 0.01
    assert accuracy["concat-logistic"] > best - 0.01
    assert accuracy.max() < best + margin
    assert (accuracy.drop(["prior", "best-single"]) > best - 0.05).all(), accuracy.to_string()


@pytest.mark.parametrize("method", SOLVE_XOR)
def test_on_xor_interactions_are_found(outcomes, method):
    if method not in methods():
        pytest.skip("not installed")
    assert mean_accuracy(outcomes, "xor")[method] > bayes("xor", 1000) - 0.05


@pytest.mark.parametrize("method", CHANCE_ON_XOR)
def test_on_xor_what_cannot_interact_stays_at_chance(outcomes, method):
    if method not in methods():
        pytest.skip("not installed")
    assert abs(mean_accuracy(outcomes, "xor")[method] - 0.5) < 4 * np.sqrt(0.25 / 1000)


def test_with_permuted_labels_every_method_is_at_chance(outcomes):
    for method, rows in outcomes[(outcomes.task == "permuted") & (outcomes.status == "ok")].groupby("method"):
        y = np.concatenate(list(rows.y))
        auc = np.mean([roc_auc_score(t, p[:, 1]) for t, p in zip(rows.y, rows.proba, strict=True)])
        spread = np.sqrt((1 / (y == 0).sum() + 1 / (y == 1).sum()) / 12)
        assert abs(auc - 0.5) < 4 * spread, (method, auc)


def test_store_and_frame_hold_every_row_once(outcomes):
    for _, rows in outcomes[(outcomes.task == "xor") & (outcomes.status == "ok")].groupby("method"):
        assert sorted(np.concatenate(list(rows.rows))) == list(range(1000))


def test_the_house_has_methods_of_every_family_asked_for():
    registry = method_registry()
    families = {registry.get(name).card.family for name in registry.names()}
    assert {"baseline", "kernel", "graphical", "boosting", "ensemble", "neural"} <= families
    assert not registry.broken()
    assert all(Path(registry.get(name).path).exists() for name in registry.names())


def test_every_method_gives_the_same_bits_with_one_worker_and_with_two(tmp_path):
    suite = Suite(
        "bits",
        tasks=(TaskSpec("add", {"n": 120}),),
        methods=tuple(MethodSpec(name) for name in methods()),
        folds=2,
        inner_folds=2,
    )
    frames = []
    for jobs in (1, 2):
        with run(suite, out=tmp_path / str(jobs), jobs=jobs) as store:
            frames.append(read_records(store)["outcomes"].set_index("key"))
    one, two = frames
    assert set(one.index) == set(two.index)
    for key, row in one.iterrows():
        other = two.loc[key]
        assert (row.status, row.params, row.seed) == (other.status, other.params, other.seed)
        np.testing.assert_array_equal(row.proba, other.proba, err_msg=row.method)
        np.testing.assert_array_equal(row.val_proba, other.val_proba, err_msg=row.method)
