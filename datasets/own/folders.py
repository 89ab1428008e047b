"""A folder with one file for each row of the data, found by a pattern such as "{id}/anat/{id}_T1w.nii.gz"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .bids import bids_patterns
from .paths import ENDINGS, Part, split_pattern
from .sources import Block, Rules
from .spec import FileSpec, ModalitySpec
from .toml import Keys, Ref

_SHOWN = 3


@dataclass(frozen=True)
class Found:
    """A file, or a folder of slices, and what stands in its path at each placeholder of the pattern."""

    path: Path
    values: Mapping[str, str]


class Folder:
    """Files as rows; the placeholders of the pattern ({id}, {label}, {split}, ...) are the columns.

    Placeholders and ``*`` stand for as much of one part of the path as fits, ``?`` for one character; a placeholder
    that stands twice is the same both times. Links are followed as long as they stay inside the folder. Files whose
    name begins with a dot are passed over.

    Attributes
    ----------
    files: id to what was found for it.
    strangers: files beside the matching ones that the pattern does not match.

    Raises
    ------
    DataError: no such folder, nothing in it, no file that matches, two files for one id, a link out of the folder.
    """

    parts: tuple[int, int] | None = None

    def __init__(self, spec: FileSpec, asked_by: str) -> None:
        self.spec = spec
        if not spec.path.is_dir():
            near = sorted(p.name for p in spec.path.parent.glob("*") if p.is_dir())[:8]
            told = f"folders there are {', '.join(near)}" if near else "there are no folders"
            raise DataError(f"{spec.path}: no such folder ({asked_by}); {told}; correct folder, or say where it lies")
        self.root = spec.path.resolve()
        self.strangers: list[Path] = []
        patterns = bids_patterns(spec.suffix) if spec.suffix else [split_pattern(spec.pattern)]
        found = {one.path: one for parts in patterns for one in self._walk(spec.path, parts, {})}
        self.rows = [found[path] for path in sorted(found)]
        self.strangers = sorted(set(self.strangers) - set(found)) if not spec.suffix else []
        if not self.rows:
            raise DataError(f"{spec.path}: {self._nothing()} ({asked_by})")
        self.names = tuple(self.rows[0].values)
        self.files: dict[str, Found] = {}
        for one in self.rows:
            name = one.values["id"]
            if name in self.files:
                raise DataError(
                    f"{spec.path}: two files for {name!r}: {self.told(self.files[name].path)} and "
                    f"{self.told(one.path)}; {self._narrower()}"
                )
            self.files[name] = one

    def __len__(self) -> int:
        return len(self.rows)

    def told(self, path: Path) -> str:
        """A path as it stands inside the folder."""
        return path.relative_to(self.spec.path).as_posix()

    def place(self, row: int) -> str:
        """The file of a row."""
        return self.told(self.rows[row].path)

    def has(self, column: Ref) -> bool:
        """Whether the pattern has such a placeholder."""
        return column in self.names

    def names_of(self, columns: tuple[str | int, ...]) -> Iterator[str]:
        """The placeholders of those names."""
        for name in columns:
            yield self._name(name, "columns")

    def texts(self, column: Ref, what: str) -> list[str]:
        """What stands at a placeholder, one text a file."""
        name = self._name(column, what)
        return [one.values[name] for one in self.rows]

    def block(self, modality: ModalitySpec, rules: Rules) -> Block:
        """Never used: ``images`` reads the files, and only those that have a row."""
        raise DataError(f"{self.spec.path}: modality {modality.name!r}: files of a folder are no columns")

    def _name(self, column: Ref | str | int, what: str) -> str:
        if isinstance(column, Keys) or column not in self.names:
            known = ", ".join(f"{{{name}}}" for name in self.names)
            raise DataError(f"{self.spec.path}: {what}: the pattern has no {{{column}}}; it has {known}")
        return str(column)

    def _walk(self, folder: Path, parts: Sequence[Part], values: dict[str, str]) -> Iterator[Found]:
        """Whatever matches the parts of a pattern, one level of folders a part."""
        regex = parts[0](values)
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise DataError(f"{folder}: cannot be opened ({error.strerror}); allow reading it, or move it") from error
        for path in entries:
            if path.name.startswith("."):
                continue
            match = regex.fullmatch(path.name)
            if match is None:
                if len(parts) == 1 and path.name.lower().endswith(ENDINGS):
                    self.strangers.append(path)
                continue
            self._check_inside(path)
            found = {**values, **match.groupdict()}
            if len(parts) == 1:
                for slice_ in path.iterdir() if path.is_dir() else ():
                    self._check_inside(slice_)
                yield Found(path, found)
            elif path.is_dir():
                yield from self._walk(path, parts[1:], found)

    def _check_inside(self, path: Path) -> None:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{path}: is a link to a file that is not there; fetch that file, or remove the link"
            ) from error
        if not real.is_relative_to(self.root):
            raise DataError(
                f"{path}: is a link that leads out of {self.spec.path}; copy the file there, or name the folder in "
                "which it lies"
            )

    def _nothing(self) -> str:
        asked = f"suffix {self.spec.suffix!r}" if self.spec.suffix else f"pattern {self.spec.pattern!r}"
        there = sorted(p.relative_to(self.spec.path).as_posix() for p in self.spec.path.iterdir())
        if not there:
            return "the folder is empty; put the files there, or name another folder"
        more = ", ..." if len(there) > _SHOWN else ""
        return f"no file fits the {asked}; the folder holds {', '.join(there[:_SHOWN])}{more}; correct it"

    def _narrower(self) -> str:
        if self.spec.suffix:
            return 'say which with pattern instead of suffix, as in pattern = "{id}/ses-1/anat/{id}_ses-1_T1w.nii.gz"'
        return f"let the pattern (now {self.spec.pattern!r}) match one of them"
