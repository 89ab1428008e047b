"""One file out of an archive: taken by name, and no archive that would write outside its folder is touched."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from fusebench.datasets import DataError
from fusebench.datasets.fetch.archive import extract_member

OUTSIDE = ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\share\\evil"]


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None, kind: bytes = b"2") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, leads_to in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, leads_to
            archive.addfile(info)
    return path


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_member_is_written_where_it_is_asked_for(tmp_path: Path, make) -> None:
    archive = make(
        tmp_path / "archive", {"deep/data.txt": b"inside", "other": b"not this", "./a/../b": b"still inside"}
    )
    extract_member(archive, "deep/data.txt", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"inside"
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "target"}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_that_would_write_outside_is_refused_whole(tmp_path: Path, make, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    archive = make(folder / "archive", {"data.txt": b"inside", name: b"outside"})
    with pytest.raises(DataError, match=r"is refused: its member .*evil. would be written outside its folder"):
        extract_member(archive, "data.txt", folder / "target")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["archive"]


@pytest.mark.parametrize(("leads_to", "kind"), [("../../evil", b"2"), ("/etc/passwd", b"2"), ("../evil", b"1")])
def test_a_link_that_leads_outside_is_refused(tmp_path: Path, leads_to: str, kind: bytes) -> None:
    archive = tarred(tmp_path / "a.tgz", {"data.txt": b"inside"}, {"deep/link": leads_to}, kind)
    with pytest.raises(DataError, match="member 'deep/link' would be written outside"):
        extract_member(archive, "data.txt", tmp_path / "target")


def test_a_member_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no 'data.txt'; it holds README, other.txt"):
        extract_member(zipped(tmp_path / "a.zip", {"README": b"", "other.txt": b""}), "data.txt", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_folder_or_something_huge_is_no_file_to_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("data.txt")
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    with pytest.raises(DataError, match="is no file"):
        extract_member(tmp_path / "a.tar", "data.txt", tmp_path / "target")
    monkeypatch.setattr("fusebench.datasets.fetch.archive._LARGEST", 10)
    with pytest.raises(DataError, match="unpacks to 1,000 bytes, more than the 10 allowed"):
        extract_member(zipped(tmp_path / "a.zip", {"data.txt": bytes(1000)}), "data.txt", tmp_path / "target")


@pytest.mark.parametrize("cut", [0, 60, -30])
@pytest.mark.parametrize("make", [zipped, tarred])
def test_what_is_no_whole_archive_is_told(tmp_path: Path, make, cut: int) -> None:
    data = make(tmp_path / "whole", {"data.txt": bytes(range(256)) * 40}).read_bytes()
    broken = tmp_path / "broken"
    broken.write_bytes(data[:cut] or b"<html>Log in first</html>")
    with pytest.raises(DataError, match=r"broken is no whole zip or tar archive|broken holds no 'data.txt'"):
        extract_member(broken, "data.txt", tmp_path / "target")
