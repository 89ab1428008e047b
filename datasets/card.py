"""What a reader must know about a task, as data that can be read without importing the task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A figure that somebody published for a task: a claim to stand beside what is measured, never a target."""

    what: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class TaskCard:
    """The card of a task.

    ``name`` is the key on the command line; ``embedded`` says that nothing is downloaded and no file is needed.
    All arguments in a task's file are literals: the registry reads them without running the file.
    """

    name: str
    title: str
    description: str = ""
    origin: str = ""
    licence: str = ""
    citation: str = ""
    url: str = ""
    disease: str = ""
    planted: bool = False
    published: tuple[Published, ...] = ()
    caveats: tuple[str, ...] = ()
