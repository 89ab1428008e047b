"""The cluster engine: the same jobs on the workers of a Dask cluster, each isolated there as it would be at home.

Workers need the same packages, and the ``--out`` folder on a file system that all of them share. Start them with one
thread each (``dask worker ADDRESS --nworkers 8 --nthreads 1``): each keeps a warm fork server of its own.
"""

from __future__ import annotations

import atexit
import queue
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from fusebench.datasets.errors import DataError

from .engine import Ended, Event, Limits, Started, Tick
from .local import LocalEngine, Session
from .outcome import Outcome, Status
from .worker import Ticket, outcome_of

_TICK = 0.5
_HERE = threading.local()
_Inbox = queue.SimpleQueue[tuple[Ticket, Outcome]]


@dataclass
class DaskEngine:
    """Runs jobs on a Dask cluster.

    Parameters
    ----------
    address: of the scheduler, such as ``tcp://10.0.0.1:8786``.
    threads, limits, preload: as for ``LocalEngine``; the same threads give the same numbers.
    """

    address: str
    threads: int = 1
    limits: Limits = field(default_factory=Limits)
    preload: Sequence[str] = ()

    def run(self, tickets: Sequence[Ticket]) -> Iterator[Event]:
        """Yield events until every ticket has ended; see ``Engine``.

        Raises
        ------
        DataError: Dask is not installed, or nobody answers at the address.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise DataError('a cluster needs Dask; install with: pip install "fusebench[dask]"') from error
        try:
            client = Client(self.address, timeout="10s", set_as_default=False)
        except OSError as error:
            raise DataError(f"no Dask scheduler answers at {self.address}: {error}") from error
        with client:
            yield from self._run(client, tickets)

    def _run(self, client: Any, tickets: Sequence[Ticket]) -> Iterator[Event]:
        inbox: _Inbox = queue.SimpleQueue()
        engine = LocalEngine(1, self.threads, self.limits, tuple(self.preload))
        futures = []
        try:
            for ticket in tickets:
                # The key is new in each run: Dask must never answer with what it remembers of an earlier one.
                key = f"fusebench-{ticket.job.key[:16]}-{uuid4().hex[:8]}"
                future = client.submit(run_here, ticket.to_json(), engine, key=key, pure=False)
                future.add_done_callback(lambda done, ticket=ticket: inbox.put((ticket, _result(done, ticket))))
                futures.append(future)
                yield Started(ticket)
            for _ in tickets:
                yield from _next(inbox)
        finally:
            client.cancel(futures, force=True)


def _next(inbox: _Inbox) -> Iterator[Event]:
    while True:
        try:
            yield Ended(*inbox.get(timeout=_TICK))
            return
        except queue.Empty:
            yield Tick()


def _result(future: Any, ticket: Ticket) -> Outcome:
    """What a worker sent, or the failure that the cluster itself had with the job."""
    try:
        return Outcome.from_bytes(future.result())
    except BaseException as error:  # a lost worker or a cancelled task: the row says so and the run goes on
        return _failed(ticket, f"the cluster could not run it: {type(error).__name__}: {error}")


def _failed(ticket: Ticket, reason: str) -> Outcome:
    return outcome_of(ticket, Status.FAILED, phase="import", reason=" ".join(reason.split())[:500])


def run_here(text: str, engine: LocalEngine) -> bytes:
    """On a worker: run one ticket in a child of this thread's own fork server, and give the outcome as bytes."""
    ticket = Ticket.from_json(text)
    if not ticket.folder.exists():
        reason = f"{ticket.folder} is not there on this worker; --out must lie on a file system that all workers share"
        return _failed(ticket, reason).to_bytes()
    ends = [event.outcome for event in _session(engine).run([ticket]) if isinstance(event, Ended)]
    return ends[0].to_bytes()


def _session(engine: LocalEngine) -> Session:
    """The warm session of this thread; another one when the engine's settings have changed."""
    known = getattr(_HERE, "session", None)
    if known is not None and known.engine != engine:
        known.close()
        known = None
    if known is None:
        _HERE.session = known = Session(engine, Path(tempfile.mkdtemp(prefix="fusebench-")))
        atexit.register(known.close)
    return known
