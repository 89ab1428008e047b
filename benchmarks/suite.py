"""Suites: small TOML files that say which methods run on which tasks, how often and with what budget."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fusebench.datasets.errors import DataError, UnknownNameError

from .units import seconds, size_in_bytes

SUITES = Path(__file__).parent / "suites"


@dataclass(frozen=True)
class TaskSpec:
    """A task of a suite: a name, a TOML or a Python file, with the options of its ``load`` and its own folds if any."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folds: int | None = None
    repeats: int | None = None


@dataclass(frozen=True)
class MethodSpec:
    """A method of a suite, perhaps with fixed settings and a label of its own."""

    name: str
    label: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.label:
            settings = ",".join(f"{k}={v}" for k, v in sorted(self.params.items()))
            object.__setattr__(self, "label", f"{self.name}({settings})" if settings else self.name)


@dataclass(frozen=True)
class Suite:
    """What a run compares.

    Parameters
    ----------
    tasks, methods: what to run; no methods means every method there is.
    subset_methods: methods that also run on every subset of the modalities (up to four of them; beyond that on single
        modalities and on all but one), for the question what each modality adds.
    fractions: shares of the training rows, such as (0.1, 0.3), that ``fraction_methods`` (none named: all) also learn
        from, on ``fraction_tasks`` (none named: all), for learning curves.
    folds, repeats: of cross-validated tasks; a task's own setting wins.
    trials, inner_folds: the tuning budget, equal for all methods.
    seed: splits and all other randomness follow from it.
    time_limit, memory_limit: seconds and bytes of one job, above which it is ended and becomes a row with its reason.
    """

    name: str
    title: str = ""
    description: str = ""
    tasks: tuple[TaskSpec, ...] = ()
    methods: tuple[MethodSpec, ...] = ()
    subset_methods: tuple[str, ...] = ()
    fractions: tuple[float, ...] = ()
    fraction_methods: tuple[str, ...] = ()
    fraction_tasks: tuple[str, ...] = ()
    folds: int = 5
    repeats: int = 1
    trials: int = 1
    inner_folds: int = 3
    seed: int = 0
    time_limit: float = 600.0
    memory_limit: int = 4 * 2**30


def suite_names() -> list[str]:
    """Names of the suites that come with fusebench."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def load_suite(name: str) -> Suite:
    """The suite of that name, or of that TOML file.

    Raises
    ------
    UnknownNameError: no such suite; the message suggests close names.
    DataError: the file is missing, is not TOML, or has a key or value that means nothing here.
    """
    path = Path(name) if name.endswith(".toml") else SUITES / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise DataError(f"suite {name}: no such file")
        raise UnknownNameError("suite", name, suite_names())
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"suite {path}: not valid TOML: {error}") from error
    return _suite(path, data)


def _suite(path: Path, data: dict[str, Any]) -> Suite:
    known = {f.name for f in fields(Suite)} - {"name"}
    _refuse_unknown(path, data, known, "")
    for key in ("folds", "repeats", "trials", "inner_folds", "seed"):
        low = 2 if key in ("folds", "inner_folds") else 0 if key == "seed" else 1
        if key in data and (not isinstance(data[key], int) or isinstance(data[key], bool) or data[key] < low):
            raise DataError(f"suite {path}: {key} = {data[key]!r}; give a whole number of at least {low}")
    changed = dict(data)
    if "time_limit" in data:
        changed["time_limit"] = seconds(data["time_limit"])
    if "memory_limit" in data:
        changed["memory_limit"] = size_in_bytes(data["memory_limit"])
    changed["tasks"] = tuple(_specs(path, "tasks", data.get("tasks", []), TaskSpec))
    changed["methods"] = tuple(_specs(path, "methods", data.get("methods", []), MethodSpec))
    for key in ("subset_methods", "fraction_methods", "fraction_tasks", "fractions"):
        changed[key] = tuple(data.get(key, ()))
    if any(isinstance(f, bool) or not isinstance(f, int | float) or not 0 < f < 1 for f in changed["fractions"]):
        raise DataError(f"suite {path}: fractions = {data['fractions']!r}; give shares below 1, such as [0.1, 0.3]")
    base = path.parent
    changed["tasks"] = tuple(
        TaskSpec(str(base / t.name), t.options, t.folds, t.repeats) if t.name.endswith((".toml", ".py")) else t
        for t in changed["tasks"]
    )
    return Suite(name=path.stem, **changed)


def _specs(path: Path, key: str, entries: Sequence[Any], spec: type) -> list[Any]:
    if not isinstance(entries, list):
        raise DataError(f"suite {path}: {key} must be a list of names or tables")
    made = []
    for entry in entries:
        table = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(table, dict) or not isinstance(table.get("name"), str):
            raise DataError(f"suite {path}: every entry of {key} is a name, or a table with a name; got {entry!r}")
        _refuse_unknown(path, table, {f.name for f in fields(spec)}, f" in {key} {table['name']!r}")
        made.append(spec(**table))
    return made


def _refuse_unknown(path: Path, data: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
            raise DataError(f"suite {path}: unknown key {key!r}{where}; {hint}")
