"""The errors a user can cause and mend; each message names the place and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Data that cannot be used as it is: the message names the file or modality, the place and the cure."""


class UnknownNameError(LookupError):
    """A method, task, suite or metric of that name does not exist; the message says what was perhaps meant."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else f"known: {', '.join(known)}"
        super().__init__(f"no {what} is called {name!r}; {hint}")
