"""The layout of a results file, and the checks that a file is one of ours."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fusebench.datasets.errors import DataError

APPLICATION_ID = 0x46555345  # "FUSE", in the header of every results file
VERSION = 1

_TABLES = """
CREATE TABLE task (
    fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, info TEXT NOT NULL,
    y BLOB NOT NULL, groups BLOB NOT NULL, ids BLOB NOT NULL
);
CREATE TABLE split (
    fingerprint TEXT NOT NULL, seed INTEGER NOT NULL, folds INTEGER NOT NULL, repeat INTEGER NOT NULL,
    fold INTEGER NOT NULL, train BLOB NOT NULL, test BLOB NOT NULL,
    PRIMARY KEY (fingerprint, seed, folds, repeat, fold)
);
CREATE TABLE method (label TEXT NOT NULL, source TEXT NOT NULL, info TEXT NOT NULL, PRIMARY KEY (label, source));
CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, info TEXT NOT NULL);
CREATE TABLE plan (key TEXT PRIMARY KEY, run INTEGER NOT NULL, job TEXT NOT NULL);
CREATE TABLE outcome (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, record TEXT NOT NULL, proba BLOB, val_proba BLOB, finished TEXT NOT NULL
);
"""
# Of later versions that older ones need not know: made where it is missing when a file is opened for writing.
_ADDED = """
CREATE TABLE IF NOT EXISTS explanation (key TEXT PRIMARY KEY, block BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS training (key TEXT PRIMARY KEY, rows BLOB NOT NULL, proba BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS subgroup (
    fingerprint TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, codes BLOB NOT NULL, shown INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, name)
);
"""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a results file, making it when ``create`` is set and it does not exist.

    Raises
    ------
    DataError: the file is missing, is not a results file of fusebench, is damaged, or comes from a newer version.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; name the results file inside it, or the --out folder of a run")
    exists = path.exists() and path.stat().st_size > 0
    if not exists and not create:
        raise DataError(f"{path}: no results there; `fusebench run` makes them, `--out` says where")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        if not exists:
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; {_TABLES} COMMIT;"
            )
        ours = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DataError(f"{path} is not a results file of fusebench: {error}; choose another --out") from error
    if ours != APPLICATION_ID:
        connection.close()
        raise DataError(
            f"{path} is a database of another program, not a results file of fusebench; choose another --out"
        )
    if version > VERSION:
        connection.close()
        raise DataError(
            f"{path} was written by a newer fusebench (format {version}, this one reads {VERSION}); upgrade fusebench"
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    if create:
        connection.executescript(_ADDED)
    return connection


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the file has a table of later versions; those of before, opened for reading, have none."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchall())
