"""Files that are either whole or not there."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write through a temporary file beside the target, so that a reader never sees half of it; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def write_text(path: Path, content: str) -> Path:
    """``write_bytes`` for text, as UTF-8."""
    return write_bytes(path, content.encode())


def file_stem(name: str) -> str:
    """The file name, without ending, of a table or figure: safe on every system and in LaTeX.

    Names in other scripts get a mark of their own, since all of their letters are lost.
    """
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-").lower()
    mark = "" if name.isascii() else hashlib.sha256(name.encode()).hexdigest()[:8]
    return "-".join(filter(None, (stem, mark))) or "unnamed"
