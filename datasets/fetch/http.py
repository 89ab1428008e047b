"""One file from the web: resumed where it stopped, checked, and under its own name only when it is whole.

pooch 1.9, which many scientific packages use for this, was weighed and left out: it begins every attempt anew in a
temporary file that it deletes, knows one address a file, and unpacks archives without looking at their names. What is
left of it is a digest and a rename, which the standard library has.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import DataError

Progress = Callable[[int, int | None], None]
"""Told after every chunk: bytes there so far, bytes in all where the server says so."""

_CHUNK = 1 << 16
_ATTEMPTS = 3  # in a row without a single new byte, at one address
_PAUSE = 1.0  # seconds before such an attempt is made again
_TIMEOUT = 30.0  # seconds without an answer
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoomError(DataError):
    """The disk is full: another address would not help."""


class _UnreachableError(Exception):
    """Why one address did not give the file; ``final`` when the server has spoken and asking again changes nothing."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def download(url: str, target: Path, *, sha256: str = "", md5: str = "", progress: Progress | None = None) -> Path:
    """Bring the file at ``url``, and give ``target``.

    What arrives is written to ``NAME.part`` beside the target, which stays when the download breaks off: the next call
    asks for the rest (HTTP Range, RFC 9110 section 14) and begins anew where the server does not know how. A part is
    gone on with only if a checksum will tell whether it fits, or if the server vouches that its file is the same one
    (``If-Range``). The whole file is checked, synchronised to disk and renamed, so that ``target`` is never half a
    file. A file that fails its check is kept aside as ``NAME.rejected``.

    Parameters
    ----------
    sha256, md5: what the file's digest must be, in hex; an empty one is not checked.

    Raises
    ------
    DataError: no network, no such file, a checksum that differs.
    NoRoomError: the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    known = bool(sha256 or md5)
    resumed = _size(part) > 0
    try:
        _bring(url, part, trusting=known, progress=progress)
        wrong = mismatch(part, sha256=sha256, md5=md5)
        if wrong and resumed:  # the part may have been of another file: once more from the first byte
            _discard(part)
            _bring(url, part, trusting=known, progress=progress)
            wrong = mismatch(part, sha256=sha256, md5=md5)
    except _UnreachableError as error:
        kept = f"; {_size(part):,} bytes are kept, and the same command goes on from there" if _size(part) else ""
        raise DataError(f"{target.name} could not be fetched from {url}: {error}{kept}") from error
    if wrong:
        raise DataError(f"{target.name} from {url}: {wrong}; what came is kept as {reject(part, target)}")
    keep(part, target)
    _discard(part)
    return target


def mismatch(path: Path, *, sha256: str = "", md5: str = "") -> str:
    """What is wrong with a file's digests, or an empty string."""
    for algorithm, wanted in (("sha256", sha256), ("md5", md5)):
        if wanted:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).hexdigest()
            if found != wanted:
                return f"its {algorithm} is {found}, not {wanted}: the file was altered or replaced"
    return ""


def keep(part: Path, target: Path) -> None:
    """Give a whole file its name: synchronised first, so that not even a power cut leaves half of it there."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def reject(path: Path, target: Path) -> Path:
    """Move a file that failed its check out of the way, to be looked at; the next one takes its place."""
    aside = target.with_name(f"{target.name}.rejected")
    path.replace(aside)
    _discard(path)
    return aside


def is_full(error: OSError) -> bool:
    """Whether writing failed because there is no room, on the disk or in the user's share of it."""
    return error.errno in _FULL


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Name the folder and the cure when writing to it fails: NoRoomError, or DataError for any other reason."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise NoRoomError(
                f"{folder}: no room left ({error.strerror}); free some, or name another folder in FUSEBENCH_CACHE, and "
                "run the same command again"
            ) from error
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); name another folder in FUSEBENCH_CACHE"
        ) from error


def remote_size(url: str) -> int | None:
    """How many bytes a server says its file has, without fetching it; None when it does not say or is out of reach."""
    try:
        with _ask(url, method="HEAD") as answer:
            return _length(answer)
    except _UnreachableError:
        return None


