"""Training many small networks side by side against one after another: seconds, and whether the predictions agree.

``python -m fusebench.benchmarks.speed.stacking`` trains 25 models (5 folds by 5 repeats) of every fusion network on the
breast-cancer task, first side by side and then one after another. A TOML names another task:
``stacking datasets/examples/mfeat-6views.toml --data FOLDER``. On a GPU: ``--device cuda --models 100``.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from fusebench.benchmarks.speed.compare import timed
from fusebench.datasets.errors import UnknownNameError
from fusebench.datasets.own import read_task
from fusebench.datasets.registry import load_task
from fusebench.datasets.splits import Rows, derived_seed, stratified_folds
from fusebench.datasets.task import Task
from fusebench.methods.neural.network import NeuralMethod
from fusebench.methods.registry import method_registry

_FOLDS = 5


@click.command()
@click.argument("toml", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="Folder of the files that the TOML names.")
@click.option("--models", default=25, show_default=True, help="Models of each network: folds, then repeats of them.")
@click.option("--method", "names", multiple=True, help="Only these methods; all fusion networks otherwise.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--threads", default=2, show_default=True, help="Cores, for both ways of training.")
@click.option("--epochs", type=int, help="Longest training, instead of the methods' own.")
def main(
    toml: Path | None,
    data: str | None,
    models: int,
    names: tuple[str, ...],
    device: str,
    threads: int,
    epochs: int | None,
) -> None:
    """Print a line for every fusion network."""
    networks = fusion_networks()
    for name in names:
        if name not in networks:
            raise click.UsageError(str(UnknownNameError("fusion network", name, networks)))
    torch.set_num_threads(threads)
    task = load_task("breast-cancer") if toml is None else read_task(toml, data)
    click.echo(f"{models} models on {task.name}, {len(task)} rows, {device}, {threads} threads")
    click.echo(f"{'':24}  one by one      stacked  times faster  largest difference")
    settings: dict[str, Any] = {"device": device} if epochs is None else {"device": device, "max_epochs": epochs}
    for name, cls in networks.items():
        if (not names or name in names) and cls.skip(task) is None:
            alone, stacked, difference = compared(cls, task, models, settings)
            line = f"{name:24} {alone:9.2f} s  {stacked:9.2f} s  {alone / stacked:12.1f}  {difference:18.1e}"
            click.echo(line)


def fusion_networks() -> dict[str, type[NeuralMethod]]:
    """The neural methods of the registry by name."""
    registry = method_registry()
    found = {name: registry.get(name) for name in registry.names()}
    classes = {name: f.load() for name, f in found.items() if f.card is not None and f.card.family == "neural"}
    return {name: cls for name, cls in classes.items() if isinstance(cls, type) and issubclass(cls, NeuralMethod)}


def compared(cls: type[NeuralMethod], task: Task, models: int, settings: dict[str, Any]) -> tuple[float, float, float]:
    """Seconds one by one, seconds stacked, and the largest difference of predictions on the rows of other folds."""
    splits = _splits(task, models)
    samples, y = [task.samples[train] for train, _ in splits], [task.y[train] for train, _ in splits]
    alone, stacked = ([cls(random_state=i, **settings) for i in range(models)] for _ in range(2))
    # What the first fit in a process pays belongs to neither.
    alone[0].fit(samples[0], y[0])
    cls.fit_together(stacked[:2], samples[:2], y[:2])
    # As in a job: else now one, now the other waits while the collector goes through all that was imported.
    gc.collect()
    gc.freeze()
    together = timed(lambda: _raise(cls.fit_together(stacked, samples, y).errors))
    one_by_one = timed(lambda: [m.fit(s, labels) for m, s, labels in zip(alone, samples, y, strict=True)])
    difference = 0.0
    for a, b, (_, test) in zip(alone, stacked, splits, strict=True):
        held = task.samples[test]
        difference = max(difference, float(np.abs(a.predict_proba(held) - b.predict_proba(held)).max()))
    return one_by_one, together, difference


def _splits(task: Task, models: int) -> list[tuple[Rows, Rows]]:
    repeats = range(-(-models // _FOLDS))
    seeds = [derived_seed(0, "stacking", repeat) for repeat in repeats]
    return [s for seed in seeds for s in stratified_folds(task.y, task.samples.groups, _FOLDS, seed)][:models]


def _raise(errors: list[Exception | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


if __name__ == "__main__":
    main()
