"""A modality that no test row has: leaving it out of a network against filling in its training mean.

``python -m fusebench.benchmarks.absent datasets/examples/tcga-breast-mixomics.toml --data FOLDER`` prints for every
fusion network the log-loss on the official test rows, which lack proteins, as the mean of several fits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from sklearn.metrics import log_loss

from fusebench.benchmarks.speed.stacking import fusion_networks
from fusebench.datasets.own import read_task
from fusebench.datasets.samples import Modality, Samples
from fusebench.datasets.splits import Split
from fusebench.datasets.task import Task
from fusebench.methods.neural.network import NeuralMethod


@click.command()
@click.argument("toml", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="Folder of the files that the TOML names.")
@click.option("--fits", default=5, show_default=True, help="Fits of each network, from seeds 0, 1, ...")
@click.option("--modality-dropout", "share", default=0.3, show_default=True, help="Hidden in training, of either side.")
@click.option("--method", "names", multiple=True, help="Only these networks; all otherwise.")
def main(toml: Path, data: str | None, fits: int, share: float, names: tuple[str, ...]) -> None:
    """Print for every network the log-loss with the modality left out, with its mean filled in, and the difference."""
    task = read_task(toml, data)
    splits = task.splits(repeats=1)
    if len(splits) > 1:
        raise click.UsageError(f"{task.name} is cross-validated; name a task with an official split")
    if any(modality.categories for modality in task.samples.modalities):
        raise click.UsageError(f"{task.name} has categorical columns, which have no mean; leave them out")
    click.echo(f"{task.name}: log-loss on {len(splits[0].test)} test rows, mean of {fits} fits")
    click.echo(f"{'':24} left out  mean filled in  difference")
    for name, cls in fusion_networks().items():
        if (not names or name in names) and cls.skip(task) is None:
            out, filled = compared(cls, task, splits[0], fits, share)
            click.echo(f"{name:24} {out:8.3f}  {filled:14.3f}  {out - filled:+10.3f}")


def compared(cls: type[NeuralMethod], task: Task, split: Split, fits: int, share: float) -> tuple[float, float]:
    """Mean log-loss of test rows as they are, and with training means in place of what they lack."""
    train, test = task.samples[split.train], task.samples[split.test]
    filled = filled_in(test, train)
    hiding: dict[str, Any] = {"modality_dropout": share} if "modality_dropout" in cls.__dataclass_fields__ else {}
    losses = np.zeros((fits, 2))
    for seed in range(fits):
        fitted = cls(random_state=seed, **hiding).fit(train, task.y[split.train])
        for column, rows in enumerate((test, filled)):
            losses[seed, column] = log_loss(task.y[split.test], fitted.predict_proba(rows), labels=fitted.classes_)
    return float(losses[:, 0].mean()), float(losses[:, 1].mean())


def filled_in(samples: Samples, train: Samples) -> Samples:
    """The rows with the training mean of every number in place of modalities that they lack."""
    found = []
    for modality in samples.modalities:
        known = train.modality(modality.name)
        values = np.array(modality.values, dtype=np.float64)
        values[~modality.present] = np.nanmean(known.values[known.present], axis=0)
        found.append(Modality(modality.name, modality.kind, values, features=modality.features))
    return Samples(found, ids=samples.ids, groups=samples.groups, sites=samples.sites)


if __name__ == "__main__":
    main()
