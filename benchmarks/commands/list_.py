"""``fusebench list``: methods, tasks, suites and metrics, without importing any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fusebench.datasets.errors import DataError
from fusebench.datasets.registry import task_registry
from fusebench.methods.registry import cure, method_registry, missing_packages

from ._terminal import add_plugins, console, json_option, plugin_option, print_json, table

Record = dict[str, Any]


@click.command(
    "list",
    epilog="""\b
Examples:
  fusebench list methods
  fusebench list methods --plugin my_method.py
  fusebench list tasks --json
""",
)
@click.argument("what", type=click.Choice(["methods", "tasks", "suites", "metrics"]))
@plugin_option
@json_option
def list_command(what: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """List methods, tasks, suites or metrics.

    A plugin that cannot be read is listed with its reason; a method whose packages are not installed, with the command
    that installs them.
    """
    if plugins and what not in ("methods", "tasks"):
        raise click.UsageError(f"--plugin adds methods or tasks, not {what}")
    collect, heads = _LISTS[what]
    records = collect(plugins)
    if as_json:
        print_json(records)
        return
    whole = [r for r in records if not r.get("broken")]
    out = console()
    out.print(table([head.capitalize() for head in heads], ([_cell(r[head]) for head in heads] for r in whole)))
    for record in records:
        if record.get("broken"):
            out.print(f"✗ {record['name']} ({record['file']}): {record['broken']}", style="red", markup=False)


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _methods(plugins: Iterable[Path]) -> list[Record]:
    registry = method_registry()
    add_plugins(registry, plugins)
    records = []
    for name in registry.names():
        found = registry.get(name)
        card = found.card
        assert card is not None  # names() are those that could be read
        missing = missing_packages(card)
        records.append(
            {
                "name": name,
                "title": card.title,
                "family": card.family,
                "fusion": card.fusion,
                "role": card.role,
                "summary": card.summary,
                "installed": not missing,
                "missing": list(missing),
                "cure": cure(card) if missing else "",
                "status": f"needs {', '.join(missing)}: {cure(card)}" if missing else "ready",
                "file": str(found.path),
            }
        )
    return records + _broken(registry.broken())


def _tasks(plugins: Iterable[Path]) -> list[Record]:
    from fusebench.datasets.fetch.catalogue import COHORTS

    registry = task_registry()
    add_plugins(registry, plugins)
    records = []
    for name in registry.names():
        found = registry.get(name)
        card = found.card
        assert card is not None
        records.append(
            {
                "name": name,
                "title": card.title,
                "disease": card.disease,
                "planted": card.planted,
                "sort": "planted" if card.planted else "open" if name in COHORTS else "real",
                "description": card.description,
                "licence": card.licence,
                "file": str(found.path),
            }
        )
    return records + _broken(registry.broken())


def _broken(found: Any) -> list[Record]:
    return [{"name": name, "file": str(one.path), "broken": one.broken} for name, one in found.items()]


def _suites(plugins: Iterable[Path]) -> list[Record]:
    from ..suite import SUITES, load_suite, suite_names

    records: list[Record] = []
    for name in suite_names():
        try:
            suite = load_suite(name)
        except DataError as error:
            records.append({"name": name, "file": str(SUITES / f"{name}.toml"), "broken": str(error)})
            continue
        records.append(
            {
                "name": name,
                "title": suite.title,
                "tasks": [task.name for task in suite.tasks],
                "methods": [method.label for method in suite.methods] or ["all"],
                "description": suite.description,
            }
        )
    return records


def _metrics(plugins: Iterable[Path]) -> list[Record]:
    from fusebench.reports.metrics.cards import METRIC_CARDS

    return [{**asdict(card), "name": card.key, "best": _BEST[card.direction]} for card in METRIC_CARDS]


_BEST = {"higher": "high", "lower": "low", "zero": "near zero"}

_LISTS: dict[str, tuple[Callable[[Iterable[Path]], list[Record]], tuple[str, ...]]] = {
    "methods": (_methods, ("name", "title", "family", "fusion", "status")),
    "tasks": (_tasks, ("name", "title", "sort", "disease")),
    "suites": (_suites, ("name", "title", "tasks", "methods", "description")),
    "metrics": (_metrics, ("name", "title", "best", "group", "description")),
}
