"""What a reader may ask of a report beside its results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Wishes of the reader.

    Parameters
    ----------
    by: columns to score subgroups by, beside those that tasks show unasked.
    silenced: codes of checks that are not to be told, such as "FB05".
    watts: power of one busy core in watts, for the model of energy; 0 leaves energy out.
    """

    by: tuple[str, ...] = ()
    silenced: frozenset[str] = frozenset()
    watts: float = 0.0
