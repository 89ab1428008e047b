"""One file out of a zip or tar archive, which is refused as a whole when it would write outside its folder."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from ..errors import DataError

_LARGEST = 4 << 30
"""Bytes of one unpacked file; a small archive that grows beyond this is no cohort of ours."""


def extract_member(archive: Path, member: str, target: Path) -> None:
    """Write one member of an archive to ``target``; its own name is looked up, never written to.

    Raises
    ------
    DataError: not a whole archive; a member (any) whose name or link leads outside; no such member; too large.
    """
    with _opened(archive) as opened:
        names = _zip_names(opened) if isinstance(opened, zipfile.ZipFile) else _tar_names(opened)
        for name, leads_to in names.items():
            if _outside(name) or _outside(leads_to):
                raise DataError(
                    f"{archive.name} is refused: its member {name!r} would be written outside its folder; "
                    "it is not the file that was published"
                )
        if member not in names:
            raise DataError(f"{archive.name} holds no {member!r}; it holds {', '.join(list(names)[:8])}")
        with _member(opened, member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield opened
        else:
            with tarfile.open(archive) as opened_tar:
                yield opened_tar
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{archive.name} is no whole zip or tar archive ({error})") from error


def _zip_names(archive: zipfile.ZipFile) -> dict[str, str]:
    return {info.filename: "" for info in archive.infolist()}


def _tar_names(archive: tarfile.TarFile) -> dict[str, str]:
    """Every member's name and, of a link, what it leads to, seen from the archive's root."""
    names = {}
    for info in archive.getmembers():
        leads_to = info.linkname
        if info.issym():  # a symbolic link is read from where it lies
            leads_to = str(PurePosixPath(info.name).parent / info.linkname)
        names[info.name] = leads_to
    return names


def _outside(name: str) -> bool:
    """Whether a path leads out of the folder it is read from, on any system."""
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith("\\"):
        return True
    depth = 0
    for part in name.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def _member(archive: zipfile.ZipFile | tarfile.TarFile, member: str) -> IO[bytes]:
    opened: IO[bytes] | None
    if isinstance(archive, zipfile.ZipFile):
        size, opened = archive.getinfo(member).file_size, archive.open(member)
    else:
        size, opened = archive.getmember(member).size, archive.extractfile(member)
    if opened is None:
        raise DataError(f"{member} in the archive is no file")
    if size > _LARGEST:
        raise DataError(f"{member} in the archive unpacks to {size:,} bytes, more than the {_LARGEST:,} allowed")
    return opened
