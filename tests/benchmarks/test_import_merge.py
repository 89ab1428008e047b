"""Predictions of other programs, and results of several machines: checked, kept, and compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fusebench.benchmarks import ResultStore
from fusebench.benchmarks.cli import group
from fusebench.benchmarks.merging import merge_stores
from fusebench.benchmarks.outcome import Outcome, Status
from fusebench.benchmarks.records import read_records
from fusebench.datasets.errors import DataError, UnknownNameError
from fusebench.reports.changes import changes_part
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.results import Results

LABEL = "My <tool> & co"


def command(*arguments: str) -> str:
    """Run a command, let its errors out, and give what it said."""
    result = CliRunner().invoke(group, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)
    assert result.exception is None
    return result.output


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Two floor methods on a small task, run for real, with the predictions of one of them as a table."""
    folder = tmp_path_factory.mktemp("ran")
    suite = folder / "tiny.toml"
    suite.write_text('folds = 3\nmethods = ["prior", "concat-logistic"]\n[[tasks]]\nname = "breast-cancer"\n')
    command("run", suite, "--out", folder / "o", "--no-report", "--budget", 1)
    command("export", folder / "p.csv", "--out", folder / "o", "--method", "concat-logistic")
    return folder


@pytest.fixture
def store(ran, tmp_path):
    """A copy of the results, to write to."""
    target = tmp_path / "o"
    target.mkdir()
    (target / "results.sqlite").write_bytes((ran / "o/results.sqlite").read_bytes())
    return target


@pytest.fixture
def table(ran):
    """The predictions as another program would give them: no task, method or modalities."""
    return pd.read_csv(ran / "p.csv", dtype={"id": str}).drop(columns=["task", "method", "modalities"])


def bring(store, frame, tmp_path, *more):
    path = tmp_path / "mine.csv"
    frame.to_csv(path, index=False)
    return command("import", path, "--task", "breast-cancer", "--method", LABEL, "--out", store, *more)


def evaluation(store) -> Evaluation:
    with ResultStore(store) as opened:
        return Evaluation(Results.from_records(**read_records(opened)))


def test_imported_predictions_score_as_those_they_are(store, table, tmp_path):
    said = bring(store, table.sample(frac=1, random_state=0), tmp_path)
    assert "3 of 3 splits" in said
    task = evaluation(store).tasks["breast-cancer"]
    for metric in ("accuracy", "auroc", "log_loss", "smooth_ece"):
        scores = task.score(metric)
        ours, theirs = scores.methods.index("concat-logistic"), scores.methods.index(LABEL)
        np.testing.assert_allclose(scores.points[theirs], scores.points[ours], rtol=1e-6)
    assert task.complete[task.methods.index(LABEL)]
    assert np.isnan(task.cost("fit_wall").estimate(LABEL).value)
    assert task.ok[LABEL, (0, 0)].val_proba is None
    command("report", "--out", store, "--quiet")
    page = (store / "report/report.html").read_text()
    assert "My &lt;tool&gt; &amp; co" in page
    assert "My <tool>" not in page


def test_the_commands_of_the_run_and_the_import_are_both_kept(store, table, tmp_path):
    bring(store, table, tmp_path)
    with ResultStore(store) as opened:
        run = read_records(opened)["run"]
    assert run["suite"] == "tiny"
    assert len(run["command"].splitlines()) == 2


def test_columns_may_be_fewer(store, table, tmp_path):
    """The fold follows from the row where each is tested once, and one probability of two is enough."""
    few = table[["id", "p(malignant)"]]
    bring(store, few, tmp_path, "--fusion", "late")
    task = evaluation(store).tasks["breast-cancer"]
    scores = task.score("log_loss")
    np.testing.assert_allclose(scores.estimate(LABEL).value, scores.estimate("concat-logistic").value, rtol=1e-6)


