"""``fusebench show``: everything that is known of one method or one task."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fusebench.datasets.plugins import Found
from fusebench.datasets.registry import load_task, task_registry
from fusebench.methods.card import MethodCard
from fusebench.methods.registry import cure, method_registry, missing_packages
from fusebench.methods.space import Choice, Real, Whole

from ._loading import load_method
from ._terminal import add_plugins, console, facts, json_option, plugin_option, print_json, table


@click.group(
    "show",
    epilog="""\b
Examples:
  fusebench show method concat-svm
  fusebench show task breast-cancer
""",
)
def show_command() -> None:
    """Show everything that is known of a method or a task."""


@show_command.command(
    "method",
    epilog="""\b
Examples:
  fusebench show method concat-svm
  fusebench show method mine --plugin mine.py --json
""",
)
@click.argument("name")
@plugin_option
@json_option
def show_method(name: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Show a method's card, its settings, and what may be tuned."""
    registry = method_registry()
    add_plugins(registry, plugins)
    found = registry.get(name)
    record = method_record(found)
    if as_json:
        print_json(record)
        return
    out = console()
    most = record["most"] or "any number"
    out.print(
        facts(
            [
                ("method", f"{record['title']} ({record['name']})"),
                ("family", f"{record['family']}, fusion: {record['fusion']}, role: {record['role']}"),
                ("mechanism", record["summary"]),
                ("after", record["citation"]),
                ("inferred", record["inferred"]),
                ("takes", f"{', '.join(record['kinds'])}; modalities: {record['least']} to {most}"),
                ("missing", f"handles {record['handles_missing']}"),
                ("transductive", "yes: it sees the features of test rows" if record["transductive"] else ""),
                ("needs", f"{', '.join(record['missing'])}: {record['cure']}" if record["missing"] else ""),
                ("file", record["file"]),
            ]
        )
    )
    if record["settings"]:
        out.print()
        space = record["search_space"]
        rows = [[key, repr(value), _range(space.get(key))] for key, value in record["settings"].items()]
        out.print(table(["Setting", "Default", "Tuned over"], rows))
    if record["claims"]:
        out.print()
        rows = [[c["what"], c["metric"], str(c["value"]), c["source"]] for c in record["claims"]]
        out.print(table(["Claimed, not measured here", "Metric", "Value", "Source"], rows))


def method_record(found: Found[MethodCard]) -> dict[str, Any]:
    """The card with settings and search space; these two are empty while packages are missing."""
    card = found.card
    assert card is not None  # get() gives only what could be read
    missing = missing_packages(card)
    record: dict[str, Any] = {**asdict(card), "file": str(found.path), "missing": list(missing)}
    record |= {"cure": cure(card) if missing else "", "settings": {}, "search_space": {}}
    if not missing:
        cls = load_method(found)
        record["settings"] = cls().get_params(deep=False)
        record["search_space"] = {
            key: {"type": type(range_).__name__.lower(), **asdict(range_)} for key, range_ in _space(cls).items()
        }
    return record


def _space(cls: Any) -> dict[str, Real | Whole | Choice]:
    return dict(cls.search_space())


def _range(space: dict[str, Any] | None) -> str:
    if space is None:
        return ""
    if space["type"] == "choice":
        return " | ".join(map(repr, space["options"]))
    return f"{space['low']} to {space['high']}" + (", log scale" if space["log"] else "")


@show_command.command(
    "task",
    epilog="""\b
Examples:
  fusebench show task breast-cancer
  fusebench show task my-task.toml --json
""",
)
@click.argument("name")
@plugin_option
@json_option
def show_task(name: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Show a task's card, modalities, classes and splits. NAME may be the TOML of your own data."""
    add_plugins(task_registry(), plugins)
    task = load_task(name)

    from fusebench.datasets.validate import describe

    from ._task_page import print_task

    report, card = describe(task), task.card
    if as_json:
        print_json({"card": asdict(card), "bayes": dict(task.bayes), **asdict(report)})
        return
    out = console()
    out.print(
        facts(
            [
                ("title", card.title),
                ("what", card.description),
                ("origin", card.origin),
                ("licence", card.licence),
                ("citation", card.citation),
                ("url", card.url),
                ("disease", card.disease),
                ("best possible", ", ".join(f"{metric} {value:.4g}" for metric, value in task.bayes.items())),
                *(("beware", caveat) for caveat in card.caveats),
            ]
        )
    )
    print_task(out, report)
    if card.published:
        out.print()
        rows = [[p.what, p.metric, str(p.value), p.source] for p in card.published]
        out.print(table(["Published, not measured here", "Metric", "Value", "Source"], rows))
