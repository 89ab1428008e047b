"""What the commands share: a console, tables, JSON, plugins given on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fusebench.datasets.plugins import Registry

_PIPE_WIDTH = 200

plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A Python file with methods or tasks of your own; may be given several times.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def console() -> Console:
    """A console on standard output; through a pipe it is wide, so that nothing is cut."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False)


def print_json(data: Any) -> None:
    """Print data as JSON with two spaces of indent."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def add_plugins(registry: Registry[Any], plugins: Iterable[Path]) -> None:
    """Add the user's files to the registry; DataError when one is missing or holds nothing of the kind."""
    for path in plugins:
        registry.add_file(path)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str = "") -> Table:
    """A plain table; cells are shown as they are, never read as markup."""
    made = Table(
        title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns, a name and what is known; rows without anything known are left out."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(Text(name), Text(value))
    return made
