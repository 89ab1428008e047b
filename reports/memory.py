"""What several sections of a report ask for, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

Value = TypeVar("Value")
Key = tuple[str, str]
"""What it is, and the metric that it is about."""


class Memory:
    """Values by what they are; nothing is ever forgotten, and a value that is None is a value."""

    def __init__(self) -> None:
        self._kept: dict[Key, Any] = {}

    def once(self, what: str, metric: str, make: Callable[[], Value]) -> Value:
        """The value of this name and metric: made where it was not asked for before."""
        if (what, metric) not in self._kept:
            self._kept[what, metric] = make()
        return cast(Value, self._kept[what, metric])

    @property
    def kept(self) -> Mapping[Key, Any]:
        """All values, to be sent to another process."""
        return dict(self._kept)

    def take(self, kept: Mapping[Key, Any]) -> None:
        """Take over values that were made elsewhere from the same outcomes."""
        self._kept.update(kept)
