"""Stores that say little: the report stands, claims nothing that they do not hold, and says what is missing."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusebench.reports.content import Content
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.results import Results
from fusebench.reports.table import half_width
from fusebench.reports.write import write_report

FEW = ("prior", "best-single", "concat-logistic", "alignf-svm", "hybrid")


def some(kit: SimpleNamespace, *names: str) -> tuple[Any, ...]:
    return tuple(method for method in kit.METHODS if method[0] in names)


def made(kit: SimpleNamespace, *names: str, tasks: int = 2, **spec: Any) -> Results:
    """Small results of some methods on one or two tasks of two classes."""
    few = tuple(replace(kit.TASKS[place], **{"folds": 3, "repeats": 1, "n": 90, **spec}) for place in (0, 2)[:tasks])
    return kit.synthetic(few, some(kit, *(names or FEW)))


def changed(results: Results, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Results:
    """The same results with some cells of each row replaced."""
    rows = [row | change(row) for row in results.outcomes.to_dict("records")]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in results.outcomes})
    return Results(frame.infer_objects(), results.tasks, results.methods, results.run)


def without_result(results: Results, status: str, phase: str, reason: str) -> Results:
    gone = {"status": status, "phase": phase, "reason": reason, "proba": None, "val_y": None, "val_proba": None}
    return changed(results, lambda row: {**gone, "fit_wall": np.nan})


def all_failed(kit: SimpleNamespace) -> Results:
    return without_result(made(kit), "failed", "fit", "ValueError: no memory of it")


def all_skipped(kit: SimpleNamespace) -> Results:
    return without_result(made(kit), "skipped", "skip", "takes images only")


def one_method(kit: SimpleNamespace) -> Results:
    return made(kit, "hybrid")


def one_task(kit: SimpleNamespace) -> Results:
    return made(kit, tasks=1)


def one_split(kit: SimpleNamespace) -> Results:
    return made(kit, tasks=1, official=True, folds=1)


def class_missing_in_a_fold(kit: SimpleNamespace) -> Results:
    """The first fold of each task tests rows of one class only."""
    return changed(made(kit), lambda row: cut(row, np.flatnonzero(row["y"])) if row["fold"] == 0 else {})


def class_missing_everywhere(kit: SimpleNamespace) -> Results:
    """The only test set holds one class."""
    return changed(one_split(kit), lambda row: cut(row, np.flatnonzero(row["y"])))


def all_right_but_the_guess(row: dict[str, Any]) -> dict[str, Any]:
    """One test row of either class, which every method but the prior gets right."""
    few = cut(row, np.array([int(np.flatnonzero(row["y"] == c)[0]) for c in (0, 1)]))
    return few if row["method"] == "prior" else few | {"proba": np.eye(2)[few["y"]] * 0.8 + 0.1}


def two_test_rows(kit: SimpleNamespace) -> Results:
    return changed(one_split(kit), all_right_but_the_guess)


def two_folds_of_two_rows(kit: SimpleNamespace) -> Results:
    """No spread between the folds: every difference is the same in both."""
    return changed(made(kit, folds=2), all_right_but_the_guess)


def constant_method(kit: SimpleNamespace) -> Results:
    return changed(made(kit), lambda row: flat(row) if row["method"] == "hybrid" else {})


def only_constant_methods(kit: SimpleNamespace) -> Results:
    return changed(made(kit), flat)


def cut(row: dict[str, Any], kept: np.ndarray) -> dict[str, Any]:
    """The same outcome with fewer test rows."""
    return {key: np.asarray(row[key])[kept] for key in ("rows", "groups", "y", "proba")} | {"n_test": len(kept)}


def flat(row: dict[str, Any]) -> dict[str, Any]:
    return {"proba": np.tile([0.3, 0.7], (len(row["y"]), 1))}


CHECKED = "2 splits: intervals are wide and rough"
# What each must say in words.
STORES: dict[Callable[[SimpleNamespace], Results], tuple[str, ...]] = {
    all_failed: ("0 of 102 jobs succeeded", "No method completed every split", "No method is complete on all 2 tasks"),
    all_skipped: ("(102 skipped)", "No method completed every split", "Skipped: takes images only"),
    one_method: ("Only one method is complete on all 2 tasks: there is no ranking", "alone completed every split"),
    one_task: ("One task only", "What is the same on all of so few has none"),
    one_split: ("on the one split", "One split: what another training would give, they do not tell", "one test set"),
    class_missing_in_a_fold: ("No test row is of class malignant (1 of 3 test sets): scores there speak",),
    class_missing_everywhere: ("No test row is of class malignant (1 of 1 test sets): scores there speak",),
    two_test_rows: ("1.000 without an interval", "the one test set holds 2 subjects, too few to be resampled"),
    two_folds_of_two_rows: ("1.000 without an interval", CHECKED),
    constant_method: ("the same probabilities: a guess",),
    only_constant_methods: ("It gives all test rows of a split the same probabilities: a guess",),
}
PRETENDED = {
    "a missing number": r"\b[Nn]a[Nn]\b",
    "an interval of no width": r"± ?0(\.0*)?(?![.\d])",
    "two equal ends": r"\[(-?[\d.]+), \1\]",
}


@pytest.fixture(scope="module", params=STORES, ids=lambda make: make.__name__)
def written(request: pytest.FixtureRequest, kit: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(request.param.__name__)
    write_report(request.param(kit), folder)
    return request.param, folder


def shown(folder: Path) -> dict[str, str]:
    """What a reader sees of each form: the page without scripts, styles, drawings and tags, plain punctuation."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    texts = {"html": html.unescape(re.sub(r"<[^>]+>", "", page))}
    for suffix in ("md", "tex"):
        plain = html.unescape((folder / f"report.{suffix}").read_text(encoding="utf-8"))
        texts[suffix] = plain.replace("\\", "").replace("$pm$", "±")
    return texts


