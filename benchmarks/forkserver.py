"""The warm fork server: a process that has imported the heavy packages and forks one child a job.

It is driven by lines of JSON on its standard input and answers on its standard output; it ends, with all its children,
when its input closes, so that a driver that is killed leaves nobody behind. It has one thread and no state but the list
of living children. The standard library's own fork server is not used: its children import the user's main script.

Input: ``{"run": name, "ticket": path, "outcome": path, "log": path, "memory": bytes}`` and ``{"kill": name}``.
Output: ``{"ready": seconds}``, ``{"started": name, "pid": n}``, ``{"ended": name, "signal": n, "code": n}``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .child import run_child

ALWAYS = (
    "numpy",
    "scipy.special",
    "scipy.linalg",
    "scipy.optimize",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.svm",
    "sklearn.ensemble",
    "optuna",
)


def main(preload: Sequence[str]) -> None:
    """Serve until standard input closes; ``preload`` names modules to import first, those that fail are left out."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print on import must not be taken for an answer
    began = time.perf_counter()
    from . import worker

    for name in (*ALWAYS, *preload):
        with contextlib.suppress(Exception):  # the child that needs it fails with the reason; the others must not
            importlib.import_module(name)
    worker.prepare()
    gc.collect()
    gc.freeze()  # the collector must not touch, and so copy, every inherited page in every child
    _Server(answers).serve(time.perf_counter() - began)


class _Server:
    def __init__(self, answers: Any) -> None:
        self.answers = answers
        self.children: dict[int, str] = {}

    def serve(self, warm: float) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
        wake_read, wake_write = os.pipe()
        for end in (wake_read, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.say(ready=warm)
        pending = b""
        while True:
            readable, _, _ = select.select([0, wake_read], [], [])
            if wake_read in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 4096)
                self.reap()
            if 0 in readable:
                data = os.read(0, 65536)
                if not data:
                    break
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
        for pid in list(self.children):
            _end_group(pid)

    def obey(self, order: dict[str, Any]) -> None:
        if "kill" in order:
            for pid, name in self.children.items():
                if name == order["kill"]:
                    _end_group(pid)
            return
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.close(self.answers.fileno())
            run_child(Path(order["ticket"]), Path(order["outcome"]), Path(order["log"]), order["memory"])
        self.children[pid] = order["run"]
        self.say(started=order["run"], pid=pid)

    def reap(self) -> None:
        for pid in list(self.children):
            if hasattr(os, "waitid"):
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                _end_group(pid)  # what the job left running, while its group number cannot be anyone else's
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            name = self.children.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            self.say(ended=name, signal=max(0, -code), code=max(0, code))

    def say(self, **answer: Any) -> None:
        self.answers.write(json.dumps(answer) + "\n")


def _end_group(pid: int) -> None:
    for end in (lambda: os.killpg(pid, signal.SIGKILL), lambda: os.kill(pid, signal.SIGKILL)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end()


if __name__ == "__main__":
    main(sys.argv[1:])
