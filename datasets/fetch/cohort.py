"""Open cohorts on the user's disk: what is there, what is missing, and bringing it.

A cohort is a task whose files are had on request: ``fusebench data fetch NAME``. They lie in one folder of the user's
cache (``cohort_folder``), each under its own name only once it is whole and checked. ``load`` of such a task only ever
reads that folder.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from ..cache_folder import cache_folder
from ..errors import DataError
from .archive import extract_member
from .http import NoRoomError, Progress, download, is_full, keep, mismatch, reject, remote_size, writing_to

_DONE = "complete"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a cohort and where it is published.

    Parameters
    ----------
    name: its name in the cohort's folder.
    urls: mirrors, tried in order. An address with a fragment is an archive, and the fragment the member's name in it:
        ``https://.../heart+disease.zip#processed.cleveland.data``.
    sha256, md5: the published digest of the file (of the member, not of an archive); empty where none is known, and
        then counts and shapes alone tell an altered copy.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Cohort:
    """What is fetched for the task of that name.

    Parameters
    ----------
    name: the task's name.
    size: what a reader should expect, in words.
    files: what is downloaded here; empty when ``through`` does it.
    through: the package whose own fetcher brings it; the task's module then has ``bring(folder)``.
    needs: a package without which the files cannot be read, and the command that installs it.
    """

    name: str
    size: str
    files: tuple[RemoteFile, ...] = ()
    through: str = ""
    needs: tuple[str, str] | None = None


def cohort_folder(name: str) -> Path:
    """Where the cohort of that name lies, or will lie."""
    return cache_folder("cohorts", name)


def is_fetched(cohort: Cohort) -> bool:
    """Whether every file of the cohort is there."""
    folder = cohort_folder(cohort.name)
    wanted = [_DONE] if cohort.through else [file.name for file in cohort.files]
    return all((folder / name).is_file() for name in wanted)


def own_mirror(name: str) -> str | None:
    """The address of a cohort on the institute's own server, which ``FUSEBENCH_MIRROR`` names, or None without one.

    It is asked instead of the publishers; what it gives is checked all the same.
    """
    mirror = os.environ.get("FUSEBENCH_MIRROR")
    return f"{mirror.rstrip('/')}/{name}" if mirror else None


def check_package(cohort: Cohort) -> None:
    """DataError with the cure when the package that a cohort needs is not installed."""
    if cohort.needs is not None and importlib.util.find_spec(cohort.needs[0]) is None:
        package, cure = cohort.needs
        raise DataError(f"cohort {cohort.name!r} needs {package}, which is not installed; {cure}")


def fetched(name: str) -> Path:
    """The folder of a cohort that is there.

    Raises
    ------
    DataError: it is not fetched yet, or a package to read it is missing; the message gives the command.
    """
    from .catalogue import COHORTS

    cohort = COHORTS[name]
    if not is_fetched(cohort):
        raise DataError(f"task {name!r} is not fetched yet ({cohort.size}); get it with: fusebench data fetch {name}")
    check_package(cohort)
    return cohort_folder(name)


def fetch(
    cohort: Cohort,
    load: Callable[[], Any],
    *,
    bring: Callable[[Path], None] | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> Any:
    """Bring what is missing of a cohort, check what is there, and give the loaded task.

    Files that are there are checked against their digests, and kept aside as ``NAME.rejected`` if they differ. At the
    end the task is loaded, which verifies counts and shapes; files without a digest are kept aside when that fails.
    Two processes may fetch the same cohort: the second waits.

    Parameters
    ----------
    load: the task's ``load``.
    bring: what brings a cohort that another package fetches.
    progress: given a file's name, what to tell of its bytes.

    Raises
    ------
    DataError: no network, no such file, a digest, count or shape that differs, no room, a package that is missing.
    """
    check_package(cohort)
    folder = cohort_folder(cohort.name)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            if cohort.through:
                assert bring is not None
                if not is_fetched(cohort):
                    _bring_through(cohort, folder, bring)
                return load()
            _bring_files(cohort, folder, progress)
            try:
                return load()
            except DataError:
                for file in cohort.files:
                    if not (file.sha256 or file.md5):
                        reject(folder / file.name, folder / file.name)
                raise


def expected_size(cohort: Cohort) -> int | None:
    """Bytes to download, as the servers say now; None when one of them does not say."""
    folder = cohort_folder(cohort.name)
    urls = {urldefrag(_addresses(cohort, f)[0]).url for f in cohort.files if not (folder / f.name).is_file()}
    sizes = [remote_size(url) for url in sorted(urls)]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _bring_through(cohort: Cohort, folder: Path, bring: Callable[[Path], None]) -> None:
    try:
        bring(folder)
    except DataError:
        raise
    except Exception as error:  # whatever another package raises of servers and files
        if isinstance(error, OSError) and is_full(error):
            raise
        raise DataError(
            f"cohort {cohort.name!r} could not be fetched through {cohort.through}: {error}; files that are whole are "
            "kept, and the same command fetches the rest"
        ) from error
    part = folder / f"{_DONE}.part"
    part.write_text("", encoding="utf-8")
    keep(part, folder / _DONE)


def _bring_files(cohort: Cohort, folder: Path, progress: Callable[[str], Progress] | None) -> None:
    archives: set[Path] = set()
    for file in cohort.files:
        target = folder / file.name
        if target.is_file():
            if wrong := mismatch(target, sha256=file.sha256, md5=file.md5):
                aside = reject(target, target)
                raise DataError(f"{target}: {wrong}; it is kept as {aside}, and the same command fetches a true one")
            continue
        reasons = []
        for url in _addresses(cohort, file):
            try:
                _bring_file(file, url, target, archives, progress)
                break
            except NoRoomError:
                raise
            except DataError as error:
                reasons.append(str(error))
        else:
            raise DataError(f"cohort {cohort.name!r}: " + "\n".join(reasons))
    for archive in archives:
        archive.unlink(missing_ok=True)


def _bring_file(
    file: RemoteFile, url: str, target: Path, archives: set[Path], progress: Callable[[str], Progress] | None
) -> None:
    address, member = urldefrag(url)
    if not member:
        tell = progress(file.name) if progress else None
        download(address, target, sha256=file.sha256, md5=file.md5, progress=tell)
        return
    archive = target.with_name(f"archive-{address.rsplit('/', 1)[-1]}")
    if not archive.is_file():
        download(address, archive, progress=progress(archive.name) if progress else None)
    archives.add(archive)
    part = target.with_name(f"{target.name}.part")
    try:
        extract_member(archive, member, part)
    except DataError:
        part.unlink(missing_ok=True)
        reject(archive, archive)
        raise
    if wrong := mismatch(part, sha256=file.sha256, md5=file.md5):
        raise DataError(f"{member} of {address}: {wrong}; what came is kept as {reject(part, target)}")
    keep(part, target)


def _addresses(cohort: Cohort, file: RemoteFile) -> tuple[str, ...]:
    mirror = own_mirror(cohort.name)
    return (f"{mirror}/{file.name}",) if mirror else file.urls


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the lock ends with the process, however it ends."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
