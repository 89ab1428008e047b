"""Fetching a cohort: mirrors in turn, files out of archives, and what is set aside when it is not what it should be."""

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from fusebench.datasets import DataError
from fusebench.datasets.fetch.cohort import Cohort, RemoteFile, cohort_folder, expected_size, fetch, is_fetched


class Quiet(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def asked() -> list[str]:
    """The addresses that were asked for, in order."""
    return []


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> Iterator[str]:
    """The address of a server that shows the folder ``served``."""
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSEBENCH_MIRROR", raising=False)
    (tmp_path / "served").mkdir()
    handler = type("Recording", (Quiet,), {"asked": asked})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "served"))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def served(tmp_path: Path, url: str) -> Path:
    return tmp_path / "served"


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)


def loaded() -> str:
    return "a task"


def kept(name: str = "toy") -> set[str]:
    return {path.name for path in cohort_folder(name).iterdir()} - {".lock"}


def test_mirrors_are_tried_in_turn_and_files_taken_out_of_an_archive_once(
    served: Path, url: str, asked: list[str]
) -> None:
    archive(served / "all.zip", one=b"first", two=b"second")
    files = tuple(RemoteFile(name, (f"{url}/{name}", f"{url}/all.zip#{name}")) for name in ("one", "two"))
    cohort = Cohort("toy", "small", files)
    assert not is_fetched(cohort)
    assert fetch(cohort, loaded) == "a task"
    assert is_fetched(cohort)
    assert (cohort_folder("toy") / "two").read_bytes() == b"second"
    assert asked == ["/one", "/all.zip", "/two"]
    assert kept() == {"one", "two"}
    asked.clear()
    assert fetch(cohort, loaded) == "a task"
    assert asked == []


def test_the_size_counts_an_archive_once_and_nothing_that_is_there(served: Path, url: str) -> None:
    archive(served / "all.zip", one=b"first", two=b"second")
    (served / "three").write_bytes(b"12345")
    urls = {"one": f"{url}/all.zip#one", "two": f"{url}/all.zip#two", "three": f"{url}/three"}
    cohort = Cohort("toy", "small", tuple(RemoteFile(name, (address,)) for name, address in urls.items()))
    size = (served / "all.zip").stat().st_size
    assert expected_size(cohort) == size + 5
    cohort_folder("toy").mkdir(parents=True)
    (cohort_folder("toy") / "three").write_bytes(b"12345")
    assert expected_size(cohort) == size
    (served / "all.zip").unlink()
    assert expected_size(cohort) is None


def test_when_no_mirror_has_the_file_each_says_why(served: Path, url: str) -> None:
    cohort = Cohort("toy", "small", (RemoteFile("one", (f"{url}/one", "http://127.0.0.1:1/one")),))
    with pytest.raises(DataError) as told:
        fetch(cohort, loaded)
    assert f"{url}/one: there is no such file (404)" in str(told.value)
    assert "http://127.0.0.1:1/one: no connection" in str(told.value)
    assert kept() == set()


def test_a_mirror_with_an_altered_file_is_passed_over(served: Path, url: str) -> None:
    (served / "altered").write_bytes(b"altered")
    (served / "true").write_bytes(b"true")
    digest = hashlib.sha256(b"true").hexdigest()
    cohort = Cohort("toy", "small", (RemoteFile("one", (f"{url}/altered", f"{url}/true"), sha256=digest),))
    fetch(cohort, loaded)
    assert (cohort_folder("toy") / "one").read_bytes() == b"true"


def test_a_member_whose_digest_differs_is_set_aside(served: Path, url: str) -> None:
    archive(served / "all.zip", one=b"altered")
    file = RemoteFile("one", (f"{url}/all.zip#one",), md5=hashlib.md5(b"true").hexdigest())
    with pytest.raises(DataError, match=r"one of .*all.zip: its md5 is .*kept as .*one.rejected"):
        fetch(Cohort("toy", "small", (file,)), loaded)
    assert not is_fetched(Cohort("toy", "small", (file,)))


def test_an_archive_that_would_write_outside_is_refused(served: Path, url: str, tmp_path: Path) -> None:
    archive(served / "all.zip", **{"one": b"inside", "../../../evil": b"outside"})
    cohort = Cohort("toy", "small", (RemoteFile("one", (f"{url}/all.zip#one",)),))
    with pytest.raises(DataError, match="is refused: its member"):
        fetch(cohort, loaded)
    assert kept() == {"archive-all.zip.rejected"}
    assert not list(tmp_path.rglob("evil"))


def test_files_without_a_digest_are_set_aside_when_the_task_cannot_be_read(served: Path, url: str) -> None:
    (served / "one").write_bytes(b"<html>Log in first</html>")
    (served / "two").write_bytes(b"true")
    digest = hashlib.sha256(b"true").hexdigest()
    files = (RemoteFile("one", (f"{url}/one",)), RemoteFile("two", (f"{url}/two",), sha256=digest))

    def load() -> None:
        raise DataError("rows: 1, published 3")

    with pytest.raises(DataError, match="rows: 1, published 3"):
        fetch(Cohort("toy", "small", files), load)
    assert kept() == {"one.rejected", "two"}


def test_a_missing_package_is_told_before_anything_is_fetched(url: str, asked: list[str]) -> None:
    cohort = Cohort("toy", "small", (RemoteFile("one", (f"{url}/one",)),), needs=("no_such_package", "pip install it"))
    with pytest.raises(DataError, match="needs no_such_package, which is not installed; pip install it"):
        fetch(cohort, loaded)
    assert asked == []


def test_an_institutes_mirror_is_asked_instead_of_the_publishers(
    served: Path, url: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (served / "toy").mkdir()
    (served / "toy" / "one").write_bytes(b"ours")
    monkeypatch.setenv("FUSEBENCH_MIRROR", f"{url}/")
    fetch(Cohort("toy", "small", (RemoteFile("one", ("http://127.0.0.1:1/one",)),)), loaded)
    assert asked == ["/toy/one"]
