"""Many machines: the same jobs, the same store, the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusebench.benchmarks import run
from fusebench.benchmarks.cluster import run_here
from fusebench.benchmarks.job import Budget, Job
from fusebench.benchmarks.local import LocalEngine
from fusebench.benchmarks.outcome import Outcome, Status
from fusebench.benchmarks.worker import Ticket
from fusebench.datasets import DataError

distributed = pytest.importorskip("distributed")


@pytest.fixture
def address():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_a_cluster_gives_the_same_numbers_and_isolates_as_well(address, write, make_plugin, small_task, tmp_path):
    plugins = [
        small_task,
        str(write("good.py", make_plugin("good"))),
        str(write("dies.py", make_plugin("dies", fit="os._exit(4)", space="{}"))),
    ]
    suite = str(write("s.toml", "folds = 3\ntrials = 2"))
    ends = []
    for out, scheduler in (("home", ""), ("away", address)):
        with run(suite, out=tmp_path / out, plugins=plugins, methods=["good", "dies"], scheduler=scheduler) as store:
            ends.append({job.key: store.outcome(job.key) for _, job in store.planned()})
    home, away = ends
    assert home.keys() == away.keys()
    assert {end.status for end in home.values()} == {Status.OK, Status.FAILED}
    for key, end in home.items():
        assert (end.status, end.params, end.reason) == (away[key].status, away[key].params, away[key].reason)
        if end.proba is not None:
            np.testing.assert_array_equal(end.proba, away[key].proba)
            np.testing.assert_array_equal(end.val_proba, away[key].val_proba)


def test_a_folder_that_workers_cannot_see_is_named():
    job = Job("t", "f", "prior", "prior", "{}", (), 2, 0, 0, 0, Budget(), "s")
    ticket = Ticket(job, Path("/nowhere"), np.arange(3), np.arange(3))
    outcome = Outcome.from_bytes(run_here(ticket.to_json(), LocalEngine()))
    assert outcome.status is Status.FAILED
    assert "/nowhere is not there on this worker" in outcome.reason


def test_a_scheduler_that_is_not_there_is_told(small_task, write, tmp_path):
    suite = str(write("s.toml", "folds = 2"))
    with pytest.raises(DataError, match="no Dask scheduler answers"):
        run(suite, out=tmp_path / "o", plugins=[small_task], methods=["prior"], scheduler="tcp://127.0.0.1:9")
