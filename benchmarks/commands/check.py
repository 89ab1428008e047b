"""``fusebench check``: the conformance suite over one method or over the methods of a file."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from fusebench.datasets.errors import UnknownNameError
from fusebench.methods.registry import method_registry

from ._loading import load_method
from ._terminal import add_plugins, console, json_option, plugin_option, print_json

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("-", "dim")}


@click.command(
    "check",
    epilog="""\b
Examples:
  fusebench check concat-svm
  fusebench check my_method.py
  fusebench check my_method.py --only check_same_seed
""",
)
@click.argument("method", metavar="METHOD|FILE.py")
@click.option("--quick", is_flag=True, help="Draw fewer random labels and leave the slowest check out.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run only this check; may be given several times.")
@plugin_option
@json_option
def check_command(method: str, quick: bool, only: tuple[str, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """Run the conformance checks over a method, or over every method of a file.

    These are the checks that the tests of fusebench run over every method it comes with. The exit code is 1 when one
    of them fails.
    """
    registry = method_registry()
    add_plugins(registry, plugins)
    found = registry.add_file(method) if method.endswith(".py") else [registry.get(method)]
    classes = [load_method(one) for one in found]

    from fusebench.methods.conformance import CHECKS, iter_checks

    for name in only:
        if name not in (known := [check.__name__ for check in CHECKS]):
            raise UnknownNameError("check", name, known)
    out = console()
    tally: Counter[str] = Counter()
    records = []
    for cls in classes:
        if not as_json:
            out.print(f"{cls.card.name}: {cls.card.title}", style="bold", markup=False)
        for result in iter_checks(cls, quick=quick, only=only):
            tally[result.outcome] += 1
            records.append({"method": cls.card.name, **asdict(result)})
            if as_json:
                continue
            mark, style = _MARKS[result.outcome]
            told = result.summary.replace("``", "`") if result.outcome == "passed" else result.detail
            out.print(f"{mark} {result.name}: {told}", style=style, markup=False)
    if as_json:
        print_json(records)
    else:
        out.print(f"{tally['passed']} passed, {tally['failed']} failed, {tally['skipped']} skipped", style="bold")
    sys.exit(1 if tally["failed"] else 0)
