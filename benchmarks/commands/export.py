"""`fusebench export`: predictions, outcomes or splits as a plain table for other programs."""

from __future__ import annotations

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
  fusebench export splits.csv --what splits --task xor      which rows are in which fold
  fusebench export edges.csv --what edges --method tan      the graphs that graphical models learnt
  fusebench export predictions.parquet --method tan
"""


@click.command("export", epilog=_EXAMPLES)
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--what",
    type=click.Choice(["predictions", "outcomes", "splits", "edges"]),
    default="predictions",
    show_default=True,
)
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
    with ResultStore(out) as store:
        outcomes = read_records(store)["outcomes"]
        for asked, column in ((tasks, "task"), (methods, "method")):
            for name in asked:
                if name not in set(outcomes[column]):
                    raise UnknownNameError(column, name, set(outcomes[column]))
            if asked:
                outcomes = outcomes[outcomes[column].isin(asked)]
        make = {"predictions": predictions, "outcomes": plain_outcomes, "splits": splits, "edges": edges}[what]
        frame = make(store, outcomes)
    _write(frame, target)
    click.echo(f"{len(frame)} lines in {target}", err=True)


def predictions(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each test row of each outcome: row id, true class, a probability for each class."""
    import pandas as pd

    kept = {job.key: job.fingerprint for _, job in store.planned()}
    parts = []
    for row in outcomes[outcomes["status"] == "ok"].to_dict("records"):
        task = store.task(kept[row["key"]])
        classes = np.array(task["info"]["classes"])
        part = {
            "task": row["task"],
            "method": row["method"],
            "modalities": "+".join(row["modalities"]),
            "repeat": row["repeat"],
            "fold": row["fold"],
            "id": task["ids"][row["rows"]],
            "true": classes[row["y"]],
        }
        part.update({f"p({label})": row["proba"][:, code] for code, label in enumerate(classes)})
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def plain_outcomes(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line an outcome, without arrays and graphs."""
    import json

    plain = outcomes.drop(columns=["rows", "groups", "y", "proba", "val_y", "val_proba", "structure"])
    for column in ("params", "modality_weights"):
        plain[column] = [json.dumps(value) for value in plain[column]]
    for column in ("modalities", "at_edge", "notes"):
        plain[column] = ["; ".join(map(str, value)) for value in plain[column]]
    return plain


def splits(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each row of each split: task, repeat, fold, id, train or test."""
    import pandas as pd

    jobs: dict[Any, Any] = {}
    keys = set(outcomes["key"])
    for _, job in store.planned():
        if job.key in keys:
            jobs.setdefault((job.task, job.repeat, job.fold), job)
    parts = []
    for (name, repeat, fold), job in sorted(jobs.items(), key=lambda item: item[0]):
        ids = store.task(job.fingerprint)["ids"]
        for part, rows in zip(("train", "test"), store.split(job), strict=True):
            parts.append(pd.DataFrame({"task": name, "repeat": repeat, "fold": fold, "id": ids[rows], "part": part}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def edges(store: ResultStore, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One line for each edge of each learnt graph: its ends, their modalities, and whether it has a direction."""
    import pandas as pd

    columns = [
        "task",
        "method",
        "modalities",
        "repeat",
        "fold",
        "from",
        "from_modality",
        "to",
        "to_modality",
        "directed",
    ]
    lines = []
    for row in outcomes[outcomes["structure"].notna()].to_dict("records"):
        graph = row["structure"]
        owner = {name: modality for name, modality, _ in graph["nodes"]}
        where = (row["task"], row["method"], "+".join(row["modalities"]), row["repeat"], row["fold"])
        lines += [(*where, a, owner[a], b, owner[b], graph["directed"]) for a, b in graph["edges"]]
    return pd.DataFrame(lines, columns=columns)


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
