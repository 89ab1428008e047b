"""Killed at any instant, a run loses at most the jobs in flight, and ends with the numbers of an undisturbed run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusebench.benchmarks import ResultStore, run
from fusebench.benchmarks.outcome import Status


def numbers(store: ResultStore) -> dict[str, tuple]:
    """Everything that must not depend on disturbance, by job key."""
    found = {}
    for _, job in store.planned():
        end = store.outcome(job.key)
        arrays = tuple(None if a is None else a.tobytes() for a in (end.proba, end.val_proba))
        found[job.key] = (end.status, arrays, tuple(sorted(end.params.items())), end.seed)
    return found


@pytest.fixture(params=[0.02])
def ground(request, write, make_plugin, small_task, tmp_path):
    """A suite of 30 jobs, some of which nap in every fit; each of their jobs fits ten times."""
    plugins = [
        small_task,
        str(write("quick.py", make_plugin("quick"))),
        str(write("slow.py", make_plugin("slow", fit=f"time.sleep({request.param})"))),
        str(write("wrong.py", make_plugin("wrong", fit='raise ValueError("always")'))),
    ]
    suite = write("suite.toml", "folds = 5\nrepeats = 2\ntrials = 3\n")
    return {"suite": str(suite), "plugins": plugins, "methods": ["quick", "slow", "wrong"]}


def command(ground: dict, out: Path) -> list[str]:
    line = [sys.executable, "-m", "fusebench.benchmarks", "run", ground["suite"], "--out", str(out), "--no-report"]
    for flag, values in (("--plugin", ground["plugins"]), ("--method", ground["methods"])):
        for value in values:
            line += [flag, value]
    return line


def test_a_second_run_runs_nothing_and_retries_only_what_failed(ground, tmp_path):
    seen = []
    with run(**ground, out=tmp_path / "out", watch=seen.append) as store:
        first = numbers(store)
    assert len(first) == 30
    again = []
    run(**ground, out=tmp_path / "out", watch=again.append).close()
    assert again == []
    retried = []
    run(**ground, out=tmp_path / "out", retry_failed=True, watch=retried.append).close()
    ended = {event.ticket.job.method for event in retried if hasattr(event, "outcome")}
    assert ended == {"wrong"}


def test_adding_a_method_runs_only_it_and_moves_nobody(ground, tmp_path, write, make_plugin):
    fewer = {**ground, "methods": ["quick"]}
    with run(**fewer, out=tmp_path / "out") as store:
        before = numbers(store)
    seen = []
    with run(**ground, out=tmp_path / "out", watch=seen.append) as store:
        after = numbers(store)
    assert {e.ticket.job.method for e in seen if hasattr(e, "outcome")} == {"slow", "wrong"}
    assert {key: after[key] for key in before} == before


def test_changed_code_never_reuses_old_results(ground, tmp_path, write, make_plugin):
    one = {**ground, "methods": ["quick"]}
    with run(**one, out=tmp_path / "out") as store:
        keys = {job.key for _, job in store.planned()}
        seeds = {store.outcome(key).seed for key in keys}
    Path(ground["plugins"][1]).write_text(make_plugin("quick", fit="pass  # a change"))
    from fusebench.methods import registry

    registry.method_registry.cache_clear()
    registry._imports.cache_clear()
    with run(**one, out=tmp_path / "out") as store:
        last = store.runs()[-1]["id"]
        new = {job.key for _, job in store.planned(last)}
        assert not new & keys
        assert {store.outcome(key).seed for key in new} == seeds


def test_same_bits_with_one_and_two_workers_and_in_any_order(ground, tmp_path, monkeypatch):
    with run(**ground, out=tmp_path / "one", jobs=1) as store:
        one = numbers(store)
    from fusebench.benchmarks import local

    monkeypatch.setattr(local, "cores", lambda: 2)
    original = local.LocalEngine.run

    def shuffled(self, tickets):
        tickets = list(tickets)
        random.Random(3).shuffle(tickets)
        return original(self, tickets)

    monkeypatch.setattr(local.LocalEngine, "run", shuffled)
    with run(**ground, out=tmp_path / "two", jobs=2) as store:
        two = numbers(store)
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize("ground", [0.1], indirect=True)
def test_kill_9_of_the_driver_at_ten_random_instants(ground, tmp_path):
    with run(**ground, out=tmp_path / "calm") as store:
        calm = numbers(store)
    chance = random.Random(11)
    out = tmp_path / "stormy"
    kept: dict[str, object] = {}
    cut_short = 0
    for _ in range(10):
        driver = subprocess.Popen(command(ground, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while driver.poll() is None and not grandchildren_of(driver.pid):
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.6))
        cut_short += driver.poll() is None
        family = [*children_of(driver.pid), *grandchildren_of(driver.pid)]
        driver.kill()
        driver.wait()
        wait_until_gone(family)
        with ResultStore(out) as store:
            now = {key: store.outcome(key) for key in store.statuses()}
        assert set(kept) <= set(now), "an outcome that was kept has been lost"
        kept = now
    assert cut_short >= 5
    assert kept
    subprocess.run(command(ground, out), check=True, capture_output=True)
    with ResultStore(out) as store:
        assert numbers(store) == calm


@pytest.mark.slow
@pytest.mark.parametrize("ground", [0.1], indirect=True)
def test_kill_9_of_children_at_random_instants(ground, tmp_path):
    with run(**ground, out=tmp_path / "calm") as store:
        calm = numbers(store)
    chance = random.Random(5)
    out = tmp_path / "stormy"
    driver = subprocess.Popen(command(ground, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    killed = 0
    while driver.poll() is None and killed < 10:
        time.sleep(chance.uniform(0.05, 0.4))
        children = grandchildren_of(driver.pid)
        if children:
            subprocess.run(["kill", "-9", str(chance.choice(children))], check=False, capture_output=True)
            killed += 1
    driver.wait()
    subprocess.run([*command(ground, out), "--retry-failed"], check=True, capture_output=True)
    assert killed >= 3
    with ResultStore(out) as store:
        assert numbers(store) == calm


def test_kill_9_of_the_fork_server_is_survived(ground, tmp_path):
    out = tmp_path / "out"
    driver = subprocess.Popen(command(ground, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while driver.poll() is None:
        servers = children_of(driver.pid)
        if servers and children_of(servers[0]):
            subprocess.run(["kill", "-9", str(servers[0])], check=True)
            break
        time.sleep(0.02)
    assert driver.wait() == 0
    with ResultStore(out) as store:
        assert set(store.statuses().values()) == {Status.OK, Status.FAILED}
        assert len(store.statuses()) == 30


@pytest.mark.parametrize("ground", [0.1], indirect=True)  # so long that it cannot end before it is stopped
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(ground, tmp_path, number):
    out = tmp_path / "out"
    slow = {**ground, "methods": ["slow"]}
    driver = subprocess.Popen(
        command(slow, out),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal: what runs in the background inherits that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not grandchildren_of(driver.pid):
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(number)
    said, _ = driver.communicate(timeout=20)
    assert driver.returncode == 130, said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert not (out / ".work").exists()
    subprocess.run(command(slow, out), check=True, capture_output=True)
    with ResultStore(out) as store:
        assert [*store.statuses().values()] == [Status.OK] * 10


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(p) for p in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def grandchildren_of(pid: int) -> list[int]:
    """The processes that run jobs for a driver: children of its fork server."""
    return [job for server in children_of(pid) for job in children_of(server)]


def wait_until_gone(pids: list[int]) -> None:
    """The fork server and its children end with the driver, however it ended."""
    for _ in range(100):
        if not any(Path(f"/proc/{pid}/stat").exists() for pid in pids):
            return
        time.sleep(0.05)
    pytest.fail(f"processes {pids} outlived the driver by five seconds")
