"""Own data in a BIDS folder: its table, its files by suffix or pattern, sessions, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import Task

Write = Callable[..., Task]
Refusal = Callable[..., str]

pytestmark = pytest.mark.usefixtures("cache")

BIDS = 'bids = "ds"\nlabel = "group"\nsplit = {folds = 2}\n[modalities]\nage = ["age"]\n'


@pytest.fixture
def bids(tmp_path: Path) -> Path:
    """A BIDS folder of eight subjects; the odd ones have a session."""
    lines = ["participant_id\tage\tgroup"]
    for i in range(8):
        sub = f"sub-{i:02d}"
        session = ["ses-a"] if i % 2 else []
        folder = tmp_path.joinpath("ds", sub, *session, "anat")
        folder.mkdir(parents=True)
        stem = "_".join([sub, *session])
        np.save(folder / f"{stem}_acq-fast_T1w.npy", np.full((2, 2, 2), i))
        (folder / f"{stem}_acq-fast_T1w.json").write_text("{}")
        np.save(folder / f"{stem}_desc-brainT1w.npy", np.zeros(3))
        lines.append(f"{sub}\t{'n/a' if i == 3 else 60 + i}\t{'pd' if i < 4 else 'hc'}")
    (tmp_path / "ds/derivatives/x").mkdir(parents=True)
    (tmp_path / "ds/participants.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path / "ds"


@pytest.mark.usefixtures("bids")
def test_bids(write: Write) -> None:
    task = write(BIDS + 't1 = {suffix = "T1w", kind = "volume"}\n')
    assert task.samples.ids[:2].tolist() == ["sub-00", "sub-01"]
    np.testing.assert_array_equal(task.samples.modality("t1").values[:, 0, 0, 0, 0], np.arange(8))
    assert np.isnan(task.samples.modality("age").values[3, 0])
    assert task.classes == ("hc", "pd")
    assert task.notes == ()
    exact = write(BIDS + 't1 = {pattern = "{id}/anat/{id}_*_T1w.npy", kind = "volume"}\n')
    assert np.flatnonzero(exact.samples.modality("t1").present).tolist() == [0, 2, 4, 6]


def test_bids_with_two_files_for_one_subject(bids: Path, refusal: Refusal) -> None:
    np.save(bids / "sub-02/anat/sub-02_acq-slow_T1w.npy", np.ones((2, 2, 2)))
    message = refusal(BIDS + 't1 = {suffix = "T1w", kind = "volume"}\n')
    for word in ("two files for 'sub-02'", "acq-fast", "sub-02/anat/sub-02_acq-slow_T1w.npy", "pattern instead"):
        assert word in message


def test_bids_without_a_table(tmp_path: Path, refusal: Refusal) -> None:
    (tmp_path / "ds").mkdir()
    assert "participants.tsv: no such file" in refusal(BIDS)
