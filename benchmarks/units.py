"""Durations and sizes as people write them: 90s, 2m, 1.5h; 500M, 4G."""

from __future__ import annotations

import re

from fusebench.datasets.errors import DataError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES = {"": 2**30, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


def seconds(text: str | float) -> float:
    """Seconds of ``90``, ``"90s"``, ``"2m"`` or ``"1.5h"``; DataError when it is none of these or not positive."""
    return _parse(text, _SECONDS, "a duration such as 90s, 2m or 1.5h")


def size_in_bytes(text: str | float) -> int:
    """Bytes of ``"500M"`` or ``"4G"``; a bare number counts GiB. DataError when it is none of these or not positive."""
    return int(_parse(text, _BYTES, "a size such as 500M or 4G"))


def _parse(text: str | float, units: dict[str, float] | dict[str, int], expected: str) -> float:
    match = _NUMBER.fullmatch(str(text))
    unit = match.group(2).lower().removesuffix("b").removesuffix("i") if match else ""
    if match is None or unit not in units or float(match.group(1)) <= 0:
        raise DataError(f"{text!r} is not {expected}")
    return float(match.group(1)) * units[unit]


def human_seconds(value: float) -> str:
    """A duration in two figures that people read at a glance."""
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{int(value // 3600)} h {int(value % 3600 // 60):02d} min"
