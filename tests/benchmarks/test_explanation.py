"""Explanations on their way: from the fitted method through the store to the results frame and the export."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fusebench.benchmarks import ResultStore, run
from fusebench.benchmarks.cli import group
from fusebench.benchmarks.explain import MOST_ROWS, evenly_spaced, explain
from fusebench.benchmarks.explanation import Explanation
from fusebench.benchmarks.outcome import Outcome, Status
from fusebench.benchmarks.records import read_records
from fusebench.datasets import load_task
from fusebench.methods.attribution import EMPTY, Attribution
from fusebench.methods.baselines.concat_logistic import ConcatLogistic


def at_once(rows: int) -> float:
    """Predictions that take no time."""
    return 0.0


GRID = np.array([[0.25, 0.5], [0.0, 1.0]], dtype=np.float32)
ATTRIBUTIONS = """
from fusebench.methods.attribution import EMPTY, Attribution
self.attributions = lambda samples: {
    "a": Attribution(("x1", "x0"), np.array([0.5, 0.25], dtype=np.float32), EMPTY, EMPTY),
    "b": Attribution((), EMPTY, np.array([[1, 2], [3, 4]], dtype=np.float32), EMPTY),
}
"""
HIDDEN = "if not all(m.present.all() for m in samples.modalities):\n    {}"


def explanation() -> Explanation:
    attributions = {
        "b": Attribution((), EMPTY, GRID, GRID[:1]),
        "a": Attribution(("β <i>", "x"), np.array([2.0, 1.0], dtype=np.float32), EMPTY, EMPTY),
    }
    shapley = np.array([[0.25, -0.5], [0.125, 0.5]], dtype=np.float32)
    nothing = np.array([0.5, 0.5], dtype=np.float32)
    return Explanation(np.array([3, 7]), ("a", "b"), shapley, nothing, attributions, ("too $low",))


def assert_same(one: Explanation | None, other: Explanation) -> None:
    assert one is not None
    assert (one.modalities, one.reasons) == (other.modalities, other.reasons)
    for name in ("rows", "shapley", "nothing"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert set(one.attributions) == set(other.attributions)
    for name, own in other.attributions.items():
        assert one.attributions[name].names == own.names
        for part in ("sizes", "gradient", "cam"):
            np.testing.assert_array_equal(getattr(one.attributions[name], part), getattr(own, part))


def test_an_explanation_survives_bytes_and_store(tmp_path):
    whole = Outcome("k", Status.OK, proba=np.ones((2, 1)), explanation=explanation())
    assert_same(Outcome.from_bytes(whole.to_bytes()).explanation, explanation())
    json.dumps(whole.record())
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(whole)
        assert_same(store.outcome("k").explanation, explanation())
        store.put(Outcome("k", Status.FAILED))  # the second end has none, and the first one's is gone
        assert store.outcome("k").explanation is None


def test_one_of_another_version_is_as_if_there_were_none(monkeypatch):
    monkeypatch.setattr("fusebench.benchmarks.explanation.VERSION", 2)
    later = explanation().to_bytes()
    monkeypatch.undo()
    assert Explanation.from_bytes(later) is None


def test_a_store_of_before_there_were_explanations_opens_and_takes_them(tmp_path):
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(Outcome("old", Status.OK))
        path = store.path
    db = sqlite3.connect(path)
    db.execute("DROP TABLE explanation")
    db.commit()
    db.close()
    before = path.read_bytes()
    with ResultStore(path) as store:
        assert store.outcome("old").explanation is None
    assert path.read_bytes() == before  # who only reads changes nothing
    with ResultStore(path, write=True) as store:
        store.put(Outcome("new", Status.OK, explanation=explanation()))
        assert store.outcome("old").explanation is None
        assert_same(store.outcome("new").explanation, explanation())


def test_rows_are_few_evenly_spaced_and_named_by_their_place_in_the_task():
    assert evenly_spaced(5, 3).tolist() == [0, 2, 4]
    assert evenly_spaced(3, 5).tolist() == [0, 1, 2]
    task = load_task("add", n=2 * (MOST_ROWS + 50))
    half = len(task) // 2
    method = ConcatLogistic().fit(task.samples[:half], task.y[:half])
    found = explain(method, task.samples[half:], task.y[half:], np.arange(half, 2 * half), at_once)
    assert found is not None
    assert found.shapley.shape == (MOST_ROWS, 3)
    assert (found.rows[0], found.rows[-1]) == (half, 2 * half - 1)
    proba = method.predict_proba(task.samples[found.rows])[np.arange(MOST_ROWS), task.y[found.rows]]
    np.testing.assert_allclose(found.nothing + found.shapley.sum(axis=1), proba, atol=1e-6)


def test_what_is_left_out_is_told():
    six = load_task("add", n=40, widths=(2,) * 6, strengths=(1.0,) * 6)
    method = ConcatLogistic().fit(six.samples, six.y)
    many = explain(method, six.samples, six.y, np.arange(40), at_once)
    assert "up to 5 modalities" in many.reasons[0]
    three = six.samples.select(["m1", "m2", "m3"])
    method = ConcatLogistic().fit(three, six.y)
    slow = explain(method, three, six.y, np.arange(40), lambda rows: 3.0)
    assert "more than 20 s" in slow.reasons[0]
    assert many.shapley is slow.shapley is None
    alone = three.select(["m1"])
    assert explain(ConcatLogistic().fit(alone, six.y), alone, six.y, np.arange(40), at_once) is None


@pytest.fixture
def out(write, make_plugin, small_task, tmp_path):
    told = {
        "tells": {"fit": ATTRIBUTIONS},
        "stumbles": {"predict": HIDDEN.format('raise ValueError("cannot <do> that")')},
        "dies": {"predict": HIDDEN.format("os._exit(3)")},
        "greedy": {"predict": HIDDEN.format("np.ones(2**25)")},
        "killed": {"predict": HIDDEN.format("os.kill(os.getpid(), 9)")},
    }
    plugins = [small_task, *(str(write(f"{n}.py", make_plugin(n, space="{}", **lines))) for n, lines in told.items())]
    whole = make_plugin("whole", space="{}").replace('handles_missing="both"', 'handles_missing="cells"')
    plugins.append(str(write("whole.py", whole)))
    suite = str(write("s.toml", "folds = 2"))
    run(suite, out=tmp_path / "o", plugins=plugins, methods=[*told, "whole"]).close()
    return tmp_path / "o"


def test_explaining_never_costs_an_outcome(out, tmp_path):
    with ResultStore(out) as store:
        frame = read_records(store)["outcomes"].set_index("method")
    assert set(frame["status"]) == {"ok"}
    for name in ("dies", "killed"):
        assert frame.loc[name, "explanation"].isna().all()
        assert "cut short" in frame.loc[name, "notes"].iloc[0][0]
    stumbled = frame.loc["stumbles", "explanation"].iloc[0]
    assert stumbled["reasons"] == ("Shapley values failed: ValueError: cannot <do> that",)
    assert frame.loc["whole", "explanation"].isna().all()
    assert not any(frame.loc["whole", "notes"])

    assert frame.loc["greedy", "peak_memory"].max() < 2**27  # half of what explaining it took
    assert frame.loc["greedy", "explanation"].notna().all()

    told = frame.loc["tells"].iloc[0]
    assert told["notes"] == ()
    assert told["explain_wall"] > 0
    own = told["explanation"]
    np.testing.assert_array_equal(own["rows"], told["rows"])
    whole = told["proba"][np.arange(len(own["rows"])), told["y"]]
    np.testing.assert_allclose(own["nothing"] + own["shapley"].sum(axis=1), whole, atol=1e-6)
    assert own["attributions"]["a"]["names"] == ("x1", "x0")
    assert own["attributions"]["a"]["gradient"] is own["attributions"]["b"]["cam"] is None

    for what in ("contributions", "attributions", "outcomes"):
        done = CliRunner().invoke(group, ["export", str(tmp_path / f"{what}.csv"), "--out", str(out), "--what", what])
        assert done.exit_code == 0, done.output
    lines = pd.read_csv(tmp_path / "contributions.csv")
    assert set(lines["method"]) == {"tells", "greedy"}
    first = lines[(lines["method"] == "tells") & (lines["fold"] == told["fold"])]
    assert first["id"].tolist() == own["rows"].tolist()
    np.testing.assert_allclose(first[["phi(a)", "phi(b)"]], own["shapley"], rtol=1e-5)
    parts = pd.read_csv(tmp_path / "attributions.csv")
    parts = parts[parts["fold"] == 0]
    assert parts[["modality", "what", "name", "value"]].values.tolist() == [
        ["a", "feature", "x1", 0.5],
        ["a", "feature", "x0", 0.25],
        ["b", "gradient", "0,0", 1.0],
        ["b", "gradient", "0,1", 2.0],
        ["b", "gradient", "1,0", 3.0],
        ["b", "gradient", "1,1", 4.0],
    ]
    assert "explanation" not in pd.read_csv(tmp_path / "outcomes.csv").columns