def _bring(url: str, part: Path, *, trusting: bool, progress: Progress | None) -> None:
    """Complete the part from one address, however often the connection breaks off as long as bytes arrive."""
    furthest = _size(part)
    stalled = 0
    while stalled < _ATTEMPTS:
        reason = "the connection broke off before the end"
        try:
            with writing_to(part.parent):
                if _once(url, part, trusting=trusting, progress=progress):
                    return
        except _UnreachableError as error:
            if error.final or _size(part) == 0:
                raise
            reason = str(error)
        if _size(part) > furthest:
            furthest, stalled = _size(part), 0
        else:
            stalled += 1
            time.sleep(_PAUSE if _size(part) else 0.0)  # a part that was thrown away is asked for anew at once
    raise _UnreachableError(reason)


def _once(url: str, part: Path, *, trusting: bool, progress: Progress | None) -> bool:
    """One request, and all of its answer appended to the part; whether the file is whole now."""
    offset = _size(part)
    headers = {}
    if offset and trusting:
        headers["Range"] = f"bytes={offset}-"
    elif offset and (version := _version(part, url)):
        headers |= {"Range": f"bytes={offset}-", "If-Range": version}
    try:
        answer = _ask(url, headers=headers)
    except _UnreachableError as error:
        cause = error.__cause__
        if not isinstance(cause, urllib.error.HTTPError) or cause.code != 416:
            raise
        # Nothing is left to send: the part is the whole file, or is of another one.
        if _total(cause.headers.get("Content-Range", "")) == offset:
            return True
        _discard(part)
        return False
    with answer:
        goes_on = answer.status == 206
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            _discard(part)
            raise _UnreachableError("it answered with another part of the file than was asked for")
        if not goes_on:  # what was there goes before the new version is noted, so that the two never mix
            _discard(part)
            offset = 0
        length = _length(answer)
        room = shutil.disk_usage(part.parent).free
        if length is not None and length > room:
            raise OSError(errno.ENOSPC, f"{length:,} bytes to come, {room:,} free")
        _version_path(part).write_text(f"{url}\n{_validator(answer)}", encoding="utf-8")
        total = None if length is None else offset + length
        there = _append(answer, part, "ab" if goes_on else "wb", offset, total, progress)
    return total is None or there == total


def _append(answer: IO[bytes], part: Path, mode: str, there: int, total: int | None, progress: Progress | None) -> int:
    with part.open(mode) as file:
        try:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                there += len(chunk)
                if progress is not None:
                    progress(there, total)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and is_full(error):
                raise
            if total is None:  # without a length, a broken answer cannot be told from a whole one by counting
                raise _UnreachableError(f"the connection broke off ({error})") from error
    return there


def _ask(url: str, headers: dict[str, str] | None = None, method: str = "GET") -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "fusebench", **(headers or {})}, method=method)
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        told = {404: "there is no such file (404)", 403: "the server refuses (403)"}
        told_as = told.get(error.code, f"the server answers {error.code} {error.reason}")
        raise _UnreachableError(told_as, final=True) from error
    except (urllib.error.URLError, TimeoutError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise _UnreachableError(f"no connection ({reason}); is there a network, and does it need a proxy?") from error


def _length(answer: http.client.HTTPResponse) -> int | None:
    value = answer.headers.get("Content-Length", "")
    return int(value) if value.isdecimal() else None


def _total(content_range: str) -> int | None:
    found = re.fullmatch(r"bytes (?:\*|\d+-\d+)/(\d+)", content_range.strip())
    return int(found[1]) if found else None


def _validator(answer: http.client.HTTPResponse) -> str:
    """What names this version of the file for ``If-Range``: a strong entity tag, or when it was last modified."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _version_path(part: Path) -> Path:
    """Where the address of a part is noted, and the server's name for the version it is of."""
    return part.with_name(f"{part.name}.of")


def _version(part: Path, url: str) -> str:
    path = _version_path(part)
    of, _, version = path.read_text(encoding="utf-8").partition("\n") if path.exists() else ("", "", "")
    return version if of == url else ""


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_path(part).unlink(missing_ok=True)
