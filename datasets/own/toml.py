"""A TOML read key by key, so that every mistake is told with its place and its cure."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError


@dataclass(frozen=True)
class Keys:
    """Arrays of an NPZ that are laid end to end: all training rows, then all test rows."""

    train: tuple[str, ...]
    test: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " + ".join(self.train + self.test)


Ref = str | int | Keys
"""A column: its name, its position (1 is the first, -1 the last), or the arrays of an NPZ that hold it."""


class Section:
    """One table of the TOML; every key that is asked for is known, and any other is refused at the end."""

    def __init__(self, path: Path, name: str, table: Any) -> None:
        self.path, self.name = path, name
        self.table: dict[str, Any] = table if isinstance(table, dict) else {}
        self.known: list[str] = []
        if not isinstance(table, dict):
            self.fail("", f"needs a table of settings, got {table!r}")

    def fail(self, key: str, message: str) -> None:
        """Raise DataError with the file, the table, the key and the message."""
        place = f"[{self.name}] {key}".strip() if self.name else key
        raise DataError(f"{self.path}: {place}: {message}")

    def get(self, key: str, default: Any = None) -> Any:
        """The value as it stands; from now on the key is known."""
        self.known.append(key)
        return self.table.get(key, default)

    def typed(self, key: str, kind: type, told: str, default: Any) -> Any:
        """A value of that type."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(key, f"needs {told}, got {value!r}")
        return value

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        return self.typed(key, str, 'a text in quotes, such as "age"', default)

    def flag(self, key: str, default: bool) -> bool:
        """Either true or false."""
        return self.typed(key, bool, "true or false", default)

    def whole(self, key: str, default: int, low: int) -> int:
        """A whole number of at least ``low``."""
        value = self.typed(key, int, "a whole number", default)
        if value < low:
            self.fail(key, f"needs a whole number of at least {low}, got {value}")
        return value

    def items(self, key: str, default: Any = ()) -> Any:
        """A list of texts or positions, or one of them alone."""
        value = self.get(key)
        if value is None:
            return default
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, str | int) or isinstance(item, bool):
                self.fail(key, f'needs column names or positions, such as ["age", "x*", "a:f", -1], got {item!r}')
            if item == 0 and isinstance(item, int):
                self.fail(key, "position 0 does not exist; 1 is the first column and -1 the last")
        return tuple(items)

    def values(self, key: str, default: Any = ()) -> Any:
        """A list of cell values as text, or one alone."""
        value = self.get(key)
        if value is None:
            return default
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, str | int | float | bool):
                self.fail(key, f"needs values of cells, got {item!r}")
        return tuple(str(item) for item in items)

    def ref(self, key: str) -> Ref | None:
        """A column by name or position, or the train and test parts of an NPZ."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return self.keys(key, value)
        if not isinstance(value, str | int) or isinstance(value, bool) or value in (0, ""):
            self.fail(key, f"needs a column: its name, or its position (1 is the first, -1 the last); got {value!r}")
        return value

    def keys(self, key: str, value: dict[str, Any]) -> Keys:
        """The train and test parts of an NPZ."""
        inner = Section(self.path, f"{self.name}.{key}".strip("."), value)
        keys = Keys(inner.items("train"), inner.items("test"))
        inner.done()
        if not keys.train:
            inner.fail("train", "name the array (or arrays) that hold the training rows")
        return keys

    def choice(self, key: str, options: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.text(key, default)
        if value not in options:
            close = difflib.get_close_matches(value, options, n=1)
            told = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(options)}"
            self.fail(key, f"{value!r} is not known; {told}")
        return value

    def done(self) -> None:
        """Refuse every key that nothing asked for."""
        for key in self.table:
            if key not in self.known:
                close = difflib.get_close_matches(key, self.known, n=1, cutoff=0.5)
                told = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(set(self.known)))}"
                self.fail(key, f"no such key; {told}")


def load_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says; DataError when it is missing, not TOML or not UTF-8."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give the TOML file that describes the data")
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the TOML file that describes the data")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not valid TOML: {error}; correct that line (texts need quotes)") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from error
