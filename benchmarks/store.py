"""The results store: one SQLite file, one transaction an outcome, written by the driver alone."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.splits import Split
from fusebench.datasets.subgroups import Subgroups
from fusebench.datasets.task import Task

from .explanation import Explanation
from .job import Job
from .outcome import FINAL, Outcome, Status, pack, unpack
from .schema import connect, has_table

FILE = "results.sqlite"
_BESIDE = ("explanation", "training")
# Tables of what an outcome may have beside its row, under its key.


def results_file(out: str | Path) -> Path:
    """The results file of an ``--out`` folder, or the file itself when it is named."""
    out = Path(out)
    return out if out.suffix in (".sqlite", ".db") else out / FILE


class ResultStore:
    """Outcomes of jobs, and what is needed to report on them without anything else.

    Parameters
    ----------
    out: the folder of a run, or its results file.
    write: open for the one driver that may write; made when it does not exist.

    Raises
    ------
    DataError: another run is writing to it; it is missing, damaged, not ours, or from a newer version.
    """

    def __init__(self, out: str | Path, *, write: bool = False) -> None:
        self.path = results_file(out)
        self._lock = None
        if write:
            if self.path.is_dir() or (not self.path.parent.is_dir() and self.path.parent.exists()):
                raise DataError(f"--out {out}: give a folder (made when missing) or a .sqlite file")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # flock and SQLite's own locks do not touch each other, so the file itself can serve as the driver's lock
            self._lock = self.path.open("ab")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lock.close()
                raise DataError(
                    f"{self.path}: another run is writing to it; wait for it, or choose another --out"
                ) from None
        try:
            self._db = connect(self.path, create=write)
            self._explains = has_table(self._db, "explanation")
            self._trains = has_table(self._db, "training")
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let other runs write."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def begin_run(self, info: Mapping[str, Any], jobs: Sequence[Job]) -> int:
        """Note a run and its plan; gives the run's number."""
        with self._transaction():
            cursor = self._db.execute("INSERT INTO run (started, info) VALUES (?, ?)", (_now(), json.dumps(dict(info))))
            number = int(cursor.lastrowid or 0)
            rows = [(job.key, number, json.dumps(job.to_dict())) for job in jobs]
            self._db.executemany("INSERT OR REPLACE INTO plan VALUES (?, ?, ?)", rows)
        return number

    def add_task(self, task: Task, info: Mapping[str, Any]) -> None:
        """Keep what reports need of a task; its measurements stay outside."""
        groups = np.unique(task.samples.groups, return_inverse=True)[1]
        ids = task.samples.ids.astype(str)
        row = (task.fingerprint, task.name, json.dumps(dict(info)), pack(task.y), pack(groups), pack(ids))
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?, ?)", row)

    def add_subgroups(self, fingerprint: str, found: Iterable[Subgroups]) -> None:
        """Keep by what the rows of a task can be grouped."""
        rows = [(fingerprint, one.name, json.dumps(one.labels), pack(one.codes), int(one.shown)) for one in found]
        with self._transaction():
            self._db.execute("DELETE FROM subgroup WHERE fingerprint = ?", (fingerprint,))
            self._db.executemany("INSERT INTO subgroup VALUES (?, ?, ?, ?, ?)", rows)

    def add_splits(self, fingerprint: str, seed: int, folds: int, splits: Iterable[Split]) -> None:
        """Keep the row positions of every split."""
        rows = [(fingerprint, seed, folds, s.repeat, s.fold, pack(s.train), pack(s.test)) for s in splits]
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO split VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def add_method(self, label: str, source: str, info: Mapping[str, Any]) -> None:
        """Keep a method's card under its label."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO method VALUES (?, ?, ?)", (label, source, json.dumps(dict(info))))

    def put(self, outcome: Outcome) -> None:
        """Keep an outcome in a transaction of its own; a second end of the same job takes the place of the first."""
        self.put_all([outcome])

    def put_all(self, outcomes: Iterable[Outcome]) -> None:
        """Keep several outcomes, or none of them."""
        with self._transaction():
            for outcome in outcomes:
                self._put(outcome)

    def _put(self, outcome: Outcome) -> None:
        arrays = [None if a is None else pack(a) for a in (outcome.proba, outcome.val_proba)]
        row = (outcome.key, str(outcome.status), json.dumps(outcome.record()), *arrays, _now())
        self._db.execute("INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, ?, ?)", row)
        for table in _BESIDE:
            self._db.execute(f"DELETE FROM {table} WHERE key = ?", (outcome.key,))
        if outcome.train_rows is not None and outcome.train_proba is not None:
            blocks = (outcome.key, pack(outcome.train_rows), pack(outcome.train_proba))
            self._db.execute("INSERT INTO training VALUES (?, ?, ?)", blocks)
        if outcome.explanation is not None:
            self._db.execute("INSERT INTO explanation VALUES (?, ?)", (outcome.key, outcome.explanation.to_bytes()))

    def forget(self, jobs: Iterable[Job]) -> None:
        """Drop jobs and what came of them, as when an import takes the place of an earlier one."""
        keys = [(job.key,) for job in jobs]
        with self._transaction():
            for table in ("plan", "outcome", *_BESIDE):
                self._db.executemany(f"DELETE FROM {table} WHERE key = ?", keys)

    def statuses(self) -> dict[str, Status]:
        """How every job in the store ended, by key."""
        return {key: Status(status) for key, status in self._db.execute("SELECT key, status FROM outcome")}

    def done(self, *, retry_failed: bool = False) -> set[str]:
        """Keys that need no run. What is not installed is looked at anew each time, as it costs nothing."""
        again = {Status.NOT_INSTALLED} if not retry_failed else set(Status) - FINAL
        return {key for key, status in self.statuses().items() if status not in again}

    def outcome(self, key: str) -> Outcome:
        """One outcome, with its arrays; KeyError when the job has none."""
        for found in self._outcomes("WHERE o.key = ?", key):
            return found
        raise KeyError(key)

    def outcomes(self) -> Iterator[Outcome]:
        """All outcomes, in one query."""
        return self._outcomes("")

    def _outcomes(self, where: str, *arguments: str) -> Iterator[Outcome]:
        trained = "t.rows, t.proba" if self._trains else "NULL, NULL"
        explained = "e.block" if self._explains else "NULL"
        joins = " LEFT JOIN training t ON t.key = o.key" if self._trains else ""
        joins += " LEFT JOIN explanation e ON e.key = o.key" if self._explains else ""
        query = f"SELECT o.record, o.proba, o.val_proba, {trained}, {explained} FROM outcome o{joins} {where}"
        for record, *blocks, explanation in self._db.execute(query, arguments):
            names = ("proba", "val_proba", "train_rows", "train_proba")
            arrays = {n: None if b is None else unpack(b) for n, b in zip(names, blocks, strict=True)}
            told = None if explanation is None else Explanation.from_bytes(explanation)
            yield Outcome.from_record(json.loads(record), **arrays, explanation=told)

    def planned(self, run: int | None = None) -> list[tuple[int, Job]]:
        """Every job ever planned, with the number of the last run that planned it; or those of one run."""
        rows = self._db.execute("SELECT key, run, job FROM plan ORDER BY rowid").fetchall()
        return [(n, Job.from_dict(json.loads(job), key)) for key, n, job in rows if run is None or n == run]

    def runs(self) -> list[dict[str, Any]]:
        """All runs, oldest first: their info with ``id`` and ``started``."""
        rows = self._db.execute("SELECT id, started, info FROM run ORDER BY id")
        return [{"id": number, "started": started, **json.loads(info)} for number, started, info in rows]

    def task(self, fingerprint: str) -> dict[str, Any]:
        """What is kept of a task: ``info``, ``y``, ``groups``, ``ids``."""
        row = self._db.execute("SELECT info, y, groups, ids FROM task WHERE fingerprint = ?", (fingerprint,)).fetchone()
        return {"info": json.loads(row[0]), "y": unpack(row[1]), "groups": unpack(row[2]), "ids": unpack(row[3])}

    def subgroups(self, fingerprint: str) -> list[Subgroups]:
        """By what the rows of a task can be grouped."""
        if not has_table(self._db, "subgroup"):
            return []
        rows = self._db.execute(
            "SELECT name, labels, codes, shown FROM subgroup WHERE fingerprint = ? ORDER BY rowid", (fingerprint,)
        )
        return [Subgroups(name, tuple(json.loads(labels)), unpack(codes), bool(on)) for name, labels, codes, on in rows]

    def method(self, label: str, source: str) -> dict[str, Any]:
        """The card that was kept under a label."""
        row = self._db.execute("SELECT info FROM method WHERE label = ? AND source = ?", (label, source)).fetchone()
        return json.loads(row[0])

    def split(self, job: Job) -> tuple[np.ndarray, np.ndarray]:
        """Train and test positions of a job."""
        where = (job.fingerprint, job.seed, job.folds, job.repeat, job.fold)
        row = self._db.execute(
            "SELECT train, test FROM split WHERE fingerprint = ? AND seed = ? AND folds = ?"
            " AND repeat = ? AND fold = ?",
            where,
        ).fetchone()
        return unpack(row[0]), unpack(row[1])

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN on entry, COMMIT or ROLLBACK on exit."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
