"""`fusebench export`: predictions, outcomes or splits as a plain table for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ._options import out_option

if TYPE_CHECKING:
    import pandas as pd

    from fusebench.benchmarks.store import ResultStore

_EXAMPLES = """\b
Examples:
  fusebench export predictions.csv                          one line for each test row, method, repeat and fold
  fusebench export outcomes.csv --what outcomes             one line a job: status, reason, settings, cost
  fusebench export splits.csv --splits --task xor           which rows train and test, run before or not
  fusebench export edges.csv --what edges --method tan      the graphs that graphical models learnt
  fusebench export shapley.csv --what contributions         what each modality added to the predictions of test rows
  fusebench export features.csv --what attributions         which features and positions moved the predictions
  fusebench export predictions.parquet --method tan
"""


@click.command("export", epilog=_EXAMPLES)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--what",
    type=click.Choice(["predictions", "outcomes", "splits", "edges", "contributions", "attributions"]),
    default="predictions",
    show_default=True,
)
@click.option("--splits", "what", flag_value="splits", help="The same as --what splits.")
@out_option
@click.option("--task", "tasks", multiple=True, help="Only this task. Repeatable.")
@click.option("--method", "methods", multiple=True, help="Only this method. Repeatable.")
def export_command(target: Path, what: str, out: Path, tasks: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Write TARGET (.csv, .tsv or .parquet) from the results."""
    from fusebench.benchmarks.records import read_records
    from fusebench.benchmarks.store import ResultStore
    from fusebench.datasets.errors import DataError, UnknownNameError

    if target.suffix not in (".csv", ".tsv", ".parquet"):
        raise DataError(f"{target}: name a file that ends in .csv, .tsv or .parquet")
    if what == "splits":
        frame = splits(out, tasks)
        _write(frame, target)
        click.echo(f"{len(frame)} lines in {target}", err=True)
        return
    with ResultStore(out) as store:
        outcomes = read_records(store)["outcomes"]
        for asked, column in ((tasks, "task"), (methods, "method")):
            for name in asked:
                if name not in set(outcomes[column]):
                    raise UnknownNameError(column, name, set(outcomes[column]))
            if asked:
                outcomes = outcomes[outcomes[column].isin(asked)]
        frame = _FRAMES[what](store, outcomes)
    _write(frame, target)
    click.echo(f"{len(frame)} lines in {target}", err=True)


