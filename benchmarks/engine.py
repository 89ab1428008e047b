"""The one interface behind which jobs are run: local processes, or another engine for many machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .outcome import Outcome
from .worker import Ticket


@dataclass(frozen=True)
class Started:
    """A job has begun to run."""

    ticket: Ticket


@dataclass(frozen=True)
class Ended:
    """A job has ended, one way or another."""

    ticket: Ticket
    outcome: Outcome


@dataclass(frozen=True)
class Tick:
    """Nothing has ended for a moment; lets the driver show the time and notice Ctrl-C."""


Event = Started | Ended | Tick


@dataclass(frozen=True)
class Limits:
    """What one job may take: wall seconds, and bytes above the empty process."""

    seconds: float = 600.0
    memory: int = 4 * 2**30


class Engine(Protocol):
    """Runs tickets in any order and reports what happens; every ticket ends exactly once."""

    def run(self, tickets: Sequence[Ticket]) -> Iterator[Event]:
        """Yield events until every ticket has ended. Closing the generator ends all that still runs."""
        ...
