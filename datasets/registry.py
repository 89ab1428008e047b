"""All tasks by name: embedded, planted, from a file, or from another package.

A task's file holds ``card = TaskCard(...)`` and ``def load(**options) -> Task``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .card import Published, TaskCard
from .errors import DataError
from .plugins import Registry

if TYPE_CHECKING:
    from .task import Task


@cache
def task_registry() -> Registry[TaskCard]:
    """The one registry of tasks of this process."""
    return Registry("task", TaskCard, "fusebench.datasets", "fusebench.datasets", nested=(Published,))


def load_task(name: str, **options: Any) -> Task:
    """The task of that name, or of that TOML or Python file.

    Parameters
    ----------
    name: a task's name; the path of a TOML that describes own data; the path of a Python file that is a task plugin.
    options: settings of the task's ``load``, such as ``n`` of a planted task.

    Raises
    ------
    UnknownNameError: no such task; the message suggests close names.
    DataError: the data cannot be used, or an option does not exist.
    """
    if name.endswith(".toml"):
        from .own import read_task

        if options:
            raise DataError(f"{name}: a task from a TOML takes no options; write them into the file")
        return read_task(Path(name))
    if name.endswith(".py"):
        found = task_registry().add_file(name)[0]
        name = task_registry().get(found.name).name
    module = task_registry().get(name).load()
    try:
        return module.load(**options)
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            raise DataError(f"task {name!r}: {error}; see `fusebench show task {name}`") from error
        raise
