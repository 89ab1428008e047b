"""What the tests of own data share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import DataError, Task
from fusebench.datasets.own import read_task


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where arrays are kept, in a cache folder of the test's own."""
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "arrays"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Task]:
    """Write the TOML and files (``t__csv`` is t.csv; arrays make an NPZ), and read the task."""

    def write_(toml: str | bytes, **files: object) -> Task:
        for name, content in {k.replace("__", "."): v for k, v in files.items()}.items():
            if isinstance(content, dict):
                np.savez(tmp_path / name, **content)
            elif isinstance(content, bytes):
                (tmp_path / name).write_bytes(content)
            else:
                (tmp_path / name).write_text(str(content), encoding="utf-8")
        (tmp_path / "task.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
        return read_task(tmp_path / "task.toml")

    return write_


@pytest.fixture
def refusal(write: Callable[..., Task]) -> Callable[..., str]:
    """Write the TOML and files, and give the message of the DataError that reading raises."""

    def refusal_(toml: str | bytes, **files: object) -> str:
        with pytest.raises(DataError) as caught:
            write(toml, **files)
        return str(caught.value)

    return refusal_
