"""What the speed benchmarks share: seconds that compare, and a table of ours beside another's."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from statistics import median
from typing import TypeVar

import click
from threadpoolctl import threadpool_limits

Result = TypeVar("Result")


def timed(call: Callable[[], object]) -> float:
    """Wall seconds that a call takes, with whatever processes it waits for."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measured(call: Callable[[], Result], repeats: int = 1) -> tuple[float, Result]:
    """Median CPU seconds of some calls within this process, and what the last of them gave.

    On one thread they are what the calls take on a machine that does nothing else.
    """
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        result = call()
        seconds.append(time.process_time() - began)
    return median(seconds), result


def one_thread() -> AbstractContextManager[object]:
    """Linear algebra on one thread, whichever side asks for it; for libraries that are loaded by then."""
    return threadpool_limits(1)


def head(title: str, theirs: str) -> None:
    """What the columns of the table are: CPU seconds, their ratio, and what both found."""
    click.echo(title)
    click.echo(f"{'CPU time, one thread':24}{'ours':>12}{theirs:>12}{'faster':>10}  result")


def line(title: str, ours: float, theirs: float, result: str) -> None:
    """One row of the table."""
    click.echo(f"{title:24}{ours * 1e3:9.1f} ms{theirs * 1e3:9.0f} ms{theirs / ours:9.1f}x  {result}")


def lacks(title: str, package: str, cure: str) -> None:
    """The row of a comparison that cannot be made here."""
    click.echo(f"{title:24}{package} is not installed; get it with: {cure}")
