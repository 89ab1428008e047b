"""The local engine: one child of a warm fork server for each job, with a time and a memory limit."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .engine import Ended, Event, Limits, Started, Tick
from .hardware import cores
from .outcome import Outcome, Status
from .worker import Ticket, outcome_of

_TICK = 0.2
_RESTARTS = 3
_SERVER_DIED: dict[str, Any] = {"signal": 0, "code": 0}
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


class ServerLostError(RuntimeError):
    """The fork server keeps dying; its last words are in the message."""


@dataclass
class _Running:
    ticket: Ticket
    began: float
    pid: int = 0
    baseline: int = 0
    ended_by: Status | None = None
    reason: str = ""


@dataclass
class LocalEngine:
    """Runs jobs on this machine.

    Parameters
    ----------
    workers: children at a time; never more than cores divided by threads.
    threads: threads a child may use, the same whatever the number of workers: BLAS gives other bits with other threads.
    limits: of each job.
    preload: modules the fork server imports before the first job.
    """

    workers: int = 1
    threads: int = 1
    limits: Limits = field(default_factory=Limits)
    preload: Sequence[str] = ()

    def run(self, tickets: Sequence[Ticket]) -> Iterator[Event]:
        """Yield events until every ticket has ended; see ``Engine``.

        A job whose child is killed by someone else, or whose server dies, is run once more before that becomes its
        outcome.

        Raises
        ------
        ServerLostError: the fork server dies before it runs anything.
        """
        with tempfile.TemporaryDirectory(prefix="fusebench-") as folder:
            session = Session(self, Path(folder))
            try:
                yield from session.run(tickets)
            finally:
                session.close()

    @property
    def slots(self) -> int:
        """How many children really run at a time."""
        return max(1, min(self.workers, cores() // self.threads))


class Session:
    """A fork server and what runs under it; takes one list of tickets after another.

    Parameters
    ----------
    engine: workers, threads, limits and modules to preload.
    folder: for tickets, outcomes and logs on their way.
    """

    def __init__(self, engine: LocalEngine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.server = _Server(engine.preload, engine.threads)
        self.running: dict[str, _Running] = {}
        self.tried_twice: set[str] = set()
        self.suspects: set[str] = set()
        self.lost = 0

    def close(self) -> None:
        """End the server, and with it whatever still runs."""
        self.server.close()

    def run(self, tickets: Sequence[Ticket]) -> Iterator[Event]:
        """Yield events until every ticket has ended; see ``Engine``."""
        waiting = deque(tickets)
        while waiting or self.running:
            while waiting and self._room(waiting[0]):
                self._start(waiting.popleft())
            answers = self.server.answers(_TICK)
            if answers is None:
                for running in self._restart():
                    if running.ticket.job.key in self.suspects:
                        yield Ended(running.ticket, self._outcome(running, _SERVER_DIED))
                    else:
                        self.suspects.add(running.ticket.job.key)
                        waiting.appendleft(running.ticket)
                continue
            for answer in answers:
                if "started" in answer and answer["started"] in self.running:
                    running = self.running[answer["started"]]
                    running.pid, running.began = answer["pid"], time.monotonic()
                    running.baseline = _resident(running.pid)
                    yield Started(running.ticket)
                elif "ended" in answer:
                    running = self.running.pop(answer["ended"])
                    if self._again(running, answer):
                        waiting.appendleft(running.ticket)
                    else:
                        yield Ended(running.ticket, self._outcome(running, answer))
            self._enforce()
            yield Tick()

    def _path(self, ticket: Ticket, suffix: str) -> Path:
        return self.folder / f"{ticket.job.key}.{suffix}"

    def _start(self, ticket: Ticket) -> None:
        for suffix in ("outcome", "log", "phase"):
            self._path(ticket, suffix).unlink(missing_ok=True)
        self._path(ticket, "ticket").write_text(ticket.to_json())
        self.running[ticket.job.key] = _Running(ticket, time.monotonic())
        self.server.order(
            run=ticket.job.key,
            ticket=str(self._path(ticket, "ticket")),
            outcome=str(self._path(ticket, "outcome")),
            log=str(self._path(ticket, "log")),
            memory=self.engine.limits.memory if ticket.device == "cpu" else 0,
        )

    def _room(self, ticket: Ticket) -> bool:
        """Whether the ticket may start now; one that ran when a server died runs alone, so that the guilty is found."""
        alone = ticket.job.key in self.suspects or any(key in self.suspects for key in self.running)
        return not self.running if alone else len(self.running) < self.engine.slots

    def _restart(self) -> list[_Running]:
        """A new server after the old one died; gives what ran under the old one."""
        self.lost = 0 if self.running else self.lost + 1
        if self.lost > _RESTARTS:
            raise ServerLostError(f"the process that starts the jobs cannot be kept alive: {self.server.last_words()}")
        self.server.close()
        self.server = _Server(self.engine.preload, self.engine.threads)
        dead = list(self.running.values())
        self.running.clear()
        return dead

    def _enforce(self) -> None:
        """End the jobs that have used up their time or memory."""
        limits, now = self.engine.limits, time.monotonic()
        for key, running in self.running.items():
            if not running.pid or running.ended_by is not None:
                continue
            if now - running.began > limits.seconds:
                running.ended_by, running.reason = Status.TIMEOUT, f"ended after its time limit of {limits.seconds:g} s"
            elif _resident(running.pid) - running.baseline > limits.memory:
                running.ended_by = Status.OUT_OF_MEMORY
                running.reason = f"ended above its memory limit of {limits.memory / 2**30:g} GiB"
            if running.ended_by is not None:
                self.server.order(kill=key)

    def _again(self, running: _Running, answer: dict[str, Any]) -> bool:
        """Whether a job that somebody else killed deserves its second try."""
        key = running.ticket.job.key
        if answer["signal"] != 9 or running.ended_by is not None or key in self.tried_twice:
            return False
        if self._path(running.ticket, "outcome").exists():
            return False
        self.tried_twice.add(key)
        return True

    def _outcome(self, running: _Running, answer: dict[str, Any]) -> Outcome:
        ticket = running.ticket
        path = self._path(ticket, "outcome")
        log = self._path(ticket, "log")
        elapsed = time.monotonic() - running.began
        printed = log.read_text(errors="replace")[-4000:] if log.exists() else ""
        if path.exists():
            outcome = Outcome.from_bytes(path.read_bytes())
            outcome.log = outcome.log or (printed if outcome.status is not Status.OK else "")
            if outcome.status is Status.OUT_OF_MEMORY:
                outcome.reason += f" (memory limit {self.engine.limits.memory / 2**30:g} GiB)"
        else:
            status, reason = self._autopsy(running, answer)
            phase = self._path(ticket, "phase")
            outcome = outcome_of(
                ticket,
                status,
                phase=phase.read_text() if phase.exists() else "import",
                reason=reason,
                log=printed,
                elapsed=elapsed,
            )
        for suffix in ("ticket", "outcome", "log", "phase"):
            self._path(ticket, suffix).unlink(missing_ok=True)
        return outcome

    def _autopsy(self, running: _Running, answer: dict[str, Any]) -> tuple[Status, str]:
        """Why a child left no outcome."""
        if running.ended_by is not None:
            return running.ended_by, running.reason
        if answer is _SERVER_DIED:
            return Status.FAILED, "the process that starts the jobs died twice while this one ran"
        if answer["signal"] == 9:
            return (
                Status.OUT_OF_MEMORY,
                "killed twice from outside (signal 9), most likely by the kernel for lack of memory",
            )
        if answer["signal"]:
            return Status.FAILED, f"crashed with signal {answer['signal']}"
        return Status.FAILED, f"ended the process with exit code {answer['code']} before leaving a result"


class _Server:
    """The driver's end of the fork server."""

    def __init__(self, preload: Sequence[str], threads: int) -> None:
        environment = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads)), "PYTHONHASHSEED": "0"}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fusebench.benchmarks.forkserver", *preload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,  # a Ctrl-C in the terminal is for the driver alone
        )
        self._pending = b""

    def order(self, **order: Any) -> None:
        """Send one order; a server that has died is noticed when its answers are asked for."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def answers(self, wait: float) -> list[dict[str, Any]] | None:
        """What the server said within ``wait`` seconds, perhaps nothing; None when it is gone."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        if not select.select([handle], [], [], wait)[0]:
            return []
        data = os.read(handle, 65536)
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def last_words(self) -> str:
        """The end of what the server wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-500:] or "it said nothing"

    def close(self) -> None:
        """Let the server end its children and itself."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def _resident(pid: int) -> int:
    """Resident bytes of a process; 0 when it is gone or the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
