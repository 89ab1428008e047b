"""Patterns of paths, such as "{id}/anat/{id}_T1w.nii.gz"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from ..errors import DataError

ENDINGS = (".nii.gz", ".nii", ".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".tsv", ".csv")
"""Of the files that a row can be read from, in small letters; a sidecar (.json) is none."""

Part = Callable[[Mapping[str, str]], re.Pattern[str]]
"""The names that fit one part of a path, given what stands at the placeholders of the parts above."""

_PLACE = re.compile(r"\{([a-z_]+)\}|(\*)|(\?)")


def split_pattern(pattern: str) -> list[Part]:
    """A pattern part by part, checked.

    Raises
    ------
    DataError: it leaves the folder, goes to any depth, has no {id}, or a brace that is no placeholder.
    """
    parts = pattern.split("/")
    if pattern.startswith(("/", "~", "\\")) or ".." in parts or ":" in parts[0]:
        raise DataError(f"{pattern!r} leaves the folder; begin the pattern inside it, or name another folder")
    if "**" in pattern or "" in parts or "." in parts:
        raise DataError(f"{pattern!r} is not a pattern; write one part for each folder on the way, as in */{{id}}.png")
    if re.search(r"[{}]", _PLACE.sub("", pattern)):
        raise DataError(f"{pattern!r} has a brace that is no placeholder; write names in small letters, as in {{id}}")
    if "{id}" not in pattern:
        raise DataError(f"{pattern!r} does not say where the subject's id stands; write {{id}} there")
    return [partial(_regex, part) for part in parts]


def _regex(part: str, known: Mapping[str, str]) -> re.Pattern[str]:
    """One part of a pattern; what is known from the parts above must be the same here."""
    seen: set[str] = set()

    def piece(match: re.Match[str]) -> str:
        name, star, _ = match.groups()
        if name in known:
            return re.escape(known[name])
        if name in seen:
            return f"(?P={name})"
        if name:
            seen.add(name)
            return f"(?P<{name}>.+)"
        return ".*" if star else "."

    text, end = "", 0
    for match in _PLACE.finditer(part):
        text += re.escape(part[end : match.start()]) + piece(match)
        end = match.end()
    return re.compile(text + re.escape(part[end:]), re.DOTALL)
