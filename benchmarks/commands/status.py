"""`fusebench status`: what is done, what is missing and what failed, with its reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from ._options import out_option

_EXAMPLES = """\b
Examples:
  fusebench status                  of ./fusebench-results
  fusebench status --out results --json
  fusebench status --log            with what failed jobs printed last
"""


@click.command("status", epilog=_EXAMPLES)
@out_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--log", is_flag=True, help="Show what failed jobs printed last.")
def status_command(out: Path, as_json: bool, log: bool) -> None:
    """Tell how far the last run in a results folder is."""
    from fusebench.benchmarks.records import failures
    from fusebench.benchmarks.store import ResultStore

    with ResultStore(out) as store:
        runs = store.runs()
        last = runs[-1] if runs else None
        jobs = [job for _, job in store.planned(last["id"])] if last else []
        statuses = store.statuses()
        counts = Counter(str(statuses.get(job.key, "missing")) for job in jobs)
        bad = failures(store, last["id"]) if last else []
    if as_json:
        failed = [
            {"job": job.to_dict(), "status": str(o.status), "phase": o.phase, "reason": o.reason} for job, o in bad
        ]
        click.echo(json.dumps({"run": last, "jobs": len(jobs), "counts": counts, "failed": failed}, indent=2))
        return
    if last is None:
        click.echo(f"{out}: no run yet")
        return
    click.echo(f"last run: {last['suite']}, started {last['started']}, {len(jobs)} jobs")
    click.echo("  " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    for job, outcome in bad:
        _tell(job.what, outcome, log)
    if counts["missing"]:
        click.echo(f"to go on: {last.get('command') or 'run it again'}")
    if bad:
        click.echo(f"to run failed jobs again: {last.get('command') or 'the run'} --retry-failed")


def _tell(what: str, outcome: Any, log: bool) -> None:
    click.secho(f"  {outcome.status} in {outcome.phase}: {what}", fg="red")
    click.echo(f"    {outcome.reason}")
    if log and outcome.log:
        click.echo("\n".join(f"    | {line}" for line in outcome.log.splitlines()[-30:]))
