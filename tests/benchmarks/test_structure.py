"""A learnt graph on its way: from the fitted method through the store to the results frame and the export."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from fusebench.benchmarks import ResultStore, run
from fusebench.benchmarks.cli import group
from fusebench.benchmarks.outcome import Outcome, Status
from fusebench.benchmarks.records import read_records

GRAPH = """
from fusebench.methods.structure import Node, Structure
nodes = (Node("class", role="class"), *(Node(f"a.{i}", "a") for i in range(SIZE)))
self.structure_ = Structure(nodes, (("class", "a.0"), ("a.0", "a.1")))
"""
RECORD = {
    "nodes": [("class", "", "class"), ("a.0", "a", "feature"), ("a.1", "a", "feature")],
    "edges": [("class", "a.0"), ("a.0", "a.1")],
    "directed": True,
}


@pytest.fixture
def out(write, make_plugin, small_task, tmp_path):
    plugins = [
        small_task,
        str(write("graph.py", make_plugin("graph", fit=GRAPH.replace("SIZE", "2"), space="{}"))),
        str(write("huge.py", make_plugin("huge", fit=GRAPH.replace("SIZE", "400"), space="{}"))),
        str(write("odd.py", make_plugin("odd", fit="self.structure_ = {'a': 'b'}", space="{}"))),
    ]
    suite = str(write("s.toml", "folds = 2"))
    run(suite, out=tmp_path / "o", plugins=plugins, methods=["graph", "huge", "odd", "prior"]).close()
    return tmp_path / "o"


def test_graphs_come_through_the_store_and_out_of_it(out, tmp_path):
    with ResultStore(out) as store:
        frame = read_records(store)["outcomes"].set_index("method")
    assert set(frame["status"]) == {"ok"}
    assert list(frame.loc["graph", "structure"]) == [RECORD, RECORD]
    assert frame.loc[["huge", "odd", "prior"], "structure"].isna().all()
    assert "401 variables" in frame.loc["huge", "notes"].iloc[0][0]
    assert "a dict is not a Structure" in frame.loc["odd", "notes"].iloc[0][0]

    for what in ("edges", "outcomes"):
        done = CliRunner().invoke(group, ["export", str(tmp_path / f"{what}.csv"), "--out", str(out), "--what", what])
        assert done.exit_code == 0, done.output
    edges = pd.read_csv(tmp_path / "edges.csv")
    assert list(zip(edges["fold"], edges["from"], edges["to"], edges["to_modality"], strict=True)) == [
        (fold, *edge, "a") for fold in (0, 1) for edge in RECORD["edges"]
    ]
    assert "structure" not in pd.read_csv(tmp_path / "outcomes.csv").columns


def test_an_outcome_of_before_there_were_graphs_still_opens():
    record = Outcome("k", Status.OK).record()
    del record["structure"]
    assert Outcome.from_record(json.loads(json.dumps(record))).structure is None


def test_a_graph_survives_bytes_as_it_was():
    outcome = Outcome("k", Status.OK, structure=RECORD)
    assert Outcome.from_bytes(outcome.to_bytes()).structure == RECORD
