"""The results store: what goes in comes out, nothing is lost or doubled, and strange files are refused."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from fusebench.benchmarks import ResultStore
from fusebench.benchmarks.job import Budget, Job
from fusebench.benchmarks.outcome import Outcome, Status, pack, unpack
from fusebench.benchmarks.records import read_records
from fusebench.datasets import DataError

JOB = Job(
    task="t", fingerprint="f" * 64, method="m", label="m", params="{}", modalities=(), folds=5, repeat=0, fold=0,
    seed=0, budget=Budget(), source="s",
)  # fmt: skip


def outcome(key: str = "k", status: Status = Status.OK) -> Outcome:
    proba = np.array([[0.25, 0.75], [1.0, 0.0]])
    return Outcome(
        key, status, proba=proba, val_proba=proba[:1], params={"C": 1.5}, cost={"fit_wall": 0.5}, notes=["n"]
    )


def test_outcome_survives_bytes_and_store(tmp_path):
    first = outcome()
    assert_same(Outcome.from_bytes(first.to_bytes()), first)
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(first)
        assert_same(store.outcome("k"), first)
        with pytest.raises(KeyError):
            store.outcome("another")


def assert_same(one: Outcome, other: Outcome) -> None:
    np.testing.assert_array_equal(one.proba, other.proba)
    np.testing.assert_array_equal(one.val_proba, other.val_proba)
    assert one.record() == other.record()
    assert one.status is other.status


def test_a_second_end_takes_the_place_of_the_first(tmp_path):
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(outcome(status=Status.FAILED))
        store.put(outcome(status=Status.OK))
        assert store.statuses() == {"k": Status.OK}


def test_failures_are_never_cached_as_done(tmp_path):
    with ResultStore(tmp_path / "o", write=True) as store:
        for status in Status:
            store.put(outcome(str(status), status))
        assert store.done() == {str(s) for s in Status} - {"not_installed"}
        assert store.done(retry_failed=True) == {"ok", "skipped"}


def test_arrays_of_objects_are_refused_both_ways():
    with pytest.raises(ValueError, match="Object arrays"):
        pack(np.array([{}], dtype=object))
    import io
    import zlib

    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="Object arrays"):
        unpack(zlib.compress(buffer.getvalue()))


def test_one_writer_at_a_time_and_readers_meanwhile(tmp_path):
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(outcome())
        with pytest.raises(DataError, match="another run is writing"):
            ResultStore(tmp_path / "o", write=True)
        with ResultStore(tmp_path / "o") as reader:
            assert reader.statuses() == {"k": Status.OK}
    ResultStore(tmp_path / "o", write=True).close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_text("not a database, but long enough to be read as one" * 50), "not a results file"),
        (lambda p: sqlite3.connect(p).executescript("CREATE TABLE x (y);").connection.close(), "another program"),
        (lambda p: None, "no results there"),
        (lambda p: p.mkdir(), "is a folder"),
    ],
)
def test_files_that_are_not_ours(tmp_path, make, message):
    path = tmp_path / "results.sqlite"
    make(path)
    with pytest.raises(DataError, match=message):
        ResultStore(path)


def test_a_newer_version_is_refused_and_left_alone(tmp_path):
    with ResultStore(tmp_path / "o", write=True) as store:
        store.put(outcome())
        path = store.path
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = path.read_bytes()
    for write in (False, True):
        with pytest.raises(DataError, match="newer fusebench"):
            ResultStore(path, write=write)
    assert path.read_bytes() == before


def test_the_key_holds_what_numbers_depend_on_and_nothing_else():
    changed = {
        "fingerprint": "0" * 64, "method": "x", "params": '{"C":1}', "modalities": ("a",), "folds": 3, "repeat": 1,
        "fold": 1, "seed": 1, "budget": Budget(2, 3), "source": "x",
    }  # fmt: skip
    keys = {JOB.key} | {replace(JOB, **{field: value}).key for field, value in changed.items()}
    assert len(keys) == len(changed) + 1
    assert replace(JOB, label="other", task="renamed").key == JOB.key
    assert Job.from_dict(JOB.to_dict()).key == JOB.key


def test_the_seed_does_not_move_with_code_or_budget():
    assert replace(JOB, source="new", budget=Budget(50, 5)).derived_seed == JOB.derived_seed
    assert len({replace(JOB, fold=f).derived_seed for f in range(20)}) == 20


def test_records_report_the_last_planned_protocol_and_code(tmp_path, small_task):
    from fusebench.benchmarks import Suite, run
    from fusebench.benchmarks.suite import MethodSpec

    suite = Suite("s", methods=(MethodSpec("prior"),), folds=3)
    run(suite, out=tmp_path / "o", plugins=[small_task]).close()
    with run(replace(suite, folds=2), out=tmp_path / "o", plugins=[small_task]) as store:
        plain = read_records(store)
        assert len(plain["outcomes"]) == 2
        assert plain["run"]["set_aside"] == 3
    with run(suite, out=tmp_path / "o", plugins=[small_task]) as store:  # nothing to run, but planned last
        frame = read_records(store)["outcomes"]
        assert len(frame) == 3
        assert sorted(np.concatenate(list(frame["rows"]))) == list(range(60))
