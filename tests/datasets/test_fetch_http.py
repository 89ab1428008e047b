"""Downloads from a real server that breaks off, forgets, lies or is not there; and from a process that is killed."""

import hashlib
import http.server
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import DataError
from fusebench.datasets.fetch.http import NoRoomError, download, remote_size

BODY = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """One file under every address but ``/missing``; the test says how it behaves."""

    body = BODY
    tag = '"v1"'
    pause = 0.0  # seconds between chunks
    ranges = True
    chunked = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []  # the Range of every request
        self.breaks: list[int] = []  # bytes after which the next answers break off
        self.url = f"http://127.0.0.1:{self.server_port}/file.bin"

    def handle_error(self, *_: object) -> None:
        """A client that was killed is what some tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and server.ranges else 0
        if self.headers.get("If-Range", server.tag) != server.tag:
            start = 0
        total = len(server.body)
        if start and start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("ETag", server.tag)
        if not server.chunked:
            self.send_header("Content-Length", str(total - start))
        self.end_headers()
        left = server.breaks.pop(0) if server.breaks else None
        data = server.body[start : None if left is None else start + left]
        for at in range(0, len(data), 10_000):
            self.wfile.write(data[at : at + 10_000])
            self.wfile.flush()
            time.sleep(server.pause)
        self.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.bin"


def names(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def interrupted(server: Server, target: Path, bytes_there: int = 100_000) -> None:
    """Leave behind what a process that was killed leaves: a part, and what it is a part of."""
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(BODY[:bytes_there])
    target.with_name("file.bin.part.of").write_text(f"{server.url}\n{server.tag}")


def test_a_whole_file_arrives_with_its_progress_and_nothing_is_left_beside_it(server: Server, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(server.url, target, sha256=SHA256, md5=MD5, progress=lambda *now: told.append(now))
    assert target.read_bytes() == BODY
    assert names(target) == {"file.bin"}
    assert told[-1] == (len(BODY), len(BODY))
    assert [there for there, _ in told] == sorted({there for there, _ in told})


@pytest.mark.parametrize("digest", [SHA256, ""])
def test_a_connection_that_breaks_off_is_resumed_where_it_stopped(server: Server, target: Path, digest: str) -> None:
    server.breaks = [120_000]
    download(server.url, target, sha256=digest)
    assert target.read_bytes() == BODY
    assert server.asked == [None, "bytes=120000-"]


@pytest.mark.parametrize("digest", [SHA256, ""])
def test_what_an_earlier_process_left_is_gone_on_with(server: Server, target: Path, digest: str) -> None:
    interrupted(server, target)
    download(server.url, target, sha256=digest)
    assert target.read_bytes() == BODY
    assert server.asked == ["bytes=100000-"]


def test_a_server_that_knows_no_ranges_sends_all_again(server: Server, target: Path) -> None:
    interrupted(server, target)
    server.ranges = False
    download(server.url, target, sha256=SHA256)
    assert target.read_bytes() == BODY


def test_a_part_of_an_older_version_is_never_mixed_with_a_newer_one(server: Server, target: Path) -> None:
    interrupted(server, target)
    server.body, server.tag = BODY[::-1], '"v2"'
    download(server.url, target)
    assert target.read_bytes() == BODY[::-1]


def test_a_part_that_does_not_fit_its_checksum_is_fetched_anew(server: Server, target: Path) -> None:
    interrupted(server, target)
    target.with_name("file.bin.part").write_bytes(b"x" * 100_000)
    download(server.url, target, sha256=SHA256)
    assert target.read_bytes() == BODY
    assert server.asked == ["bytes=100000-", None]


def test_a_part_of_an_unknown_address_is_not_trusted_without_a_checksum(server: Server, target: Path) -> None:
    interrupted(server, target)
    target.with_name("file.bin.part.of").write_text(f"http://elsewhere/file.bin\n{server.tag}")
    download(server.url, target)
    assert target.read_bytes() == BODY
    assert server.asked == [None]


@pytest.mark.parametrize("there", [len(BODY), len(BODY) + 5])
def test_a_part_as_long_as_the_file_or_longer(server: Server, target: Path, there: int) -> None:
    interrupted(server, target)
    target.with_name("file.bin.part").write_bytes((BODY + b"extra")[:there])
    download(server.url, target, sha256=SHA256)
    assert target.read_bytes() == BODY


def test_a_checksum_that_differs_is_told_and_the_file_kept_aside(server: Server, target: Path) -> None:
    server.body = b"an altered copy"
    with pytest.raises(DataError, match=rf"its sha256 is [0-9a-f]{{64}}, not {SHA256}.*file\.bin\.rejected"):
        download(server.url, target, sha256=SHA256)
    assert names(target) == {"file.bin.rejected"}
    with pytest.raises(DataError, match=f"its md5 is .*, not {MD5}"):
        download(server.url, target, md5=MD5)


def test_a_missing_file_is_told_once_and_leaves_nothing(server: Server, target: Path) -> None:
    url = server.url.replace("file.bin", "missing")
    with pytest.raises(DataError, match=r"missing: there is no such file \(404\)"):
        download(url, target)
    assert len(server.asked) == 1
    assert names(target) == set()


def test_no_network_is_told(target: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DataError, match=r"no connection .*is there a network, and does it need a proxy\?"):
            download(f"http://127.0.0.1:{taken.getsockname()[1]}/file.bin", target)
    assert names(target) == set()


def test_a_server_that_always_breaks_off_at_once_ends_in_an_error_and_keeps_the_part(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fusebench.datasets.fetch.http._PAUSE", 0.0)
    interrupted(server, target)
    server.breaks = [0] * 10
    with pytest.raises(DataError, match="broke off before the end; 100,000 bytes are kept, and the same command goes"):
        download(server.url, target, sha256=SHA256)
    assert names(target) == {"file.bin.part", "file.bin.part.of"}
    assert len(server.asked) == 3


def test_an_answer_without_a_length_is_taken_as_it_is(server: Server, target: Path) -> None:
    server.chunked = True
    download(server.url, target, sha256=SHA256)
    assert target.read_bytes() == BODY


def test_the_size_is_known_without_fetching(server: Server) -> None:
    assert remote_size(server.url) == len(BODY)
    assert server.asked == []
    assert remote_size("http://127.0.0.1:1/nothing") is None


CHILD = "import sys; from pathlib import Path; from fusebench.datasets.fetch.http import download; "
FETCH = CHILD + "download(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3])"


def test_killed_in_the_middle_and_run_again(server: Server, target: Path) -> None:
    server.pause = 0.05
    child = subprocess.Popen([sys.executable, "-c", FETCH, server.url, str(target), SHA256])
    part = target.with_name("file.bin.part")
    deadline = time.monotonic() + 30
    while (not part.exists() or part.stat().st_size == 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    assert not target.exists()
    there = part.stat().st_size
    assert 0 < there < len(BODY)
    server.pause = 0.0
    subprocess.run([sys.executable, "-c", FETCH, server.url, str(target), SHA256], check=True, timeout=60)
    assert target.read_bytes() == BODY
    assert server.asked == [None, f"bytes={there}-"]


def test_no_room_is_told_and_nothing_half_written_has_the_files_name(server: Server, target: Path) -> None:
    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    child = subprocess.run(
        [sys.executable, "-B", "-c", FETCH, server.url, str(target), SHA256],
        preexec_fn=narrow,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "NoRoomError" in child.stderr
    assert "no room left" in child.stderr
    assert "FUSEBENCH_CACHE" in child.stderr
    assert not target.exists()


def test_no_room_is_seen_before_the_first_byte_where_the_length_is_known(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(NoRoomError, match="300,000 bytes to come, 1,000 free"):
        download(server.url, target)
    assert names(target) == set()
