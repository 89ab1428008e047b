"""Several results files as one: runs of different machines side by side, nothing computed again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from fusebench.datasets.errors import DataError

from .outcome import FINAL
from .schema import connect
from .store import ResultStore, results_file

_FINAL = ", ".join(f"'{status}'" for status in sorted(FINAL))
_OWN = ("task", "split", "method", "run", "plan", "outcome")


def merge_stores(sources: Sequence[Path], target: Path) -> ResultStore:
    """Write the union of results into a new file, and open it for reading.

    Runs keep the order in which they were started. Where two files hold the same job (same data, code, settings, split
    and seed), an outcome that ended well wins over one that did not, and of two that did the later one.

    Raises
    ------
    DataError: a source is missing or not one of ours; the target exists already.
    """
    target = results_file(target)
    for source in sources:
        connect(results_file(source), create=False).close()
    if target.exists():
        raise DataError(f"{target} exists already; name a new folder for the merged results")
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(draft, create=True)
    try:
        numbers = _number_runs(connection, sources)
        for place, source in enumerate(sources):
            _copy(connection, results_file(source), numbers[place])
    finally:
        connection.close()
    draft.replace(target)
    return ResultStore(target)


def _number_runs(connection: sqlite3.Connection, sources: Sequence[Path]) -> list[dict[int, int]]:
    """Keep all runs in the order of their start; gives by source the new number of each."""
    runs = []
    for place, source in enumerate(sources):
        with ResultStore(source) as store:
            runs += [(run["started"], place, run) for run in store.runs()]
    numbers: list[dict[int, int]] = [{} for _ in sources]
    for number, (started, place, run) in enumerate(sorted(runs, key=lambda one: one[:2]), start=1):
        numbers[place][run["id"]] = number
        info = {key: value for key, value in run.items() if key not in ("id", "started")}
        connection.execute("INSERT INTO run VALUES (?, ?, ?)", (number, started, json.dumps(info)))
    return numbers


def _copy(connection: sqlite3.Connection, source: Path, numbers: dict[int, int]) -> None:
    connection.execute("ATTACH DATABASE ? AS source", (str(source),))
    connection.execute("BEGIN")
    for table in ("task", "split", "method"):
        connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM source.{table}")
    plans = connection.execute("SELECT key, run, job FROM source.plan ORDER BY rowid").fetchall()
    connection.executemany(
        "INSERT INTO main.plan VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET run = excluded.run, job = excluded.job"
        " WHERE excluded.run > run",
        [(key, numbers[run], job) for key, run, job in plans],
    )
    connection.execute("CREATE TEMP TABLE taken (key TEXT PRIMARY KEY)")
    connection.execute(
        f"INSERT INTO taken SELECT o.key FROM source.outcome o LEFT JOIN main.outcome h ON h.key = o.key"
        f" WHERE h.key IS NULL OR (o.status IN ({_FINAL}) AND h.status NOT IN ({_FINAL}))"
        f" OR ((o.status IN ({_FINAL})) = (h.status IN ({_FINAL})) AND o.finished > h.finished)"
    )
    # What later versions keep of an outcome lies in tables of its own, under the outcome's key.
    tables = [name for (name,) in connection.execute("SELECT name FROM source.sqlite_master WHERE type = 'table'")]
    beside = [name for name in tables if name not in _OWN and not name.startswith("sqlite_")]
    by_key = [
        t for t in beside if "key" in [column[1] for column in connection.execute(f"PRAGMA source.table_info({t})")]
    ]
    for table in set(beside) - set(by_key):
        connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM source.{table}")
    for table in ("outcome", *by_key):
        connection.execute(f"DELETE FROM main.{table} WHERE key IN (SELECT key FROM taken)")
        connection.execute(
            f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE key IN (SELECT key FROM taken)"
        )
    connection.execute("DROP TABLE taken")
    connection.execute("COMMIT")
    connection.execute("DETACH DATABASE source")


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [column[1] for column in connection.execute(f"PRAGMA source.table_info({table})")]
