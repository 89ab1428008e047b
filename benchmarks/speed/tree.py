"""Peak memory of a process with all its children, sampled while it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_PAUSE = 0.5


def peak_of(command: Sequence[str]) -> int:
    """Run a command to its end; the most bytes that it and its children held together, sampled every half second.

    Pages that several of them share count once (PSS). Linux only.

    Raises
    ------
    subprocess.CalledProcessError: the command failed; its error output is in it.
    """
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while True:
            try:
                _, told = process.communicate(timeout=_PAUSE)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, sum(map(_share, _family(process.pid))))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), stderr=told)
    return peak


def _family(pid: int) -> Iterator[int]:
    """The process and all that come from it."""
    yield pid
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return


def _share(pid: int) -> int:
    """Bytes of a process, with its share of what it shares with others; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
