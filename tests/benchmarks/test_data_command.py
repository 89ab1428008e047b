"""``fusebench data``: real processes against a local server that stands for the publishers."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from functools import partial

import pytest

from fusebench.datasets.fetch.catalogue import COHORTS


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def fusebench(tmp_path, served):
    """The command in a process of its own, with a cache of its own and the local server for a mirror."""

    def call(*arguments, mirror=served[1], code=0):
        environment = {**os.environ, "FUSEBENCH_CACHE": str(tmp_path / "cache"), "FUSEBENCH_MIRROR": mirror}
        run = subprocess.run(
            [sys.executable, "-m", "fusebench.benchmarks.cli", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=120,
        )
        assert run.returncode == code, run.stdout + run.stderr
        assert "Traceback" not in run.stderr
        return run

    return call


def spectf(served):
    """Files of the published form; that for training is not the true one, whose digest is known."""
    folder = served[0] / "spectf"
    folder.mkdir()
    for name, labels in (("SPECTF.train", [1] * 40 + [0] * 40), ("SPECTF.test", [1] * 172 + [0] * 15)):
        text = "\r\n".join(",".join(map(str, [label, *range(44)])) for label in labels)
        (folder / name).write_text(text)
    return folder


def multiple_features(served):
    folder = served[0] / "multiple-features"
    folder.mkdir()
    widths = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}
    for name, width in widths.items():
        rows = [" ".join([str(i % 7)] * width) for i in range(2000)]
        (folder / f"mfeat-{name}").write_text("\n".join(rows) + "\n")
    return folder


def test_all_cohorts_are_listed_with_size_licence_and_whether_they_are_there(fusebench):
    records = {r["name"]: r for r in json.loads(fusebench("data", "list", "--json").stdout)}
    assert set(records) == set(COHORTS)
    assert records["dermamnist"]["licence"] == "CC BY-NC 4.0"
    assert not any(r["fetched"] for r in records.values())
    shown = fusebench("data", "list").stdout
    for record in records.values():
        assert record["name"] in shown
        assert record["size"] in shown


def test_a_cohort_is_fetched_shown_found_and_run(fusebench, served, tmp_path):
    multiple_features(served)
    run = fusebench("data", "fetch", "multiple-features", "--yes")
    assert "CC BY 4.0" in run.stdout
    assert "Duin (1998)" in run.stdout
    size = sum(path.stat().st_size for path in (served[0] / "multiple-features").iterdir())
    assert f"{size:,} bytes to fetch" in run.stdout
    assert "✓ multiple-features: 2,000 rows (fourier 76, profiles 216," in run.stdout
    folder = fusebench("data", "where", "multiple-features").stdout.strip()
    assert folder == str(tmp_path / "cache" / "cohorts" / "multiple-features")
    assert sorted(p.name for p in (tmp_path / "cache" / "cohorts" / "multiple-features").iterdir()) == [
        ".lock",
        *sorted(f"mfeat-{v}" for v in ("fac", "fou", "kar", "mor", "pix", "zer")),
    ]
    records = {r["name"]: r for r in json.loads(fusebench("data", "list", "--json").stdout)}
    assert records["multiple-features"]["fetched"]
    # what is there is verified, and nobody is asked for it
    again = fusebench("data", "fetch", "multiple-features", mirror="http://127.0.0.1:1")
    assert "verified" in again.stdout


def test_without_anybody_to_ask_nothing_is_fetched(fusebench, served, tmp_path):
    multiple_features(served)
    run = fusebench("data", "fetch", "multiple-features", code=2)
    assert "give --yes" in run.stderr
    assert not (tmp_path / "cache").exists()


def test_a_checksum_that_differs_is_told_and_the_next_fetch_can_mend_it(fusebench, served, tmp_path):
    spectf(served)
    run = fusebench("data", "fetch", "spectf", "--yes", code=2)
    assert "SPECTF.train" in run.stderr
    assert "its sha256 is" in run.stderr
    cohort = tmp_path / "cache" / "cohorts" / "spectf"
    assert sorted(path.name for path in cohort.iterdir()) == [".lock", "SPECTF.train.rejected"]
    # a copy that was put there by hand is checked too
    (cohort / "SPECTF.train").write_text((served[0] / "spectf" / "SPECTF.train").read_text())
    (cohort / "SPECTF.test").write_text((served[0] / "spectf" / "SPECTF.test").read_text())
    run = fusebench("data", "fetch", "spectf", code=2)
    assert "the same command fetches a true one" in run.stderr
    assert not (cohort / "SPECTF.train").exists()


def test_counts_that_differ_are_told_and_the_file_is_set_aside(fusebench, served, tmp_path):
    folder = multiple_features(served)
    (folder / "mfeat-mor").write_text("1 2 3 4 5 6\n" * 1999)
    run = fusebench("data", "fetch", "multiple-features", "--yes", code=2)
    assert "digits: 1999, published 2000" in run.stderr
    kept = {path.name for path in (tmp_path / "cache" / "cohorts" / "multiple-features").iterdir()}
    assert "mfeat-mor.rejected" in kept
    assert "mfeat-mor" not in kept


def test_no_such_file_and_no_network_are_told_in_one_line(fusebench, tmp_path):
    run = fusebench("data", "fetch", "dermatology", "--yes", code=2)
    assert "dermatology.data: there is no such file (404)" in run.stderr
    run = fusebench("data", "fetch", "dermatology", "--yes", mirror="http://127.0.0.1:1", code=2)
    assert "no connection" in run.stderr
    assert "is there a network" in run.stderr
    assert {path.name for path in (tmp_path / "cache" / "cohorts" / "dermatology").iterdir()} == {".lock"}


def test_a_cache_that_cannot_be_written_is_told_with_the_cure(fusebench, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    run = fusebench("data", "fetch", "dermatology", "--yes", code=2)
    assert "cannot be written" in run.stderr
    assert "FUSEBENCH_CACHE" in run.stderr


def test_a_cohort_that_is_not_there_names_the_command_and_a_misspelt_one_the_right_name(fusebench):
    assert "fusebench data fetch dermatology" in fusebench("show", "task", "dermatology", code=2).stderr
    assert "did you mean 'dermatology'" in fusebench("data", "fetch", "dermatologie", code=2).stderr


@pytest.mark.parametrize("arguments", [(), ("list",), ("fetch",), ("where",)])
def test_help_has_examples(fusebench, arguments):
    assert "Examples:" in fusebench("data", *arguments, "--help").stdout
