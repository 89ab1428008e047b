"""Every check speaks where its fault was planted, and is silent otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fusebench.reports.checks.registry import CHECKS, run_checks
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.options import Options
from fusebench.reports.results import MethodInfo, Results, TaskInfo

N, FOLDS = 200, 5
METHODS = {
    "single": MethodInfo("single", "single", "baseline", "none", "floor"),
    "fused": MethodInfo("fused", "fused", "kernel", "early"),
    "other": MethodInfo("other", "other", "neural", "late"),
}


@pytest.fixture
def made(kit):
    """Three methods on 200 rows; ``right``: by method and fold the share of right answers; more goes into outcomes."""

    def make(right=None, task_changes=None, **more) -> Evaluation:
        right = {"single": 0.8, "fused": 0.8, "other": 0.8} | (right or {})
        y = np.arange(N) % 2
        rows = []
        for method, share in right.items():
            shares = np.broadcast_to(share, FOLDS)
            for fold in range(FOLDS):
                test = np.arange(fold * 40, fold * 40 + 40)
                good = (np.arange(40) // 2 * 7) % 20 < round(20 * shares[fold])
                proba = np.eye(2)[np.where(good, y[test], 1 - y[test])] * 0.6 + 0.2
                own = kit.outcome(
                    task="t", method=method, fold=fold, n_train=160, n_test=40, rows=test, groups=test, y=y[test],
                    proba=proba, val_y=y[:160], val_proba=np.tile([0.4, 0.6], (160, 1)),
                )  # fmt: skip
                rows.append(own | (more if method == "fused" else {}))
        modalities = (("a", "table", 2), ("b", "table", 2))
        info = TaskInfo("t", "T", ("no", "yes"), (100, 100), N, N, modalities, "5 folds")
        info = replace(info, **(task_changes or {}))
        return Evaluation(Results(kit.frame_of(rows), {"t": info}, METHODS))

    return make


def remarks(evaluation, code):
    return [(r.task, r.method) for c in run_checks(evaluation) if c.check.code == code for r in c.remarks]


def test_worse_than_the_best_single_modality(made):
    assert remarks(made({"fused": 0.5}), "FB17") == [("t", "fused")]
    assert remarks(made(), "FB17") == []


def test_one_modality_carries_it_all(made):
    def explained(phi):
        shapley = np.tile(phi, (30, 1))
        return {
            "rows": np.arange(30), "modalities": ("a", "b"), "shapley": shapley, "nothing": np.full(30, 0.5),
            "reasons": (), "attributions": {},
        }  # fmt: skip

    assert remarks(made(explanation=explained([0.3, 0.01])), "FB18") == [("t", "fused")]
    assert remarks(made(explanation=explained([0.2, 0.1])), "FB18") == []
    assert remarks(made(explanation=explained([0.01, 0.0])), "FB18") == []  # nothing to carry


def test_splits_disagree(made):
    assert remarks(made({"fused": [0.95, 0.95, 0.95, 0.95, 0.4]}), "FB19") == [("t", "fused")]
    assert remarks(made({"fused": [0.8, 0.75, 0.85, 0.8, 0.8]}), "FB19") == []


def test_a_confound_predicts_the_label(made):
    y = np.arange(N) % 2
    tied = np.where(np.arange(N) % 5 == 0, 1 - y, y).astype(np.int16)
    free = (np.arange(N) // 2 % 2).astype(np.int16)

    def grouped(codes, shown=True):
        return made(task_changes={"subgroups": (("site", ("north", "south"), codes, shown),)})

    assert remarks(grouped(tied), "FB20") == [("t", "")]
    assert remarks(grouped(free), "FB20") == []
    assert remarks(grouped(tied, shown=False), "FB20") == []  # a feature may predict the label


def test_too_few_rows_for_the_claim(made):
    noisy = made({"fused": [0.5, 0.9, 0.6, 0.95, 0.7], "other": [0.9, 0.5, 0.9, 0.5, 0.7]})
    assert remarks(noisy, "FB21") == [("t", "")]
    even = made({"single": 0.9, "fused": [0.8, 0.8, 0.8, 0.8, 0.85], "other": [0.8, 0.85, 0.8, 0.8, 0.8]})
    assert remarks(even, "FB21") == []


def test_methods_without_a_rank(results):
    told = next(c.remarks for c in run_checks(Evaluation(results)) if c.check.code == "FB22")
    assert "small-vit" in told[0].text
    assert "naive-bayes" not in told[0].text


def fitted(share):
    """Training rows of which this share is told rightly."""
    y = np.arange(100) % 2
    good = np.arange(100) < round(100 * share)
    return {"train_y": y, "train_proba": np.eye(2)[np.where(good, y, 1 - y)]}


def test_train_test_gap(made):
    scattered = [0.8, 0.75, 0.85, 0.8, 0.8]
    assert remarks(made({"fused": scattered}, **fitted(1.0)), "FB23") == [("t", "fused")]
    assert remarks(made({"fused": scattered}, **fitted(0.82)), "FB23") == []  # honest
    assert remarks(made({"fused": [0.95, 0.6, 0.9, 0.55, 0.95]}, **fitted(0.95)), "FB23") == []  # may be chance
    assert remarks(made({"fused": scattered}), "FB23") == []  # no training rows were kept


def test_train_test_gap_on_one_test_set(made):
    def first_fold(evaluation):
        frame = evaluation.results.outcomes
        return replace(evaluation, results=replace(evaluation.results, outcomes=frame[frame["fold"] == 0]))

    assert remarks(first_fold(made({"fused": 0.6}, **fitted(1.0))), "FB23") == [("t", "fused")]
    assert remarks(first_fold(made({"fused": 0.9}, **fitted(1.0))), "FB23") == []


def test_silenced_checks_are_not_run(made):
    evaluation = made()
    quiet = replace(evaluation, options=Options(silenced=frozenset({"FB17", "FB05"})))
    assert {c.check.code for c in run_checks(evaluation)} - {c.check.code for c in run_checks(quiet)} == {
        "FB17",
        "FB05",
    }


def test_every_check_is_documented_as_it_speaks():
    page = (Path(__file__).parents[2] / "docs/checks.md").read_text(encoding="utf-8")
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.why
        mark = "●" if check.severity == "issue" else "○"
        assert f"| {check.code} {mark} | {check.title} | {check.why} |" in page
