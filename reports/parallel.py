"""Independent pieces of a report on all cores, in forked children that inherit what they work on."""

from __future__ import annotations

import gc
import os
import pickle
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LEAST = 4
_PARENT = os.getpid()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_forked(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``[function(item) for item in items]``, with the items dealt out to forked children where there are several.

    Function and items are inherited; only results travel, through files that nobody else can read. What a child does
    not bring back, because it died or failed, is done here, so that an error is raised where it can be seen.
    """
    workers = min(cores(), len(items))
    # Beneath a few items starting children takes longer than they save; children do not fork once more.
    if workers < 2 or len(items) < LEAST or not hasattr(os, "fork") or os.getpid() != _PARENT:
        return [function(item) for item in items]
    gc.freeze()  # or the first collection in a child writes to, and so copies, every page that it shares
    try:
        found = _dealt(function, items, workers)
    finally:
        gc.unfreeze()
    return [found[place] if place in found else function(item) for place, item in enumerate(items)]


def _dealt(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> dict[int, Result]:
    """What this process, with its own share of the items, and its children have brought, by place."""
    found: dict[int, Result] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(worker) for worker in range(workers)]
        children = [_start(function, items, worker, workers, files[worker]) for worker in range(1, workers)]
        for place in range(0, len(items), workers):
            found[place] = function(items[place])
        for child in children:
            os.waitpid(child, 0)
        for file in files[1:]:
            found.update(pickle.loads(file.read_bytes()) if file.exists() else {})
    return found


def _start(function: Callable[[Item], Result], items: Sequence[Item], worker: int, workers: int, file: Path) -> int:
    """Fork a child that does every ``workers``-th item; gives its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        own = {place: function(items[place]) for place in range(worker, len(items), workers)}
        draft = file.with_suffix(".draft")
        draft.write_bytes(pickle.dumps(own, protocol=pickle.HIGHEST_PROTOCOL))
        draft.replace(file)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