def test_all_forms_are_written_and_none_pretends_to_know(written: Any) -> None:
    _, folder = written
    for form, text in shown(folder).items():
        assert len(text) > 1000
        for what, pattern in PRETENDED.items():
            found = re.search(pattern, text)
            assert found is None, f"{form}: {what} in {text[found.start() - 60 : found.end() + 20]!r}"


def test_what_is_missing_is_told_in_words(written: Any) -> None:
    make, folder = written
    for form, text in shown(folder).items():
        for words in STORES[make]:
            if form != "tex" or words != CHECKED:  # a paper has no list of checks
                assert words in " ".join(text.split()), f"{form}: {words}"


def test_no_claim_is_decided(written: Any) -> None:
    _, folder = written
    assert set(pd.read_csv(folder / "tables" / "claims.csv")["verdict"]) == {"undecided"}


def test_nothing_is_the_best_where_nothing_can_be(written: Any) -> None:
    make, folder = written
    marks: set[str] = set()
    for path in (folder / "tables").glob("*.csv"):
        frame = pd.read_csv(path, keep_default_na=False)
        marks |= {mark for column in frame if column.endswith("_mark") for mark in frame[column]}
    alone = (all_failed, all_skipped, two_test_rows)
    assert ("best" in marks) == (make not in alone)


def test_equal_folds_and_two_rows_tell_nothing_apart(kit: SimpleNamespace) -> None:
    for make in (two_test_rows, two_folds_of_two_rows):
        content = Content(Evaluation(make(kit)))
        for task in content.tasks:
            scores = task.evaluation.score("balanced_accuracy")
            assert not scores.estimate("hybrid").bounded
            assert scores.difference("hybrid", "prior").value == 0.5
            assert not scores.difference("hybrid", "prior").excludes(0.0)
            assert any(r.text.startswith("no difference to the best") for c in content.checked for r in c.remarks)
            assert not any("distinguishably worse" in finding.text for finding in task.findings)
            rows = [row for part in task.parts for table in part.tables for row in table.rows]
            assert not {cell.text for row in rows for cell in row.cells} & {"gains", "loses", "yes"}


def test_no_figure_over_tasks_is_drawn_of_nothing(kit: SimpleNamespace) -> None:
    assert Content(Evaluation(all_failed(kit))).pictures == ()
    assert [picture.name for picture in Content(Evaluation(one_method(kit))).pictures] == [
        "cost-survey",
        "calibration-survey",
    ]


def test_an_interval_narrower_than_the_decimals_says_so() -> None:
    assert half_width(0.0004, 0.9, "score") == "<0.001"
    assert half_width(0.0006, 0.9, "score") == "0.001"
    assert half_width(0.004, 3.8, "seconds") == "<0.01"
    assert half_width(0.04, 2.0, "rank") == "<0.1"
    assert half_width(0.3, 40.0, "count") == "<1"


def test_a_store_without_any_outcome_is_refused_in_words(tmp_path: Path) -> None:
    from fusebench.benchmarks.commands.report import evaluate
    from fusebench.benchmarks.store import ResultStore
    from fusebench.datasets.errors import DataError

    with ResultStore(tmp_path, write=True) as store, pytest.raises(DataError, match="no job has ended yet"):
        evaluate(store)
