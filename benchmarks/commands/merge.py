"""`fusebench merge`: results of several machines or days in one file."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  fusebench merge laptop cluster --out both          then: fusebench report --out both
  fusebench report laptop cluster                    a report of both and what differs, without keeping the union"""


@click.command("merge", epilog=_EXAMPLES)
@click.argument("stores", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the merged results; a new one.")
def merge_command(stores: tuple[Path, ...], out: Path) -> None:
    """Merge the results in STORES (folders, or results files).

    A job that several of them hold is kept once: an outcome that ended well before one that did not, then the later.
    """
    from fusebench.benchmarks.merging import merge_stores

    with merge_stores(stores, out) as store:
        ended = len(store.statuses())
    click.echo(f"{store.path}: {ended} outcomes of {len(stores)} results files", err=True)
