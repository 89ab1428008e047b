"""What a TOML of own data says, checked key by key, before any data is read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from ..card import Published, TaskCard
from ..samples import KINDS, Kind
from . import bids as layout
from .reading import ReadSpec, read_reading, refuse_reading
from .toml import Keys, Ref, Section, load_toml

DEFAULT_MISSING = ("", "NA", "N/A", "NaN", "nan", "null")


@dataclass(frozen=True)
class FileSpec:
    """A file and how to read it; a folder of files has a pattern, or the suffix that its files have in BIDS."""

    path: Path
    pattern: str = ""
    suffix: str = ""
    format: str = ""
    delimiter: str = ""
    encoding: str = "utf-8-sig"
    header: bool | str = True
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = DEFAULT_MISSING
    decimal: str = "."


@dataclass(frozen=True)
class LabelSpec:
    """Where the label is, and how its values become classes."""

    column: Ref
    file: FileSpec | None = None
    id: Ref | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitSpec:
    """How the rows are split; at most one of the ways is set."""

    way: str = "folds"
    folds: int = 5
    repeats: int = 1
    column: Ref = ""
    test: tuple[str, ...] = ()
    train: tuple[str, ...] | None = None
    unused: tuple[str, ...] = ()
    test_ids: Path | None = None
    train_ids: Path | None = None
    test_rows: str = ""
    train_rows: str = ""


@dataclass(frozen=True)
class ModalitySpec:
    """Which columns or arrays form one modality.

    ``columns`` is None for all that nothing else uses; ``id`` is None for the task's own, False for rows in order;
    ``reading`` is set when ``file`` is a folder with one file a row.
    """

    name: str
    kind: Kind = "table"
    file: FileSpec | None = None
    id: Ref | Literal[False] | None = None
    label: bool = True
    columns: tuple[str | int, ...] | None = None
    array: str | Keys | None = None
    features: str | tuple[str, ...] = ()
    categorical: tuple[str | int, ...] = ()
    drop: tuple[str | int, ...] = ()
    shape: tuple[int, ...] = ()
    channels: str = "first"
    allow_absent: bool = False
    reading: ReadSpec | None = None


@dataclass(frozen=True)
class SubgroupSpec:
    """A column to score groups of rows by; ``bands`` are the edges that cut numbers."""

    column: str | int
    bands: tuple[float, ...] = ()


@dataclass(frozen=True)
class TaskSpec:
    """The whole description."""

    path: Path
    card: TaskCard
    label: LabelSpec
    modalities: tuple[ModalitySpec, ...]
    file: FileSpec | None = None
    id: Ref | None = None
    group: Ref | None = None
    site: Ref | None = None
    split: SplitSpec = SplitSpec()
    drop: tuple[str | int, ...] = ()
    categorical: tuple[str | int, ...] = ()
    ignore_extra: bool = False
    subgroups: tuple[SubgroupSpec, ...] = ()


def read_spec(path: Path, data: Path) -> TaskSpec:
    """The description in a TOML; relative file names are looked for in ``data``.

    Raises
    ------
    DataError: a file that is missing or not TOML, an unknown key, a value of the wrong sort, something that is needed.
    """
    top = Section(path, "", load_toml(path))
    reading = _reading(top, {})
    bids, file = top.text("bids"), _file(top, data, reading)
    group, site, row_id = top.ref("group"), top.ref("site"), top.ref("id")
    if bids and file is not None:
        top.fail("bids", f"its {layout.TABLE} is the table; remove file, or name the folder in the modalities alone")
    if bids:
        reading["missing"] = (*reading.get("missing", DEFAULT_MISSING), layout.MISSING)
        file, row_id = FileSpec(data / bids / layout.TABLE, **reading), row_id or layout.ID
    label = _label(top, data, reading)
    modalities = _modalities(top, data, reading, file, bids)
    if row_id is None and any(m.reading for m in modalities):
        if file is not None or label.file is not None:
            top.fail("id", 'the files of a folder are found by the id of their row; add id = "COLUMN"')
        row_id = "id"
    spec = TaskSpec(
        path=path,
        card=_card(top, path),
        label=label,
        modalities=modalities,
        file=file,
        id=row_id,
        group=group,
        site=site,
        split=_split(top, data),
        drop=top.items("drop"),
        categorical=top.items("categorical"),
        ignore_extra=top.flag("ignore_extra", False),
        subgroups=_subgroups(top),
    )
    top.done()
    if spec.split.way == "site" and site is None:
        top.fail("split", 'leaving one site out needs the site of every row; add site = "COLUMN"')
    if spec.split.way == "ids" and row_id is None:
        top.fail("split", 'a split by a file of ids needs the id of every row; add id = "COLUMN"')
    return spec


def _subgroups(top: Section) -> tuple[SubgroupSpec, ...]:
    entries = top.get("subgroups")
    found = []
    for entry in entries if isinstance(entries, list) else [] if entries is None else [entries]:
        table = entry if isinstance(entry, dict) else {"column": entry}
        column, edges = table.get("column"), table.get("bands", [])
        if not isinstance(column, str | int) or isinstance(column, bool) or set(table) - {"column", "bands"}:
            top.fail(
                "subgroups", f'needs columns, such as ["sex", {{ column = "age", bands = [50, 65] }}]; got {entry!r}'
            )
        numbers = isinstance(edges, list) and all(isinstance(e, int | float) and not isinstance(e, bool) for e in edges)
        if not numbers or any(a >= b for a, b in itertools.pairwise(edges)):
            top.fail("subgroups", f"bands of {column!r} need growing numbers, such as [50, 65]; got {edges!r}")
        assert isinstance(column, str | int)  # or it was refused
        found.append(SubgroupSpec(column, tuple(map(float, edges))))
    return tuple(found)


def _reading(section: Section, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """How to read the files of a section, where it says so, else as the section above it does."""
    reading = dict(defaults)
    header = section.get("header")
    if header is not None and not isinstance(header, bool) and header != "skip":
        section.fail("header", f'needs true, false (no such line) or "skip" (do not use its names), got {header!r}')
    asked = {
        "format": section.text("format"),
        "delimiter": section.text("delimiter"),
        "encoding": section.text("encoding"),
        "header": header,
        "missing": section.values("missing", None),
        "decimal": section.text("decimal"),
    }
    for key, value in asked.items():
        if value not in (None, ""):
            reading[key] = tuple(dict.fromkeys(("", *value))) if key == "missing" else value
    for key in ("delimiter", "decimal"):
        if len(reading.get(key, ",")) != 1:
            section.fail(key, f'needs a single character, such as ";" or "\\t", got {reading[key]!r}')
    return reading


def _file(section: Section, data: Path, reading: Mapping[str, Any]) -> FileSpec | None:
    name, names = section.text("file"), section.items("names")
    if not name:
        if names:
            section.fail("names", "names the columns of a file; add file = ...")
        return None
    return FileSpec(data / name, names=tuple(map(str, names)), **reading)


def _card(top: Section, path: Path) -> TaskCard:
    name = top.text("name", path.stem)
    section = Section(top.path, "card", top.get("card", {}))
    told: dict[str, Any] = {
        key: section.text(key) for key in ("description", "origin", "licence", "citation", "url", "disease")
    }
    title = section.text("title", name)
    caveats = section.values("caveats")
    published = []
    for i, entry in enumerate(section.typed("published", list, "a list ([[card.published]])", [])):
        one = Section(top.path, f"card.published {i + 1}", entry)
        value = one.get("value")
        if not isinstance(value, int | float) or isinstance(value, bool):
            one.fail("value", f"needs a number, got {value!r}")
        published.append(Published(one.text("what"), one.text("metric"), float(value), one.text("source")))
        one.done()
    section.done()
    return TaskCard(name, title, published=tuple(published), caveats=caveats, **told)


def _label(top: Section, data: Path, reading: Mapping[str, Any]) -> LabelSpec:
    value = top.get("label")
    if value is None:
        top.fail("label", 'missing; say which column holds the class, as in label = "diagnosis"')
    if not isinstance(value, dict) or ("train" in value and "column" not in value):
        return LabelSpec(top.ref("label") or "")
    section = Section(top.path, "label", value)
    column = section.ref("column")
    if column is None:
        section.fail("column", "missing; name the column that holds the class, or give its position (-1: the last)")
    mapping = section.get("map", {})
    if not isinstance(mapping, dict) or not all(isinstance(v, str) and v for v in mapping.values()):
        section.fail("map", 'needs value = "class" pairs, as in {"0" = "healthy", "1" = "ill", "*" = "ill"}')
    spec = LabelSpec(
        column if column is not None else "",
        _file(section, data, _reading(section, reading)),
        section.ref("id"),
        {str(k): v for k, v in mapping.items()},
        section.values("drop"),
    )
    section.done()
    return spec


_WAYS = {
    "column": "column",
    "test_ids": "ids",
    "train_ids": "ids",
    "test_rows": "rows",
    "train_rows": "rows",
    "leave_one_site_out": "site",
    "folds": "folds",
}


def _split(top: Section, data: Path) -> SplitSpec:
    section = Section(top.path, "split", top.get("split", {}))
    ways = sorted({way for key, way in _WAYS.items() if section.table.get(key)})
    if len(ways) > 1:
        section.fail("", f"one way of splitting is enough, got {' and '.join(ways)}; keep one")
    test_ids, train_ids = section.text("test_ids"), section.text("train_ids")
    section.flag("leave_one_site_out", False)
    spec = SplitSpec(
        ways[0] if ways else "",
        section.whole("folds", 5, 2),
        section.whole("repeats", 1, 1),
        section.ref("column") or "",
        section.values("test"),
        section.values("train", None),
        section.values("unused"),
        data / test_ids if test_ids else None,
        data / train_ids if train_ids else None,
        section.text("test_rows"),
        section.text("train_rows"),
    )
    if spec.way == "column" and not spec.test:
        section.fail("test", 'say which values mark the test rows, as in test = "test"')
    if spec.way != "column" and (spec.test or spec.train or spec.unused):
        section.fail("column", "missing; train, test and unused are values of a column")
    if isinstance(spec.column, Keys):
        section.fail("column", "needs one column; arrays with train and test parts are a split by themselves")
    section.done()
    return spec


def _modalities(
    top: Section, data: Path, reading: Mapping[str, Any], file: FileSpec | None, bids: str
) -> tuple[ModalitySpec, ...]:
    section = Section(top.path, "modalities", top.get("modalities", {}))
    if not section.table:
        section.fail("", 'name at least one, as in blood = ["hb", "wbc"] or mri = {file = "mri.npz", kind = "volume"}')
    absent = top.flag("allow_absent", False)
    return tuple(_modality(section, name, data, reading, file, bids, absent) for name in section.table)


def _modality(
    parent: Section,
    name: str,
    data: Path,
    reading: Mapping[str, Any],
    main: FileSpec | None,
    bids: str,
    absent: bool,
) -> ModalitySpec:
    value = parent.get(name)
    if not isinstance(value, dict):
        value = {"columns": value}
    section = Section(parent.path, f"modalities.{name}", value)
    folder = section.text("folder") or (bids if "suffix" in value or "pattern" in value else "")
    if folder:
        return _folder(section, name, data / folder)
    refuse_reading(section)
    file = _file(section, data, _reading(section, reading))
    if file is None and main is None:
        section.fail("file", 'missing; name its file here, or one file for all with file = "..." at the top')
    columns = section.items("columns", None)
    if columns == ():
        section.fail("columns", "no column is named, so the modality is empty; name some, or remove it")
    array = section.get("array")
    if isinstance(array, dict):
        array = section.keys("array", array)
    elif array is not None and (not isinstance(array, str) or not array):
        section.fail("array", f'needs the name of an array, or {{train = "...", test = "..."}}, got {array!r}')
    features = section.get("features", ())
    if isinstance(features, list):
        features = tuple(map(str, features))
    shape = section.items("shape")
    if any(not isinstance(side, int) or side < 1 for side in shape):
        section.fail("shape", f"needs the sides of one row, such as [28, 28], got {list(shape)}")
    own_id = section.table.get("id")
    spec = ModalitySpec(
        name,
        cast(Kind, section.choice("kind", KINDS, "table")),
        file,
        False if section.get("id") is False else section.ref("id"),
        section.flag("label", True),
        None if columns in (None, ("others",)) else columns,
        array,
        features,
        section.items("categorical"),
        section.items("drop"),
        shape,
        section.choice("channels", ("first", "last"), "first"),
        section.flag("allow_absent", absent),
    )
    section.done()
    if file is None and own_id is not None:
        section.fail("id", "only a modality with a file of its own has ids of its own; give its file, or remove id")
    return spec


def _folder(section: Section, name: str, folder: Path) -> ModalitySpec:
    """A modality with one file a row; rows without a file are absent unless that is forbidden."""
    kind = section.choice("kind", KINDS, "image")
    if "file" in section.table:
        section.fail("file", "a modality has a file or a folder of files, not both; remove one")
    pattern, suffix, reading = read_reading(section, kind)
    missing = section.values("missing", None)
    spec = ModalitySpec(
        name,
        cast(Kind, kind),
        FileSpec(folder, pattern, suffix, missing=DEFAULT_MISSING if missing is None else ("", *missing)),
        channels=section.choice("channels", ("first", "last"), "first"),
        allow_absent=section.flag("allow_absent", True),
        reading=reading,
    )
    section.done()
    return spec
