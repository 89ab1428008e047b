"""What a job costs: wall and CPU seconds by phase, peak memory above the process's own baseline, prediction latency."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.methods.base import Method

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_LATENCY_REPEATS = 9
_LATENCY_SECONDS = 0.3
_BATCH = 1000


@dataclass
class Meter:
    """Collects the cost columns of one job. Made first thing in the child, so that its baseline is the empty child."""

    cost: dict[str, float] = field(default_factory=dict)
    baseline: int = field(default_factory=lambda: memory("VmRSS"))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase: ``{name}_wall`` and ``{name}_cpu`` in seconds, CPU of all threads and ended subprocesses."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        try:
            yield
        finally:
            self.cost[f"{name}_wall"] = time.perf_counter() - wall
            self.cost[f"{name}_cpu"] = _cpu_seconds() - cpu

    def charge(self, name: str, wall: float, cpu: float) -> None:
        """Add seconds to a phase that has ended: what others paid for it."""
        self.cost[f"{name}_wall"] += wall
        self.cost[f"{name}_cpu"] += cpu

    def forget_peak(self) -> None:
        """Let the peak begin anew here (Linux only): tuning may keep things that a fit alone would not."""
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # what tuning freed and the C library still holds is not the fit's either
        with suppress(OSError):
            _CLEAR.write_text("5")  # what proc(5) gives for "reset the peak resident set size"

    def peak(self) -> None:
        """Note the peak since it last began, in bytes above the baseline."""
        self.cost["peak_memory"] = float(max(0, memory("VmHWM") - self.baseline))

    def latency(self, method: Method, samples: Samples) -> None:
        """Median seconds to predict one row, and seconds for a thousand (rows repeated where there are fewer)."""
        one = samples[:1]
        method.predict_proba(one)  # first calls allocate and compile; what a running service pays is the next ones
        self.cost["latency_one"] = median(_timings(lambda: method.predict_proba(one)))
        thousand = samples[np.arange(_BATCH) % len(samples)]
        self.cost["latency_thousand"] = next(_timings(lambda: method.predict_proba(thousand)))


def memory(what: str) -> int:
    """A process's own figure in bytes: ``VmRSS`` (resident now), ``VmHWM`` (its peak) or ``VmSize`` (address space).

    Read from the kernel's status of this process: figures from ``wait4`` are those of a large parent before the exec.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def _cpu_seconds() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _timings(call: Callable[[], object]) -> Iterator[float]:
    began = time.perf_counter()
    for _ in range(_LATENCY_REPEATS):
        start = time.perf_counter()
        call()
        yield time.perf_counter() - start
        if time.perf_counter() - began > _LATENCY_SECONDS:
            return
