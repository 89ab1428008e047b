"""Cost: the figures mean what their names say."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from fusebench.benchmarks import run
from fusebench.benchmarks.cost import Meter, memory


def test_wall_and_cpu_are_told_apart():
    meter = Meter()
    with meter.phase("fit"):
        time.sleep(0.2)
    assert meter.cost["fit_wall"] >= 0.2
    assert meter.cost["fit_cpu"] < 0.1
    with meter.phase("fit"):
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    assert meter.cost["fit_cpu"] >= 0.1


def test_peak_memory_of_a_job_is_its_own(write, make_plugin, small_task, tmp_path):
    """80 MB more in fit are seen, whatever the fork server itself holds; the array is written, so it is resident."""
    lean = write("lean.py", make_plugin("lean", space="{}"))
    fat = write("fat.py", make_plugin("fat", fit="block = np.ones(10_000_000); del block", space="{}"))
    plugins = [str(lean), str(fat), small_task]
    suite = str(write("s.toml", "folds = 2"))
    with run(suite, out=tmp_path / "o", plugins=plugins, methods=["lean", "fat"]) as store:
        peaks: dict[str, list[float]] = {}
        for _, job in store.planned():
            peaks.setdefault(job.method, []).append(store.outcome(job.key).cost["peak_memory"] / 1e6)
    assert 78 < np.mean(peaks["fat"]) - np.mean(peaks["lean"]) < 90
    assert np.mean(peaks["lean"]) < 40


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel tells no peak that can begin anew")
def test_what_tuning_held_is_not_the_fit_s_memory():
    meter = Meter()
    block = np.ones(12_000_000)
    del block
    meter.peak()
    assert meter.cost["peak_memory"] > 90e6
    meter.forget_peak()
    meter.peak()
    assert meter.cost["peak_memory"] < 40e6


def test_every_phase_is_measured(write, make_plugin, small_task, tmp_path):
    path = write("nap.py", make_plugin("nap", fit="time.sleep(0.05)", predict="time.sleep(0.01)", space="{}"))
    with run(
        str(write("s.toml", "folds = 2")), out=tmp_path / "o", plugins=[str(path), small_task], methods=["nap"]
    ) as s:
        cost = s.outcome(s.planned()[0][1].key).cost
    assert cost["tune_wall"] >= 0.15  # three inner folds
    assert 0.05 <= cost["fit_wall"] < cost["tune_wall"]
    assert cost["predict_wall"] >= 0.01
    assert cost["latency_one"] >= 0.01
    assert cost["latency_thousand"] >= 0.01
    assert cost["fit_cpu"] < 0.05


def test_memory_figures_are_bytes():
    block = np.ones(4_000_000)
    assert memory("VmRSS") > block.nbytes
    assert memory("VmHWM") >= memory("VmRSS") * 0.9
