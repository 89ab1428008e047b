"""Own data in arrays: NPZ files with modalities of every kind, and with official parts; what is refused of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusebench.datasets import DataError, Task
from fusebench.datasets.own import read_task

Write = Callable[..., Task]
Refusal = Callable[..., str]


def test_arrays_of_many_kinds(write: Write) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "grey": rng.integers(0, 255, (6, 4, 5), dtype=np.uint8),
        "rgb": rng.random((6, 4, 5, 3)),
        "vol": rng.random((6, 2, 3, 4)).astype(np.float32),
        "eeg": rng.random((6, 2, 50)),
        "fc": rng.random((6, 7, 7)),
        "tab": rng.random((6, 3)),
        "text": np.array(["a b", "c", "d", "e", "f", "g"]),
        "y": np.array([[0], [1], [0], [1], [0], [1]]),
    }
    toml = """
    file = "t.npz"
    label = "y"
    split = {folds = 3}
    [modalities]
    grey = {kind = "image"}
    rgb = {kind = "image", channels = "last"}
    vol = {kind = "volume"}
    eeg = {kind = "signal"}
    fc = {kind = "connectivity"}
    tab = {features = ["a", "b", "c"], columns = ["c", "a"]}
    note = {kind = "text", array = "text"}
    """
    samples = write(toml, t__npz=arrays).samples
    assert {m.name: (m.kind, m.shape[1:]) for m in samples.modalities} == {
        "grey": ("image", (1, 4, 5)),
        "rgb": ("image", (3, 4, 5)),
        "vol": ("volume", (1, 2, 3, 4)),
        "eeg": ("signal", (2, 50)),
        "fc": ("connectivity", (7, 7)),
        "tab": ("table", (2,)),
        "note": ("text", ()),
    }
    np.testing.assert_array_equal(samples.modality("grey").values[:, 0], arrays["grey"])
    assert samples.modality("grey").values.dtype == np.float32
    np.testing.assert_array_equal(samples.modality("rgb").values[2, :, 1, 3], arrays["rgb"][2, 1, 3])
    np.testing.assert_array_equal(samples.modality("tab").values, arrays["tab"][:, [2, 0]])


def test_pixels_in_columns_become_an_image(write: Write) -> None:
    rows = "".join(f"{','.join(str(10 * i + j) for j in range(6))},{i % 2}\n" for i in range(4))
    task = write(
        'file = "t.csv"\nheader = false\nlabel = -1\nsplit = {folds = 2}\n'
        '[modalities]\nm = {columns = "x1:x6", kind = "image", shape = [2, 3]}',
        t__csv=rows,
    )
    assert task.samples.modality("m").values[1, 0].tolist() == [[10, 11, 12], [13, 14, 15]]


def test_parts_of_an_npz_are_the_official_split(write: Write) -> None:
    arrays = {
        "train_x": np.arange(8.0).reshape(4, 2),
        "val_x": np.arange(4.0).reshape(2, 2) + 50,
        "test_x": np.arange(6.0).reshape(3, 2) + 100,
        "train_p": np.arange(6)[:, None] * 1,
        "train_y": np.array(["a", "b", "a", "b"]),
        "val_y": np.array(["a", "b"]),
        "test_y": np.array(["b", "a", "a"]),
    }
    toml = """
    file = "t.npz"
    label = {train = ["train_y", "val_y"], test = "test_y"}
    [modalities]
    x = {array = {train = ["train_x", "val_x"], test = "test_x"}}
    p = {array = {train = "train_p"}}
    """
    task = write(toml, t__npz=arrays)
    (split,) = task.splits()
    assert split.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert split.test.tolist() == [6, 7, 8]
    assert task.samples.modality("x").values[:, 0].tolist() == [0, 2, 4, 6, 50, 52, 100, 102, 104]
    assert task.samples.modality("p").present.tolist() == [True] * 6 + [False] * 3
    assert np.isnan(task.samples.modality("p").values[6:]).all()
    assert task.y.tolist() == [0, 1, 0, 1, 0, 1, 1, 0, 0]


NPZ = 'file = "t.npz"\nlabel = "y"\nsplit = {folds = 2}\n[modalities]\nx = {}\n'
Y = np.arange(6) % 2
X = np.arange(12.0).reshape(6, 2)


def _infinite() -> np.ndarray:
    x = X.copy()
    x[4, 1] = np.inf
    return x


@pytest.mark.parametrize(
    ("toml", "arrays", "parts"),
    [
        (
            NPZ,
            {"x": np.array([[1], ["a"]] * 3, dtype=object), "y": Y},
            ["t.npz", "'x' holds Python objects", "never loaded"],
        ),
        (NPZ, {"x": X, "y": np.array(list("ababab"), dtype=object)}, ["'y' holds Python objects", "astype(str)"]),
        (NPZ, {"x": X, "label": Y}, ["t.npz", "label", "no array is called 'y'", "x, label"]),
        (NPZ.replace("x = {}", 'x = {array = "xx"}'), {"x": X, "y": Y}, ["'xx'", "did you mean 'x'"]),
        (NPZ.replace("x = {}", "z = {}"), {"x": X, "y": Y}, ["'z': say which array", "x, y"]),
        (NPZ, {"x": X[:5], "y": Y}, ["'x'", "5 rows", "label has 6"]),
        (NPZ, {"x": np.float64(3), "y": Y}, ["0 rows", "label has 6"]),
        (NPZ, {"x": X[:, :0], "y": Y}, ["'x' is empty", "(6, 0)"]),
        (NPZ, {"x": _infinite(), "y": Y}, ["t.npz, row 5, column 'x2'", "infinite"]),
        (
            NPZ.replace("{}", '{kind = "roi"}'),
            {"x": _infinite(), "y": Y},
            ["t.npz", "'x', row 5, cell (1,)", "infinite"],
        ),
        (NPZ, {"x": X, "y": X}, ["label", "(6, 2)", "one value a row"]),
        (NPZ, {"x": X, "y": np.zeros(6)}, ["only one class (0)"]),
        (NPZ.replace("{}", '{array = "y"}'), {"x": X, "y": Y}, ["'x'", "'y' is the label"]),
        (NPZ.replace("{}", '{features = ["a"]}'), {"x": X, "y": Y}, ["2 columns but 1 features"]),
        (NPZ.replace("{}", '{array = {train = "x"}}'), {"x": X, "y": Y}, ["train and test arrays", "label"]),
        (NPZ.replace("{}", '{array = {test = "x"}}'), {"x": X, "y": Y}, ["[modalities.x.array] train"]),
        (NPZ.replace("{}", '{kind = "image"}'), {"x": X, "y": Y}, ["kind image has 2 sides", "(2,)"]),
        (
            NPZ.replace("{}", '{kind = "image", columns = "a"}'),
            {"x": X, "y": Y},
            ["columns can be chosen for kind table"],
        ),
        (NPZ, {"x": np.array([["1", "b"]] * 6), "y": Y}, ["row 1, column 'x2'", "'b' is not a number"]),
    ],
)
def test_arrays(refusal: Refusal, toml: str, arrays: dict[str, np.ndarray], parts: list[str]) -> None:
    told = refusal(toml, t__npz=arrays)
    for part in parts:
        assert part in told


PARTS = """
file = "t.npz"
label = {train = "train_y", test = "test_y"}
[modalities]
x = {array = {train = "train_x", test = "test_x"}}
"""


@pytest.mark.parametrize(
    ("toml", "change", "parts"),
    [
        (PARTS, {"test_x": X[:3]}, ["'x'", "3 test rows in test_x", "label has 4"]),
        (PARTS, {"test_x": np.ones((4, 3))}, ["different shapes", "(2,), (3,)"]),
        (PARTS, {"test_y": np.array(list("abac"))}, ["'c' has no training rows"]),
        ("split = {folds = 3}\n" + PARTS, {}, ["[split]", "already have train and test parts"]),
        (PARTS.replace("label =", 'id = {train = "train_y", test = "test_y"}\nlabel ='), {}, ["training row 3", "'a'"]),
    ],
)
def test_parts(refusal: Refusal, toml: str, change: dict[str, np.ndarray], parts: list[str]) -> None:
    good = {"train_x": X, "test_x": X[:4], "train_y": np.array(list("ababab")), "test_y": np.array(list("abab"))}
    told = refusal(toml, t__npz=good | change)
    for part in parts:
        assert part in told


def test_an_object_array_is_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    np.savez(tmp_path / "t.npz", x=np.array([Trap()] * 6, dtype=object), y=Y)
    (tmp_path / "task.toml").write_text(NPZ)
    with pytest.raises(DataError, match="never loaded"):
        read_task(tmp_path / "task.toml")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["t.npz", "t.npy", "t.parquet"])
def test_files_that_are_not_what_their_name_says(refusal: Refusal, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    told = refusal(NPZ.replace("t.npz", name), **{name.replace(".", "__"): "this is text"})
    assert name in told
    assert "write it" in told


def test_parquet_without_pyarrow(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "pip install 'fusebench[parquet]'" in refusal(NPZ.replace("npz", "parquet"), t__parquet="x")
