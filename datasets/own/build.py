"""From a checked description to a task: files are opened, joined by id or by order, labelled and split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..samples import TABULAR, Modality, Samples
from ..splits import CrossValidation
from ..subgroups import bands
from ..task import Task
from .columns import ordered, tidy
from .folders import Folder
from .images import read_folder
from .shapes import shaped, spread
from .sources import Block, Rules, Source, open_source
from .spec import FileSpec, LabelSpec, ModalitySpec, SubgroupSpec, TaskSpec
from .splits import protocol_of
from .toml import Keys, Ref

Index = npt.NDArray[np.intp]


def build_task(spec: TaskSpec) -> Task:
    """Read everything that the description names, check it and put it together; see ``own.read_task``."""
    return _Builder(spec).build()


class _Builder:
    """The opened files of one description, and the rows they share."""

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec
        self._opened: dict[FileSpec, Source] = {}
        self._ids: dict[tuple[int, str], list[str]] = {}
        self.notes: list[str] = []
        self.main = self.open(spec.file, "file") if spec.file else None
        self.sources = {
            m.name: self.open(m.file, f"[modalities.{m.name}] file") if m.file else self._main()
            for m in spec.modalities
        }
        self.labelled = self._labelled()
        labels = [source.texts(spec.label.column, "label") for source, _ in self.labelled]
        self.ids = self._base_ids()
        base = self.main if self.main is not None and (spec.id is not None or not spec.label.file) else None
        self.base = base if base is not None else self.labelled[0][0]
        self.n = len(labels[0]) if self.ids is None else len(self.ids)

    def open(self, file: FileSpec, key: str) -> Source:
        if file not in self._opened:
            self._opened[file] = open_source(file, f"{self.spec.path}, {key}")
        return self._opened[file]

    def _main(self) -> Source:
        if self.main is None:
            raise DataError(f"{self.spec.path}: no file for all modalities is named")
        return self.main

    def _labelled(self) -> list[tuple[Source, Ref | None]]:
        """The files that hold labels, each with its id column."""
        spec, column = self.spec, self.spec.label.column
        if spec.label.file is not None:
            return [(self.open(spec.label.file, "[label] file"), spec.label.id or spec.id)]
        if self.main is not None:
            return [(self.main, spec.id)]
        own = [(self.sources[m.name], self._id_ref(m)) for m in spec.modalities if m.label]
        found = [(source, ref) for source, ref in own if source.has(column)]
        if not found:
            if not own:
                raise DataError(
                    f"{spec.path}: no file holds the label; add [label] file = ... or let a modality have it"
                )
            own[0][0].texts(column, "label")  # raises, and says what the columns are
        return found

    def _id_ref(self, modality: ModalitySpec) -> Ref | None:
        if modality.id is False or self.spec.id is None:
            if modality.id not in (None, False):
                raise DataError(
                    f"{self.spec.path}: [modalities.{modality.name}] id: add id at the top too, to join by it"
                )
            return None
        if modality.reading is not None:
            return "id"  # the placeholder of the pattern
        return modality.id if modality.id is not None else self.spec.id

    def _base_ids(self) -> list[str] | None:
        if self.spec.id is None:
            return None
        if self.main is not None:
            return self._ids_of(self.main, self.spec.id)
        union: dict[str, None] = {}
        for source, ref in self.labelled:
            if ref is not None:
                union.update(dict.fromkeys(self._ids_of(source, ref)))
        if not union:
            raise DataError(f"{self.spec.path}: id: no file that holds labels also holds ids; correct id")
        return list(union)

    def _ids_of(self, source: Source, ref: Ref) -> list[str]:
        key = (id(source), str(ref))
        if key not in self._ids:
            ids = source.texts(ref, "id")
            first: dict[str, int] = {}
            for row, one in enumerate(ids):
                where = f"{source.spec.path}, {source.place(row)}"
                if one in source.spec.missing:
                    raise DataError(f"{where}, id {ref!r}: no id; every row needs one")
                if one in first:
                    raise DataError(
                        f"{where}, id {ref!r}: {one!r} was already given in {source.place(first[one])}; ids must "
                        "differ (to keep several rows of one subject, name that column as group instead of id)"
                    )
                first[one] = row
            self._ids[key] = ids
        return self._ids[key]

    def index(self, source: Source, ref: Ref | None, what: str, *, absent: bool) -> Index:
        """For every row of the task its row in the source, or -1 where it has none."""
        path = source.spec.path
        if source is self.base and self.main is not None:
            return np.arange(self.n)
        if self.ids is None or ref is None:
            if len(source) != self.n:
                raise DataError(
                    f"{path}: {what} has {len(source)} rows, but {self.base.spec.path} has {self.n}; without ids "
                    "the rows of all files must be the same in the same order: name the id column, or correct the file"
                )
            return np.arange(self.n)
        rows = {one: row for row, one in enumerate(self._ids_of(source, ref))}
        known = set(self.ids)
        extra = [one for one in rows if one not in known]
        if extra and not self.spec.ignore_extra:
            raise DataError(
                f"{path}: {what} has {len(extra)} ids that {self.base.spec.path} does not have: {_some(extra)}; "
                "correct them, or set ignore_extra = true to leave them out"
            )
        missing = [one for one in self.ids if one not in rows]
        if missing and not absent:
            raise DataError(
                f"{path}: {what} lacks {len(missing)} ids that {self.base.spec.path} has: {_some(missing)}; add them, "
                "or set allow_absent = true if they were not measured"
            )
        return np.array([rows.get(one, -1) for one in self.ids], dtype=np.intp)

    def column(self, ref: Ref, what: str, *, files: Sequence[tuple[Source, Ref | None]] = ()) -> list[str]:
        """One text for every row of the task; all files that have the column must agree."""
        homes = list(files) or [*([(self.main, self.spec.id)] if self.main is not None else []), *self.labelled]
        homes = [home for home in homes if home[0].has(ref)] or homes[:1]
        values: list[str | None] = [None] * self.n
        origin = [""] * self.n
        for source, id_ref in homes:
            texts = source.texts(ref, what)
            for row, at in enumerate(self.index(source, id_ref, what, absent=True)):
                if at < 0:
                    continue
                value, place = tidy(texts[at]), f"{source.spec.path}, {source.place(int(at))}"
                if values[row] is not None and values[row] != value:
                    raise DataError(
                        f"{place}: {what} is {value!r}, but {values[row]!r} in {origin[row]}; they must agree"
                    )
                values[row], origin[row] = value, place
        for row, found in enumerate(values):
            if found is None:
                name = f"id {self.ids[row]!r}" if self.ids is not None else f"row {row + 1}"
                raise DataError(f"{homes[0][0].spec.path}: {what}: none for {name}; add it")
            if what not in ("label", "subgroup") and found in homes[0][0].spec.missing:
                raise DataError(f"{origin[row]}: {what} {ref!r} is empty; fill it in")
        return [value or "" for value in values]

    def build(self) -> Task:
        spec = self.spec
        labels = self.column(spec.label.column, "label", files=self.labelled)
        y, classes = self._classes(labels, spec.label)
        modalities = self._modalities()
        groups = np.array(self.column(spec.group, "group")) if spec.group is not None else None
        sites = np.array(self.column(spec.site, "site")) if spec.site is not None else None
        about = {str(one.column): self._subgroup(one) for one in spec.subgroups}
        ids = np.array(self.ids) if self.ids is not None else None
        kept = np.flatnonzero(y >= 0)
        flags = self.column(spec.split.column, "split") if spec.split.way == "column" else None
        protocol = protocol_of(spec, self.n, self.ids, flags, self.base.parts, kept)
        try:
            samples = Samples(modalities, ids=ids, groups=groups, sites=sites)
            if len(kept) < self.n:
                samples = samples[kept]
            about = {name: values[kept] for name, values in about.items()}
            task = Task(samples, y[kept], classes, spec.card, protocol, notes=tuple(self.notes), about=about)
            if isinstance(protocol, CrossValidation):
                task.splits()  # a class with fewer subjects than folds is told now, not after an hour
        except DataError as error:
            raise DataError(f"{spec.path}: {error}") from error
        return task

    def _subgroup(self, subgroup: SubgroupSpec) -> npt.NDArray[np.object_]:
        """Texts (n,), empty where nothing is known; numbers in the bands that the file asks for."""
        missing = self.base.spec.missing
        texts = ["" if text in missing else text for text in self.column(subgroup.column, "subgroup")]
        return bands(texts, subgroup.bands) if subgroup.bands else np.array(texts, dtype=object)

    def _classes(self, labels: list[str], label: LabelSpec) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        """Codes, -1 for rows to leave out, and class names: in the order of the map, else by number or alphabet."""
        source = self.labelled[0][0]
        drop = {tidy(value) for value in label.drop}
        mapping = {tidy(value): name for value, name in label.map.items()}
        rest = mapping.pop("*", None)
        seen = set(labels)
        # A value that is misspelt here would pass unseen; without "*" in the map, the right value is missed below.
        for what, values in (("map", set(mapping) if rest is not None else set()), ("drop", drop - {""})):
            unused = sorted(value for value in values if value not in seen)
            if unused:
                raise DataError(
                    f"{self.spec.path}: [label] {what}: {unused[0]!r} is not a value of the label {label.column!s}; "
                    f"values are {_some(ordered(seen))}"
                )
        names: list[str | None] = []
        for row, value in enumerate(labels):
            empty = value in source.spec.missing and value not in mapping
            if value in drop:
                names.append(None)
            elif empty or (mapping and value not in mapping and rest is None):
                where = f"id {self.ids[row]!r}" if self.ids is not None else source.place(row)
                told = "is empty" if empty else f"{value!r} is not in the map"
                cure = "fill it in" if empty else "add it there"
                raise DataError(
                    f"{source.spec.path}, {where}: label {label.column!s} {told}; {cure}, or leave such rows out with "
                    f"[label] drop = [{value!r}]"
                )
            else:
                names.append(mapping.get(value, rest if rest is not None else value))
        used = {name for name in names if name is not None}
        order = (
            [name for name in dict.fromkeys(label.map.values()) if name in used] if mapping or rest else ordered(used)
        )
        code = {name: i for i, name in enumerate(order)}
        return np.array([-1 if name is None else code[name] for name in names], dtype=np.int64), tuple(order)

    def _modalities(self) -> list[Modality]:
        blocks: dict[str, Block] = {}
        taken: dict[int, dict[str, str]] = {}
        # Modalities that take "the others" come last: only then is it known what the others are.
        for modality in sorted(self.spec.modalities, key=lambda m: m.columns is None):
            if modality.reading is not None:
                continue
            source = self.sources[modality.name]
            used = taken.setdefault(id(source), {})
            rules = self._rules(source)
            if modality.columns is None:
                rules = replace(rules, hidden=rules.hidden | frozenset(used))
            block = source.block(modality, rules)
            for feature in block.features if source.has(next(iter(block.features), "")) else ():
                if feature in used:
                    raise DataError(
                        f"{self.spec.path}: column {feature!r} is in two modalities, {used[feature]!r} and "
                        f"{modality.name!r}; keep it in one"
                    )
                used[feature] = modality.name
            blocks[modality.name] = block
        self._check_used("drop", self.spec.drop)
        self._check_used("categorical", self.spec.categorical)
        return [self._modality(m, blocks[m.name]) if m.name in blocks else self._files(m) for m in self.spec.modalities]

    def _files(self, modality: ModalitySpec) -> Modality:
        source = self.sources[modality.name]
        if not isinstance(source, Folder) or self.ids is None:
            raise TypeError(f"{modality.name} is no folder of files with ids")
        read, notes = read_folder(source, modality, self.ids, str(self.spec.path.resolve()))
        self.notes += notes
        return read

    def _rules(self, source: Source) -> Rules:
        refs = [self.spec.id, self.spec.group, self.spec.label.column, self.spec.split.column or None]
        refs += [ref for home, ref in self.labelled if home is source]
        refs += [m.id for m in self.spec.modalities if self.sources[m.name] is source and m.id is not False]
        return Rules(
            frozenset(self._found(source, refs)),
            frozenset(self._found(source, [self.spec.site, *self.spec.drop])),
            frozenset(self._found(source, self.spec.categorical)),
        )

    @staticmethod
    def _found(source: Source, refs: Sequence[Ref | None]) -> list[str]:
        names: list[str] = []
        for ref in refs:
            if isinstance(ref, Keys):
                names += ref.train + ref.test
            elif ref is not None:
                try:
                    names += source.names_of((ref,))
                except DataError:  # not in this file; _check_used and column() complain when it is in none
                    continue
        return names

    def _check_used(self, key: str, items: Sequence[str | int]) -> None:
        sources = [*([self.main] if self.main is not None else []), *self.sources.values()]
        for item in items:
            if not any(self._found(source, [item]) for source in sources):
                try:
                    list(sources[0].names_of((item,)))
                except DataError as error:
                    raise DataError(f"{self.spec.path}: {key}: {error}") from error

    def _modality(self, modality: ModalitySpec, block: Block) -> Modality:
        source = self.sources[modality.name]
        what = f"modality {modality.name!r}"
        ref = self._id_ref(modality) if modality.file is not None else self.spec.id
        index = self.index(source, ref, what, absent=modality.allow_absent)
        where = f"{source.spec.path}: {what}"
        array = block.array if modality.kind in TABULAR else shaped(block.array, modality, where)
        array, present = spread(array, block.present, index)
        try:
            return Modality(
                modality.name,
                modality.kind,
                array,
                present=present,
                features=block.features,
                categories=block.categories,
            )
        except DataError as error:
            raise DataError(f"{source.spec.path}: {error}") from error


def _some(values: Sequence[str]) -> str:
    return ", ".join(map(repr, values[:5])) + (", ..." if len(values) > 5 else "")
