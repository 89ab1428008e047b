"""A section of a report: title, text, tables and pictures, and the sentences it adds to the findings."""

from __future__ import annotations

from dataclasses import dataclass

from .figures.style import Picture
from .findings import Finding
from .table import Table


@dataclass(frozen=True)
class Part:
    """A section: its title, text, tables and pictures, in this order. ``findings`` are told at the head of its task."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.tables or self.pictures)