def predictions(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each test row of each outcome: row id, true class, a probability for each class."""
    import pandas as pd

    parts = []
    for row, task in _with_tasks(store, outcomes[outcomes["status"] == "ok"]):
        classes = np.array(task["info"]["classes"])
        part = {**_where(row), "id": task["ids"][row["rows"]], "true": classes[row["y"]]}
        part.update({f"p({label})": row["proba"][:, code] for code, label in enumerate(classes)})
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def contributions(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each explained test row: what its true class gets without any modality, and what each adds."""
    import pandas as pd

    parts = []
    for row, task in _with_tasks(store, outcomes[outcomes["explanation"].notna()]):
        own = row["explanation"]
        if own["shapley"] is not None:
            part = {**_where(row), "id": task["ids"][own["rows"]]}
            part["true"] = np.array(task["info"]["classes"])[task["y"][own["rows"]]]
            part["nothing"] = own["nothing"]
            part.update({f"phi({name})": own["shapley"][:, m] for m, name in enumerate(own["modalities"])})
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def attributions(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each feature, and each position of a map: its mean attribution, and of which modality."""
    import pandas as pd

    columns = [*_where({}), "modality", "what", "name", "value"]
    lines: list[tuple[Any, ...]] = []
    for row in outcomes[outcomes["explanation"].notna()].to_dict("records"):
        where = _where(row).values()
        for modality, own in row["explanation"]["attributions"].items():
            named = zip(own["names"], own["sizes"].tolist(), strict=True)
            lines += [(*where, modality, "feature", name, size) for name, size in named]
            for what in ("gradient", "cam"):
                for place, value in np.ndenumerate(own[what] if own[what] is not None else np.zeros(0)):
                    lines.append((*where, modality, what, ",".join(map(str, place)), float(value)))
    return pd.DataFrame(lines, columns=columns)


_ARRAYS = [
    "rows", "groups", "y", "proba", "val_y", "val_proba", "train_y", "train_proba", "structure", "explanation",
]  # fmt: skip


def plain_outcomes(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line an outcome, without arrays, graphs and explanations."""
    import json

    plain = outcomes.drop(columns=_ARRAYS)
    for column in ("params", "modality_weights"):
        plain[column] = [json.dumps(value) for value in plain[column]]
    for column in ("modalities", "at_edge", "notes"):
        plain[column] = ["; ".join(map(str, value)) for value in plain[column]]
    return plain


def splits(out: Path, tasks: tuple[str, ...]) -> pd.DataFrame:
    """One line for each row of each split: task, repeat, fold, id, train or test.

    Those of the results, where they hold the task; else those that a run of the default suite would make.
    """
    import pandas as pd

    from fusebench.benchmarks.store import ResultStore, results_file
    from fusebench.benchmarks.task_splits import planned_splits, stored_splits
    from fusebench.datasets.errors import DataError

    found = {}
    if results_file(out).exists():
        with ResultStore(out) as store:
            names = tasks or tuple(dict.fromkeys(job.task for _, job in store.planned()))
            found = {name: stored_splits(store, name) for name in names}
    elif not tasks:
        raise DataError(f"{out}: no results there; say which task: --task NAME")
    parts = []
    for name in sorted(found or tasks):
        own = found.get(name) or planned_splits(name)[0]
        for (repeat, fold), halves in sorted(own.rows.items()):
            for part, rows in zip(("train", "test"), halves, strict=True):
                columns = {"task": own.name, "repeat": repeat, "fold": fold, "id": own.ids[rows], "part": part}
                parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def edges(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each edge of each learnt graph: its ends, their modalities, and whether it has a direction."""
    import pandas as pd

    columns = [*_where({}), "from", "from_modality", "to", "to_modality", "directed"]
    lines = []
    for row in outcomes[outcomes["structure"].notna()].to_dict("records"):
        graph = row["structure"]
        owner = {name: modality for name, modality, _ in graph["nodes"]}
        where = _where(row).values()
        lines += [(*where, a, owner[a], b, owner[b], graph["directed"]) for a, b in graph["edges"]]
    return pd.DataFrame(lines, columns=columns)


def _where(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The job that a line comes from."""
    modalities = "+".join(row.get("modalities", ()))
    own = {name: row.get(name) for name in ("task", "method", "modalities", "repeat", "fold")}
    return {**own, "modalities": modalities}


def _with_tasks(store: ResultStore, outcomes: pd.DataFrame) -> Iterator[tuple[Mapping[Any, Any], dict[str, Any]]]:
    """Every outcome with what the store holds of its task."""
    kept = {job.key: job.fingerprint for _, job in store.planned()}
    for row in outcomes.to_dict("records"):
        yield row, store.task(kept[row["key"]])


_FRAMES: Mapping[str, Callable[[ResultStore, pd.DataFrame], pd.DataFrame]] = {
    "predictions": predictions,
    "outcomes": plain_outcomes,
    "edges": edges,
    "contributions": contributions,
    "attributions": attributions,
}


def _write(frame: pd.DataFrame, target: Path) -> None:
    from fusebench.datasets.errors import DataError

    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    if target.suffix == ".parquet":
        try:
            frame.to_parquet(draft, index=False)
        except ImportError as error:
            raise DataError(
                f'{target}: Parquet needs pyarrow; install with: pip install "fusebench[parquet]"'
            ) from error
    else:
        frame.to_csv(draft, index=False, sep="\t" if target.suffix == ".tsv" else ",")
    draft.replace(target)
