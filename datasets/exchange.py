"""A task as a folder of plain .npy files and one JSON manifest, so that other processes open it without copying it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .card import Published, TaskCard
from .errors import DataError
from .files.lazy_arrays import is_cached
from .samples import Modality, Samples
from .splits import CrossValidation, LeaveOneSiteOut, OfficialSplit, Protocol
from .task import Task

FORMAT = "fusebench-task"
VERSION = 1
_MANIFEST = "task.json"


def save_task(task: Task, folder: str | Path) -> Path:
    """Write a task for ``open_task``; what methods must not see (``truth``, ``about``) stays behind.

    The folder appears whole or not at all: it is written beside its place and then renamed. A folder that already holds
    the same task is left as it is, one that holds another task is replaced.

    Raises
    ------
    DataError: the folder holds something that is not a task, or is a file.
    """
    folder = Path(folder)
    if _holds(folder, task.fingerprint):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(task, fresh)
        _put(fresh, folder, task.fingerprint)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def open_task(folder: str | Path, *, verify: bool = False) -> Task:
    """The task that ``save_task`` wrote; modalities are read-only memory maps.

    Values were checked when the task was made, so nothing is read until it is used.

    Parameters
    ----------
    folder: what ``save_task`` returned.
    verify: read everything, run the task's checks again and compare its fingerprint with the one that was saved.

    Raises
    ------
    DataError: not such a folder, a newer version of the format, a file that is missing or does not fit; with ``verify``
        also values that changed since.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    try:
        columns: dict[str, Any] = {c: _array(folder, c) for c in ("ids", "groups")}
        columns["sites"] = _array(folder, "sites") if manifest["sites"] else None
        samples = Samples((_open_modality(folder, i, m) for i, m in enumerate(manifest["modalities"])), **columns)
        y = _array(folder, "y")
        card = dict(manifest["card"])
        card["published"] = tuple(Published(**p) for p in card["published"])
        card["caveats"] = tuple(card["caveats"])
        fields: dict[str, Any] = {
            "samples": samples,
            "y": y,
            "classes": tuple(manifest["classes"]),
            "card": TaskCard(**card),
            "protocol": _open_protocol(folder, manifest["protocol"]),
            "bayes": manifest["bayes"],
            "truth": {},
            "about": {},
        }
    except (KeyError, TypeError) as error:
        raise DataError(f"{folder / _MANIFEST}: incomplete ({error!r}); save the task again") from error
    if len(y) != len(samples):
        raise DataError(f"{folder}: {len(samples)} samples but {len(y)} labels; save the task again")
    if verify:
        task = Task(**fields)
        if task.fingerprint != manifest["fingerprint"]:
            raise DataError(f"{folder}: the values differ from what was saved (fingerprint); save the task again")
        return task
    y.flags.writeable = False
    task = Task.trusted(**fields)
    task.__dict__["fingerprint"] = manifest["fingerprint"]
    return task


def _write(task: Task, folder: Path) -> None:
    samples = task.samples
    for name, column in (("ids", samples.ids), ("groups", samples.groups), ("sites", samples.sites), ("y", task.y)):
        if column is not None:
            np.save(folder / f"{name}.npy", column, allow_pickle=False)
    for i, modality in enumerate(samples.modalities):
        np.save(folder / f"present-{i}.npy", modality.present, allow_pickle=False)
        _write_values(modality, folder / f"modality-{i}.npy")
    protocol: dict[str, Any] = {"type": type(task.protocol).__name__}
    if isinstance(task.protocol, CrossValidation):
        protocol |= {"folds": task.protocol.folds, "repeats": task.protocol.repeats}
    elif isinstance(task.protocol, OfficialSplit):
        protocol |= {"repeats": task.protocol.repeats, "train": task.protocol.train is not None}
        np.save(folder / "test.npy", task.protocol.test, allow_pickle=False)
        if task.protocol.train is not None:
            np.save(folder / "train.npy", task.protocol.train, allow_pickle=False)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": task.fingerprint,
        "card": dataclasses.asdict(task.card),
        "classes": task.classes,
        "protocol": protocol,
        "bayes": {name: float(value) for name, value in task.bayes.items()},
        "sites": samples.sites is not None,
        "modalities": [
            {"name": m.name, "kind": m.kind, "features": m.features, "categories": dict(m.categories)}
            for m in samples.modalities
        ],
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _write_values(modality: Modality, path: Path) -> None:
    """The values as a .npy file: a second name for a file of the cache where both are on one disk, else a copy."""
    if modality.rows is None and is_cached(modality.array):
        with suppress(OSError):
            path.hardlink_to(modality.array.filename)  # type: ignore[attr-defined]
            return
    out = np.lib.format.open_memmap(path, mode="w+", dtype=modality.array.dtype, shape=modality.shape)
    for start, part in modality.parts():
        out[start : start + len(part)] = part.values
    out.flush()


def _holds(folder: Path, fingerprint: str) -> bool:
    """Whether the folder already holds that task; DataError when something else is in the way."""
    if folder.is_dir() and not any(folder.iterdir()):
        return False
    return folder.exists() and _read_manifest(folder).get("fingerprint") == fingerprint


def _put(fresh: Path, folder: Path, fingerprint: str) -> None:
    fresh.chmod(0o755)
    if folder.exists() and any(folder.iterdir()):
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        folder.replace(old / "replaced")
        shutil.rmtree(old)
    try:
        fresh.replace(folder)
    except OSError:
        if not _holds(folder, fingerprint):  # another process was faster, and wrote something else
            raise


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder}: not a saved task (no {_MANIFEST}); give a folder written by save_task, or an empty one"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not readable as JSON ({error}); save the task again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path}: not a saved task of fusebench; give a folder written by save_task")
    if not isinstance(manifest.get("version"), int) or manifest["version"] > VERSION:
        raise DataError(f"{path}: format version {manifest.get('version')} is newer than {VERSION}; update fusebench")
    return manifest


def _array(folder: Path, name: str, *, mapped: bool = False) -> np.ndarray:
    path = folder / f"{name}.npy"
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: missing or damaged ({error}); save the task again") from error


def _open_modality(folder: Path, i: int, told: dict[str, Any]) -> Modality:
    return Modality(
        told["name"],
        told["kind"],
        _array(folder, f"modality-{i}", mapped=True),
        present=_array(folder, f"present-{i}"),
        features=tuple(told["features"]),
        categories={column: tuple(names) for column, names in told["categories"].items()},
    )


def _open_protocol(folder: Path, told: dict[str, Any]) -> Protocol:
    if told["type"] == "OfficialSplit":
        train = _array(folder, "train") if told["train"] else None
        return OfficialSplit(_array(folder, "test"), train, told["repeats"])
    if told["type"] == "LeaveOneSiteOut":
        return LeaveOneSiteOut()
    if told["type"] == "CrossValidation":
        return CrossValidation(told["folds"], told["repeats"])
    raise DataError(f"{folder / _MANIFEST}: unknown split protocol {told['type']!r}; update fusebench")