def test_validation_rows_bring_the_recalibrated_columns(store, table, tmp_path):
    command("export", tmp_path / "splits.csv", "--splits", "--out", store, "--task", "breast-cancer")
    splits = pd.read_csv(tmp_path / "splits.csv", dtype={"id": str})
    train = splits[splits["part"] == "train"].drop(columns=["task", "part"])
    proba = table.set_index("id")[["p(benign)", "p(malignant)"]]
    validation = train.join(proba, on="id").assign(part="validation")
    bring(store, pd.concat([table.assign(part="test"), validation]), tmp_path)
    task = evaluation(store).tasks["breast-cancer"]
    assert task.score("log_loss", "temperature").estimate(LABEL).known
    kept = task.ok[LABEL, (0, 1)]
    first = splits[(splits["fold"] == 1) & (splits["part"] == "train")]["id"].iloc[0]
    np.testing.assert_allclose(kept.val_proba[0], proba.loc[first], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="id"), "no column 'id'"),
        (lambda t: t.drop(columns=["p(benign)", "p(malignant)"]), r"no column p\(\w+\), p\(\w+\); the task"),
        (lambda t: t.iloc[1:], "1 ids are missing"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "1 ids twice"),
        (lambda t: t.assign(id=t["id"].replace({"0": "stranger"})), "1 ids that do not belong there: stranger"),
        (lambda t: t.assign(fold=(t["fold"] + 1) % 3), "ids that do not belong there"),
        (lambda t: t.assign(fold=t["fold"] + 7), "no such split, the task has 3 splits"),
        (lambda t: t.assign(fold=0.5), "column fold: not a whole number"),
        (lambda t: t.assign(part="training"), "column part: use test or validation, not: training"),
        (lambda t: t.drop(columns="fold").assign(id="nobody"), "no test row of any fold: nobody"),
        (lambda t: t.drop(columns="fold").assign(part="validation"), "validation rows need a column fold"),
        (lambda t: t.assign(true="benign"), "column true differs from the task's classes"),
        (lambda t: t.assign(**{"p(benign)": 0.9}), "do not sum to 1"),
        (lambda t: t.assign(**{"p(benign)": -0.5, "p(malignant)": 1.5}), "not between 0 and 1"),
        (lambda t: t.assign(**{"p(benign)": "high"}), "missing or not a number"),
        (lambda t: t.assign(part="validation"), "validation rows and no test rows"),
        (lambda t: t.iloc[:0], "no lines below its head"),
    ],
)
def test_every_mismatch_is_named_and_nothing_is_kept(store, table, tmp_path, change, message):
    before = (store / "results.sqlite").read_bytes()
    with pytest.raises(DataError, match=message):
        bring(store, change(table), tmp_path)
    with ResultStore(store) as opened:
        assert LABEL not in set(read_records(opened)["outcomes"]["method"])
    assert (store / "results.sqlite").read_bytes() == before


def test_all_mismatches_are_told_at_once(store, table, tmp_path):
    with pytest.raises(DataError) as caught:
        bring(store, table.assign(true="benign", **{"p(benign)": 0.9}).iloc[2:], tmp_path)
    assert len(str(caught.value).splitlines()) >= 4


def test_a_second_import_takes_the_place_of_the_first_only_when_asked(store, table, tmp_path):
    bring(store, table, tmp_path)
    flipped = table.assign(**{"p(benign)": table["p(malignant)"], "p(malignant)": table["p(benign)"]})
    with pytest.raises(DataError, match="--replace"):
        bring(store, flipped, tmp_path)
    bring(store, flipped[flipped["fold"] == 0], tmp_path, "--replace")
    task = evaluation(store).tasks["breast-cancer"]
    assert [split for label, split in task.ok if label == LABEL] == [(0, 0)]
    assert task.score("accuracy").estimate(LABEL).value < 0.5


def test_a_label_of_a_method_is_refused(store, table, tmp_path):
    table.to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(DataError, match="is a method of the results already"):
        command("import", tmp_path / "m.csv", "--task", "breast-cancer", "--method", "prior", "--out", store)


def test_a_task_that_was_never_run_is_imported_on_the_splits_that_a_run_would_make(tmp_path, ran):
    out = tmp_path / "fresh"
    command("export", tmp_path / "s.csv", "--splits", "--task", "breast-cancer", "--out", out)
    splits = pd.read_csv(tmp_path / "s.csv", dtype={"id": str})
    assert not out.exists()
    test = splits[splits["part"] == "test"].assign(**{"p(malignant)": 0.5, "p(benign)": 0.5})
    path = tmp_path / "half.tsv"
    test.drop(columns="part").to_csv(path, sep="\t", index=False)
    said = command("import", path, "--task", "breast-cancer", "--method", "half", "--out", out)
    count = len(test[["repeat", "fold"]].drop_duplicates())
    assert f"{count} of {count} splits" in said
    command("run", "--task", "breast-cancer", "--method", "prior", "--out", out, "--no-report")
    task = evaluation(out).tasks["breast-cancer"]
    assert set(task.methods) == {"half", "prior"}
    assert task.complete.all()
    with pytest.raises(UnknownNameError):
        command("import", path, "--task", "brest-cancer", "--method", "half", "--out", out)


