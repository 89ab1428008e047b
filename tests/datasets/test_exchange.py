"""Exchange: a task survives the folder exactly, appears whole or not at all, and stays on disk until it is used."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import (
    CrossValidation,
    DataError,
    LeaveOneSiteOut,
    Modality,
    OfficialSplit,
    Samples,
    Task,
    TaskCard,
    load_task,
)
from fusebench.datasets.card import Published
from fusebench.datasets.exchange import open_task, save_task
from fusebench.datasets.splits import Protocol


def rich(protocol: Protocol = CrossValidation()) -> Task:  # noqa: B008 - frozen
    rng = np.random.default_rng(0)
    table = np.c_[rng.normal(size=(20, 2)), rng.integers(0, 2, 20)]
    table[3, 0] = np.nan
    present = np.arange(20) % 7 != 3
    samples = Samples(
        [
            Modality("t/a b", "table", table, features=("ä", "b", "c"), categories={"c": ("x", "y")}),
            Modality("scan", "image", rng.normal(size=(20, 1, 3, 3)).astype(np.float32), present=present),
            Modality("count", "signal", rng.integers(0, 9, (20, 1, 4), dtype=np.int16)),
            Modality("note", "text", np.array([f"wörd {i}" for i in range(20)])),
        ],
        ids=[f"p{i}" for i in range(20)],
        groups=np.arange(20) // 2,
        sites=np.arange(20) // 2 % 5,
    )
    card = TaskCard("rich", "Rich", caveats=("one",), published=(Published("SVM", "accuracy", 0.9, "A"),))
    y = np.arange(20) // 2 % 2
    return Task(samples, y, ("no", "yes"), card, protocol, bayes={"accuracy": 0.93}, truth={"bits": y})


@pytest.mark.parametrize(
    "protocol",
    [
        CrossValidation(3, 4),
        LeaveOneSiteOut(),
        OfficialSplit(np.arange(20) >= 14, repeats=3),
        OfficialSplit(np.arange(20) >= 14, np.arange(20) < 10),
    ],
)
def test_round_trip(tmp_path: Path, protocol: Protocol) -> None:
    task = rich(protocol)
    folder = save_task(task, tmp_path / "deep" / "task")
    for opened in (open_task(folder), open_task(folder, verify=True)):
        assert opened.fingerprint == task.fingerprint
        assert (opened.card, opened.classes, dict(opened.bayes)) == (task.card, task.classes, dict(task.bayes))
        assert not opened.truth
        for mine, theirs in zip(opened.samples.modalities, task.samples.modalities, strict=True):
            assert isinstance(mine.array, np.memmap)
            assert (mine.name, mine.kind, mine.features, mine.categories) == (
                theirs.name,
                theirs.kind,
                theirs.features,
                theirs.categories,
            )
            np.testing.assert_array_equal(mine.values, theirs.values)
            np.testing.assert_array_equal(mine.present, theirs.present)
            with pytest.raises(ValueError, match="read-only"):
                mine.values[0] = mine.values[1]
        for a, b in zip(opened.splits(seed=5), task.splits(seed=5), strict=True):
            np.testing.assert_array_equal(a.train, b.train)
            np.testing.assert_array_equal(a.test, b.test)
    # What was not trusted but computed anew is the same too.
    names = task.samples.names[:2]
    assert open_task(folder).select(names).fingerprint == task.select(names).fingerprint


def test_a_part_of_a_task_is_saved_as_that_part(tmp_path: Path) -> None:
    whole = rich()
    part = Task(whole.samples[2:12], whole.y[2:12], whole.classes, whole.card)
    opened = open_task(save_task(part, tmp_path / "part"), verify=True)
    assert opened.fingerprint == part.fingerprint
    assert len(opened) == 10


def test_saving_again_changes_nothing_and_another_task_replaces(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    save_task(rich(), folder)
    before = (folder / "task.json").stat().st_mtime_ns
    save_task(rich(), folder)
    assert (folder / "task.json").stat().st_mtime_ns == before
    other = load_task("add", n=40)
    save_task(other, folder)
    assert open_task(folder, verify=True).fingerprint == other.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusebench.datasets.exchange.json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_task(replace(rich(), bayes={}), tmp_path / "task")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_task_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="not a saved task"):
        save_task(rich(), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="not a saved task"):
        save_task(rich(), tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert open_task(save_task(rich(), tmp_path / "empty")).name == "rich"


def test_no_file_needs_a_pickle(tmp_path: Path) -> None:
    for path in save_task(rich(), tmp_path / "task").glob("*.npy"):
        assert not np.load(path, allow_pickle=False).dtype.hasobject


def _edit(folder: Path, **changes: object) -> None:
    path = folder / "task.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_damage_is_told(tmp_path: Path) -> None:
    def fresh(name: str) -> Path:
        return save_task(rich(), tmp_path / name)

    with pytest.raises(DataError, match="not a saved task"):
        open_task(tmp_path / "nowhere")
    folder = fresh("newer")
    _edit(folder, version=99)
    with pytest.raises(DataError, match="version 99 is newer than 1; update fusebench"):
        open_task(folder)
    folder = fresh("alien")
    _edit(folder, format="other")
    with pytest.raises(DataError, match="not a saved task of fusebench"):
        open_task(folder)
    folder = fresh("half")
    (folder / "task.json").write_text('{"format": ')
    with pytest.raises(DataError, match="not readable as JSON"):
        open_task(folder)
    folder = fresh("incomplete")
    _edit(folder, card={})
    with pytest.raises(DataError, match="incomplete"):
        open_task(folder)
    folder = fresh("lost")
    (folder / "modality-1.npy").unlink()
    with pytest.raises(DataError, match=r"modality-1\.npy.*save the task again"):
        open_task(folder)
    folder = fresh("short")
    np.save(folder / "y.npy", np.zeros(3, dtype=np.int64))
    with pytest.raises(DataError, match="20 samples but 3 labels"):
        open_task(folder)
    folder = fresh("changed")
    np.save(folder / "modality-0.npy", np.zeros((20, 3)))
    with pytest.raises(DataError, match="differ from what was saved"):
        open_task(folder, verify=True)
