"""A method that misbehaves becomes a row with its reason while the others finish."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fusebench.benchmarks import run
from fusebench.benchmarks.outcome import Status

MISDEEDS = {
    "raises": ({"fit": 'raise ValueError("bad <luck> | 50% \\n twice")'}, Status.FAILED, "ValueError: bad <luck>"),
    "hangs": ({"fit": "while True: pass"}, Status.TIMEOUT, "time limit of 6 s"),
    "eats-memory": ({"fit": "self.x = [np.ones(2**22) for _ in range(400)]"}, Status.OUT_OF_MEMORY, "memory limit"),
    "not-a-number": ({"predict": "proba = proba * np.nan"}, Status.FAILED, "not finite"),
    "wrong-shape": ({"predict": "proba = proba[:, :1]"}, Status.FAILED, "shape"),
    "wrong-rows": ({"predict": "proba = proba[:-1]"}, Status.FAILED, "shape"),
    "wrong-sum": ({"predict": "proba = proba * 0.9"}, Status.FAILED, "do not sum to 1"),
    "negative": ({"predict": "proba = proba * 3 - 1"}, Status.FAILED, "outside 0..1"),
    "exits": ({"fit": "os._exit(0)"}, Status.FAILED, "exit code 0"),
    "system-exit": ({"fit": "sys.exit(3)"}, Status.FAILED, "exit code 1"),
    "crashes": ({"fit": "os.kill(os.getpid(), 11)"}, Status.FAILED, "signal 11"),
    "killed": ({"fit": "os.kill(os.getpid(), 9)"}, Status.OUT_OF_MEMORY, "killed twice from outside"),
}


@pytest.fixture
def store(write, make_plugin, small_task, tmp_path):
    plugins = [str(write("good.py", make_plugin("good"))), small_task]
    for name, (lines, _, _) in MISDEEDS.items():
        plugins.append(str(write(f"{name}.py".replace("-", "_"), make_plugin(name, space="{}", **lines))))
    plugins.append(str(write("import_error.py", "import no_such_package\n" + make_plugin("import-error"))))
    suite = write("suite.toml", 'folds = 2\ntime_limit = "6s"\nmemory_limit = "400M"\n')
    with run(str(suite), out=tmp_path / "out", plugins=plugins, methods=["good", *MISDEEDS, "import-error"]) as store:
        yield store


def test_the_phase_is_told_even_by_those_who_were_killed(write, make_plugin, small_task, tmp_path):
    plugins = [
        small_task,
        str(write("late.py", make_plugin("late", predict="os._exit(1) if len(samples) == 30 else None", space="{}"))),
        str(write("early.py", make_plugin("early", fit="os._exit(1)", space="{}"))),
        str(write("first.py", "import os; os._exit(1)\n" + make_plugin("first"))),
    ]
    suite = str(write("s.toml", "folds = 2"))
    with run(suite, out=tmp_path / "o", plugins=plugins, methods=["late", "early", "first"]) as store:
        phases = {job.method: store.outcome(job.key).phase for _, job in store.planned()}
    assert phases == {"late": "predict", "early": "tune", "first": "import"}


def test_every_misdeed_is_a_row(store):
    outcomes = {}
    for _, job in store.planned():
        outcomes.setdefault(job.method, []).append(store.outcome(job.key))
    assert {len(ends) for ends in outcomes.values()} == {2}
    assert all(end.status is Status.OK for end in outcomes["good"])
    for name, (_, status, reason) in MISDEEDS.items():
        for end in outcomes[name]:
            assert end.status is status, (name, end)
            assert reason in end.reason, (name, end.reason)
            assert "\n" not in end.reason
    for end in outcomes["import-error"]:
        assert (end.status, end.phase) == (Status.FAILED, "import")
        assert "no_such_package" in end.reason


def test_a_job_that_kills_the_server_fails_alone(write, make_plugin, small_task, tmp_path):
    guilty = write("guilty.py", make_plugin("guilty", fit="os.kill(os.getppid(), 9); time.sleep(5)", space="{}"))
    good = write("good.py", make_plugin("good", fit="time.sleep(0.2)", space="{}"))
    plugins = [str(guilty), str(good), small_task]
    with run(
        str(write("s.toml", "folds = 2")), out=tmp_path / "o", plugins=plugins, methods=["guilty", "good"]
    ) as store:
        ends = {(job.method, job.fold): store.outcome(job.key) for _, job in store.planned()}
    assert {end.status for (method, _), end in ends.items() if method == "good"} == {Status.OK}
    assert {end.status for (method, _), end in ends.items() if method == "guilty"} == {Status.FAILED}
    assert "died twice while this one ran" in ends["guilty", 0].reason


def test_a_task_that_does_not_suit_is_a_row_with_its_reason(write, make_plugin, small_task, tmp_path):
    text = make_plugin("many", space="{}").replace('family="other"', 'family="other", least=3')
    plugins = [str(write("many.py", text)), small_task]
    suite = str(write("s.toml", "folds = 2"))
    with run(suite, out=tmp_path / "o", plugins=plugins, methods=["many"]) as store:
        ends = [store.outcome(job.key) for _, job in store.planned()]
    assert {end.status for end in ends} == {Status.SKIPPED}
    assert {end.reason for end in ends} == {"needs at least 3 modalities, the task has 2"}


def test_what_a_job_leaves_running_is_ended(write, make_plugin, small_task, tmp_path):
    marker = tmp_path / "pid"
    fit = f"""
        import subprocess
        child = subprocess.Popen(["sleep", "300"])
        open({str(marker)!r}, "w").write(str(child.pid))
        """
    path = write("leaver.py", make_plugin("leaver", fit=fit, space="{}"))
    run(
        str(write("s.toml", "folds = 2")), out=tmp_path / "out", plugins=[str(path), small_task], methods=["leaver"]
    ).close()
    pid = int(marker.read_text())
    for _ in range(50):
        if not _alive(pid):
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} outlived the job that started it")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_what_a_method_prints_stays_out_of_the_terminal_and_is_kept(write, make_plugin, small_task, tmp_path, capfd):
    fit = 'print("chatter"); os.write(2, b"deep chatter"); raise RuntimeError("stop")'
    path = write("chatty.py", make_plugin("chatty", fit=fit, space="{}"))
    with run(
        str(write("s.toml", "folds = 2")), out=tmp_path / "o", plugins=[str(path), small_task], methods=["chatty"]
    ) as s:
        logs = [s.outcome(job.key).log for _, job in s.planned()]
    assert "chatter" not in capfd.readouterr().out
    assert all("RuntimeError: stop" in log for log in logs)
