"""Discrete Bayesian networks beside pgmpy's: the same rows, the same settings, one run; how fast, and how far apart.

Run it with ``python -m fusebench.benchmarks.speed.graphical``; it takes one or two minutes, nearly all of them pgmpy's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import click
import numpy as np

from fusebench.benchmarks.speed.compare import head, line, measured, one_thread
from fusebench.datasets import load_task
from fusebench.datasets.samples import Samples
from fusebench.methods.graphical.bayes_net import BayesNet
from fusebench.methods.graphical.bayes_net_bdeu import BayesNetBDeu
from fusebench.methods.graphical.bayes_net_bic import BayesNetBIC
from fusebench.methods.graphical.naive_bayes import NaiveBayes
from fusebench.methods.graphical.tan import TAN
from fusebench.methods.registry import cure, missing_packages

_REPEATS = 7
"""Runs of ours, of which the median counts; pgmpy, which takes long, learns and predicts once."""


@click.command(
    epilog="""\b
Examples:
  python -m fusebench.benchmarks.speed.graphical
  python -m fusebench.benchmarks.speed.graphical --rows 200 --modalities 1 --searches 1
"""
)
@click.option("--rows", default=569, show_default=True, help="Rows of the task to learn from and to predict.")
@click.option("--modalities", default=3, show_default=True, help="Its modalities, of 10 features each.")
@click.option("--searches", default=5, show_default=True, help="Hill climbs of pgmpy, which differ in how ties fall.")
def main(rows: int, modalities: int, searches: int) -> None:
    """Measure the discrete networks on the breast-cancer task beside pgmpy, and print how their results differ."""
    if missing_packages(TAN.card):
        raise click.ClickException(f"pgmpy is not installed; get it with: {cure(TAN.card)}")
    task = load_task("breast-cancer")
    samples, y = task.samples[:rows].select(task.samples.names[:modalities]), task.y[:rows]
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # pgmpy announces that modules will move
        warm_up(samples, y)
        head(f"breast-cancer: {sum(m.width for m in samples.modalities)} features, {len(y)} rows", "pgmpy")
        for title, method, rival in (("naive Bayes", NaiveBayes(), star), ("TAN", TAN(), tree)):
            posteriors(title, method, samples, y, rival)
        for net, name in ((BayesNetBDeu(), "bdeu"), (BayesNetBIC(), "bic-d")):
            climbs(net, name, samples, y, searches)


def warm_up(samples: Samples, y: np.ndarray) -> None:
    """Let pgmpy import now what it imports late."""
    method = NaiveBayes().fit(samples, y)
    frame = coded(method, samples, y)
    star(frame, method).predict_probability(frame.drop(columns="class").head(2))


def posteriors(
    title: str, method: BayesNet, samples: Samples, y: np.ndarray, rival: Callable[[Any, BayesNet], Any]
) -> None:
    """Fit and predict; pgmpy starts from cells that are already cut.

    It predicts with the tables that we learnt, because those of TAN are smoothed as it does not offer.
    """
    ours, answer = measured(lambda: method.fit(samples, y).predict_proba(samples), _REPEATS)
    frame = coded(method, samples, y)
    learning, found = measured(lambda: rival(frame, method))
    network = method.to_pgmpy()
    if set(found.edges()) != set(network.edges()):
        raise click.ClickException(f"{title}: pgmpy found another graph")
    predicting, expected = measured(lambda: network.predict_probability(frame.drop(columns="class")))
    apart = np.abs(answer - expected[[f"class_{c}" for c in range(len(method.classes_))]].to_numpy()).max()
    line(title, ours, learning + predicting, f"posteriors differ by {apart:.0e} at most")


def star(frame: Any, method: BayesNet) -> Any:
    """Naive Bayes as pgmpy learns it."""
    from pgmpy.models import DiscreteBayesianNetwork

    network = DiscreteBayesianNetwork([("class", name) for name in method.features_])
    return network.fit(frame, estimator=estimator())


def tree(frame: Any, method: BayesNet) -> Any:
    """TAN as pgmpy searches and learns it."""
    from pgmpy.estimators import TreeSearch
    from pgmpy.models import DiscreteBayesianNetwork

    search = TreeSearch(frame, root_node=method.features_[0], n_jobs=1)
    found = search.estimate(estimator_type="tan", class_node="class", show_progress=False)
    return DiscreteBayesianNetwork(found.edges()).fit(frame, estimator=estimator())


def estimator() -> Any:
    """pgmpy's tables with one prior count a cell."""
    from pgmpy.parameter_estimator import DiscreteBayesianEstimator

    return DiscreteBayesianEstimator(prior_type="K2")


def climbs(method: BayesNetBDeu | BayesNetBIC, name: str, samples: Samples, y: np.ndarray, searches: int) -> None:
    """Search for the structure with the same score, most parents and tabu list; pgmpy judges all networks.

    Where several moves are worth the same, pgmpy makes the one that a hash of the columns' names brings first, and ends
    on another peak: it climbs several times under other names. Its median time counts.
    """
    from pgmpy.base import DAG
    from pgmpy.structure_score import get_scoring_method

    ours, _ = measured(lambda: method.fit(samples, y), _REPEATS)
    frame = coded(method, samples, y).astype("category")
    seconds, reached = zip(*(climb(method, name, frame.add_prefix(f"{i}.")) for i in range(searches)), strict=True)
    mine = DAG()
    mine.add_nodes_from(frame.columns)
    mine.add_edges_from(method.network_.edges())
    found = get_scoring_method(name, frame).score(mine)
    line(
        f"hill climbing, {name}",
        ours,
        median(seconds),
        f"score {found:.2f}, pgmpy's {min(reached):.2f} to {max(reached):.2f}: "
        f"better than its median by {found - median(reached):.2f}, than its best by {found - max(reached):.2f}",
    )


def climb(method: BayesNetBDeu | BayesNetBIC, name: str, frame: Any) -> tuple[float, float]:
    """Seconds of one hill climb of pgmpy, and the score where it ends."""
    from pgmpy.causal_discovery import HillClimbSearch
    from pgmpy.structure_score import get_scoring_method

    search = HillClimbSearch(
        name,
        tabu_length=method.tabu,
        max_indegree=method.max_parents,
        return_type="dag",
        show_progress=False,
    )
    seconds, _ = measured(lambda: search.fit(frame))
    return seconds, get_scoring_method(name, frame).score(search.causal_graph_)


def coded(method: BayesNet, samples: Samples, y: np.ndarray) -> Any:
    """The cut cells and the class as a frame of whole numbers."""
    import pandas as pd

    table = method.discretiser_.transform(samples)[:, method.columns_].astype(int)
    return pd.DataFrame(
        np.column_stack([table, np.searchsorted(method.classes_, y)]), columns=[*method.features_, "class"]
    )


if __name__ == "__main__":
    main()
