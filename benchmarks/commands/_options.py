"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("fusebench-results"),
    show_default=True,
    help="Folder of the results.",
)
