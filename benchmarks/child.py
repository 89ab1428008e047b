"""What a forked child does: takes its limits, runs its ticket, leaves its outcome in a file, and is gone."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .cost import memory

if TYPE_CHECKING:
    from .outcome import Outcome

_PR_SET_PDEATHSIG = 1
_OOM_SCORE = Path("/proc/self/oom_score_adj")


def run_child(ticket_file: Path, outcome_file: Path, log_file: Path, memory_limit: int) -> NoReturn:
    """Run the ticket in this freshly forked process; never returns.

    The outcome appears under its name only when it is whole, first without its explanation and then with it. What the
    method prints goes to the log file. A memory limit of 0 sets none (a GPU driver reserves address space far beyond
    what it uses).
    """
    code = 1
    try:
        os.setsid()  # the job and everything it starts form one group, so that one signal ends them all
        _die_with_parent()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if memory_limit and sys.platform == "linux":  # elsewhere the driver's own watch has to do
            limit = memory("VmSize") + memory_limit
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        if _OOM_SCORE.exists():
            _OOM_SCORE.write_text("500")  # if the kernel must end someone, the job and not the driver
        from .worker import Ticket, execute

        def keep(outcome: Outcome) -> None:
            draft = outcome_file.with_suffix(".draft")
            draft.write_bytes(outcome.to_bytes())
            draft.replace(outcome_file)

        phase_file = outcome_file.with_suffix(".phase")
        outcome = execute(Ticket.from_json(ticket_file.read_text()), phase_file.write_text, keep)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        keep(outcome)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _die_with_parent() -> None:
    """Ask the kernel to end this process when the server ends, however it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
