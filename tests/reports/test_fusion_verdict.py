"""Whether fusion helps, and who errs on which rows: planted answers are told, and nothing beyond the evidence."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.fusion.errors import errors
from fusebench.reports.fusion.gains import fusion_gains, verdict
from fusebench.reports.fusion.verdict import fusion_part
from fusebench.reports.results import MethodInfo, Results, TaskInfo
from fusebench.reports.statistics.intervals import Estimate, corrected_t
from fusebench.reports.tables import PRIMARY

N, FOLDS = 120, 6
INFOS = {
    name: MethodInfo(name, name, "baseline", fusion)
    for name, fusion in (("one", "none"), ("both", "early"), ("worse", "late"), ("mine", "unknown"), ("guess", "none"))
}


@pytest.fixture
def made(kit):
    """Six folds of 20 rows: rows where i % 10 is under k are wrong, k by method (in the first fold one row more)."""

    def make(
        wrong: dict[str, int], bad_rows: tuple[int, ...] = (), subsets: dict[str, int] | None = None
    ) -> Evaluation:
        y = np.arange(N) % 2
        rows = []
        cells = [(m, k, ("a", "b")) for m, k in wrong.items()]
        cells += [("both", k, (name,)) for name, k in (subsets or {}).items()]
        for method, k, modalities in cells:
            for fold in range(FOLDS):
                test = np.arange(fold * 20, fold * 20 + 20)
                miss = (test // 2 % 10 < k) | np.isin(test, bad_rows) | ((fold == 0) & (test // 2 % 10 == k) & (k > 0))
                proba = np.eye(2)[np.where(miss, 1 - y[test], y[test])] * 0.8 + 0.1
                if method == "guess":
                    proba = np.full((20, 2), 0.5)
                own = {"task": "t", "method": method, "fold": fold, "modalities": modalities}
                size = {"n_train": 100, "n_test": 20, "full": len(modalities) == 2}
                rows.append(kit.outcome(**own, **size, rows=test, groups=test, y=y[test], proba=proba))
        info = TaskInfo(
            "t", "T", ("no", "yes"), (60, 60), N, N, (("a", "table", 2), ("b", "table", 2)), "folds",
            ids=tuple(f"id<{i}>" for i in range(N)),
        )  # fmt: skip
        return Evaluation(Results(kit.frame_of(rows), {"t": info}, {m: INFOS[m] for m in dict.fromkeys(wrong)}))

    return make


def test_gains_are_paired_and_told_by_their_interval(made):
    evaluation = made({"one": 3, "both": 1, "worse": 6, "mine": 0, "guess": 0}, subsets={"a": 4, "b": 2})
    task = evaluation.tasks["t"]
    found = fusion_gains(evaluation, task, PRIMARY)
    assert found is not None
    assert found.single == "one"  # not the guess, which uses no modality
    assert [gain.method for gain in found.gains] == ["both", "worse"]  # not the one whose fusion is unknown
    both, worse = found.gains
    # Each fold but the first misses 10 % for every unit of k, in the first one unit more on both sides.
    np.testing.assert_allclose(both.over_single.value, 0.2)
    np.testing.assert_allclose(worse.over_single.value, -0.3)
    assert (both.verdict, worse.verdict) == ("gains", "loses")
    assert both.modality == "b"
    np.testing.assert_allclose(both.over_self.value, 0.1)
    assert worse.over_self.known is False


def test_losses_are_turned_so_that_above_zero_is_better(made):
    evaluation = made({"one": 3, "both": 1, "worse": 6})
    task = evaluation.tasks["t"]
    found = fusion_gains(evaluation, task, "log_loss")
    assert found is not None
    scores = task.score("log_loss")
    gaps = scores.values[scores.methods.index("one")] - scores.values[scores.methods.index("both")]
    expected = corrected_t(gaps, 20 / 100)
    gain = next(g for g in found.gains if g.method == "both")
    np.testing.assert_allclose(
        [gain.over_single.value, gain.over_single.low, gain.over_single.high],
        [expected.value, expected.low, expected.high],
    )
    assert gain.verdict == "gains"


@pytest.mark.parametrize(
    ("estimate", "word"),
    [
        (Estimate(0.1, 0.05, 0.15), "gains"),
        (Estimate(-0.1, -0.15, -0.05), "loses"),
        (Estimate(0.1, -0.1, 0.3), "not told apart"),
        (Estimate(0.1), "unknown"),
    ],
)
def test_verdicts(estimate, word):
    assert verdict(estimate) == word


@pytest.mark.parametrize("wrong", [{"one": 3}, {"both": 1}, {"guess": 0, "both": 1}])
def test_without_two_sides_there_is_no_verdict(made, wrong):
    evaluation = made(wrong)
    assert fusion_gains(evaluation, evaluation.tasks["t"], PRIMARY) is None


def test_errors_by_row_and_method(made):
    evaluation = made({"one": 2, "both": 1, "worse": 4}, bad_rows=(7, 59))
    found = errors(evaluation.tasks["t"], ["one", "both", "worse"])
    assert found is not None
    assert found.wrong.shape == (3, N)
    row = np.arange(N) // 2 % 10
    expected = {7, 59} | {i for i in range(N) if row[i] < 1 or (i < 20 and row[i] < 2)}
    assert set(found.rows[found.missed_by_all]) == expected
    np.testing.assert_array_equal(found.mistaken[[7, 59]], [0, 0])
    assert found.share[7] == 1.0
    np.testing.assert_allclose(found.best_alone(), found.wrong[1].mean())


def test_the_section_names_the_rows_that_nobody_gets_right(made):
    evaluation = made({"one": 0, "both": 0, "worse": 0}, bad_rows=(7, 59))
    (part,) = fusion_part(evaluation, evaluation.tasks["t"], PRIMARY)
    assert "2 of 120 rows are missed by all" in part.paragraphs[-1]
    hard = part.tables[-1]
    assert [row.title for row in hard.rows] == ["id<7>", "id<59>"]
    assert hard.cell("id<7>", "mistaken_for").text == "no"
    assert "id&lt;7&gt;" in hard.to_html()
    picture = part.pictures[-1]
    assert list(picture.frame()["id"]) == ["id<7>", "id<59>"]
    assert picture.plot().axes[0].images[0].get_array().shape == (3, 2)
    assert part.findings[0].text.startswith("2 of 120 rows are missed by all of the best 3 methods")


def test_perfect_methods_leave_no_map(made):
    evaluation = made({"one": 0, "both": 0})
    (part,) = fusion_part(evaluation, evaluation.tasks["t"], PRIMARY)
    assert [table.name for table in part.tables] == ["t-gains"]
    assert not part.findings


def test_refits_on_one_test_set_are_no_evidence_on_other_rows(kit):
    """A method that gives the same predictions at each refit must not seem certain."""
    results = kit.synthetic()
    evaluation = Evaluation(results)
    task = evaluation.tasks["heart-official"]
    found = fusion_gains(evaluation, task, PRIMARY)
    assert found is not None
    assert any(gain.over_self.known for gain in found.gains)
    assert not any(gain.over_self.bounded for gain in found.gains)