def shifted(store, by: float, status: Status = Status.OK) -> None:
    """Change one outcome of the logistic regression in place."""
    with ResultStore(store, write=True) as opened:
        key = next(job.key for _, job in opened.planned() if job.label == "concat-logistic" and job.fold == 0)
        old = opened.outcome(key)
        proba = np.clip(old.proba[:, ::-1] * by + old.proba * (1 - by), 0, 1) if status is Status.OK else None
        opened.put(Outcome(key, status, proba=proba, reason="" if proba is not None else "broken", cost=old.cost))


def test_merging_keeps_the_good_end_of_a_job_and_every_run(store, ran, tmp_path):
    shifted(store, 0.0, Status.FAILED)
    with merge_stores([store, ran / "o"], tmp_path / "union") as merged:
        assert set(merged.statuses().values()) == {Status.OK}
        assert len(merged.runs()) == 2
        assert len(merged.planned()) == 6
    with merge_stores([ran / "o", store], tmp_path / "other") as merged:
        assert set(merged.statuses().values()) == {Status.OK}
    with pytest.raises(DataError, match="exists already"):
        merge_stores([store], tmp_path / "union")
    with pytest.raises(DataError, match="no results there"):
        merge_stores([store, tmp_path / "nowhere"], tmp_path / "third")
    assert not (tmp_path / "third/results.sqlite").exists()


def test_merged_machines_report_as_one(store, ran, tmp_path):
    """Each machine has one method; the union has both, with explanations and all else that was kept."""
    for keep, where in (("prior", "a"), ("concat-logistic", "b")):
        command("run", "--task", "breast-cancer", "--method", keep, "--out", tmp_path / where, "--no-report")
    command("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert set(evaluation(tmp_path / "both").tasks["breast-cancer"].methods) == {"prior", "concat-logistic"}
    command("report", tmp_path / "a", tmp_path / "b", "--to", tmp_path / "paper", "--quiet")
    assert "Only" in (tmp_path / "paper/report.md").read_text()
    assert not (tmp_path / "report").exists()


def test_changes_are_paired_and_equal_results_change_nothing(store, ran):
    same = changes_part(evaluation(ran / "o"), evaluation(store), ("A", "B"), "log_loss")
    assert not same.tables
    assert "2 with the same score, 0 with another, 0 that ended otherwise" in same.paragraphs[1]
    shifted(store, 0.2)
    before, after = evaluation(ran / "o"), evaluation(store)
    part = changes_part(before, after, ("A", "B"), "log_loss")
    (row,) = part.tables[0].rows
    assert row.name == "concat-logistic"
    gap = part.tables[0].cell("concat-logistic", "difference").estimate
    folds = [
        t.tasks["breast-cancer"].score("log_loss").values[t.tasks["breast-cancer"].methods.index("concat-logistic")]
        for t in (before, after)
    ]
    np.testing.assert_allclose(gap.value, np.mean(folds[1] - folds[0]), rtol=1e-12)
    assert gap.value > 0


def test_another_end_is_a_change(store, ran):
    shifted(store, 0.0, Status.FAILED)
    part = changes_part(evaluation(ran / "o"), evaluation(store), ("A", "B"), "log_loss")
    assert part.tables[0].cell("concat-logistic", "told").text == "ok, then failed in 1 splits"


def test_reports_by_column_and_with_silenced_checks(ran, tmp_path):
    where = ("--out", ran / "o", "--to", tmp_path / "r", "--quiet")
    command("report", *where, "--by", "mean.radius", "--silence", "fb12")
    text = (tmp_path / "r/report.md").read_text()
    assert "Who is it good for?" in text
    assert "(FB12," not in text
    with pytest.raises(UnknownNameError, match="no column is called"):
        command("report", "--out", ran / "o", "--to", tmp_path / "r", "--by", "radius of the moon")
    with pytest.raises(UnknownNameError, match="no check is called"):
        command("report", "--out", ran / "o", "--to", tmp_path / "r", "--silence", "FB99")
