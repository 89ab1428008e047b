"""What a run shows while it goes: what runs, what is done, what failed, and an estimate of the time left."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from .engine import Ended, Event, Started
from .job import Job
from .outcome import Status
from .units import human_seconds

_BAD = (Status.FAILED, Status.TIMEOUT, Status.OUT_OF_MEMORY)
_PLAIN_EVERY = 15.0


class Estimate:
    """Seconds left, from how long the same method took on the same task, else the method, else any job."""

    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._left: Counter[tuple[str, str, int]] = Counter(map(_sort, jobs))
        self._workers = workers
        self._seen: dict[object, list[float]] = defaultdict(list)

    def ended(self, job: Job, seconds: float) -> None:
        """Learn from a job that took so long."""
        self._left[_sort(job)] -= 1
        for level in (_sort(job), job.label, None):
            self._seen[level].append(seconds)

    def left(self) -> float | None:
        """Seconds left; None before anything has ended."""
        if not self._seen[None]:
            return None
        total = 0.0
        for sort, count in self._left.items():
            known = next(seen for level in (sort, sort[1], None) if (seen := self._seen.get(level)))
            total += count * sum(known) / len(known)
        return total / self._workers


def _sort(job: Job) -> tuple[str, str, int]:
    return job.task, job.label, len(job.modalities)


class RunProgress:
    """Shows a run's events: a live panel on a terminal, a line now and then elsewhere. Use as a context manager."""

    def __init__(self, console: Console, jobs: Sequence[Job], done: int, workers: int, *, quiet: bool = False) -> None:
        self.console, self.workers, self.quiet = console, workers, quiet
        self.total, self.before = len(jobs) + done, done
        self.counts: Counter[Status] = Counter()
        self.running: dict[str, tuple[Job, float]] = {}
        self.estimate = Estimate(jobs, workers)
        self.told = time.monotonic()
        self.bar = Progress(
            TextColumn("[bold]{task.completed:.0f}[/]/{task.total:.0f} jobs"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            console=console,
        )
        self.task = self.bar.add_task("", total=max(self.total, 1), completed=done)
        live = console.is_terminal and not quiet
        self.live = Live(self._show(), console=console, refresh_per_second=4, transient=True) if live else None

    def __enter__(self) -> Self:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    @property
    def ended(self) -> int:
        """Jobs that have ended in this run."""
        return sum(self.counts.values())

    def __call__(self, event: Event) -> None:
        """Take in one event of the engine."""
        if isinstance(event, Started):
            self.running[event.ticket.job.key] = (event.ticket.job, time.monotonic())
        elif isinstance(event, Ended):
            self._end(event)
        if self.live is not None:
            self.live.update(self._show())
        elif not self.quiet and time.monotonic() - self.told > _PLAIN_EVERY:
            self.told = time.monotonic()
            self.console.print(f"{self.before + self.ended}/{self.total} jobs, {self._words()}")

    def _end(self, event: Ended) -> None:
        job, outcome = event.ticket.job, event.outcome
        self.running.pop(job.key, None)
        self.counts[outcome.status] += 1
        self.estimate.ended(job, outcome.elapsed)
        self.bar.update(self.task, completed=self.before + self.ended)
        if outcome.status in _BAD and not self.quiet:
            self.console.print(f"[red]{outcome.status}[/] {escape(job.what)}: {escape(outcome.reason)}")

    def _words(self) -> str:
        parts = [f"{count} {status}" for status, count in sorted(self.counts.items()) if status is not Status.OK]
        left = self.estimate.left()
        if left is not None and self.before + self.ended < self.total:
            parts.append(f"about {human_seconds(left)} left")
        return ", ".join(parts) or ("" if self.running else "importing packages")

    def _show(self) -> RenderableType:
        self.bar.update(self.task, description=self._words())
        now = time.monotonic()
        lines = [
            Text(f"  {job.what}  {human_seconds(now - began)}", style="dim")
            for job, began in list(self.running.values())
        ]
        return Group(self.bar, *lines)
