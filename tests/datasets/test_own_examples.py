"""The example descriptions: over tiny files of the same formats, and over the real ones where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

import fusebench.datasets
from fusebench.datasets import OfficialSplit, Task
from fusebench.datasets.exchange import open_task, save_task
from fusebench.datasets.own import read_task
from fusebench.datasets.validate import describe

EXAMPLES = Path(fusebench.datasets.__path__[0]) / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.toml"))


def test_there_are_six() -> None:
    assert NAMES == [
        "ham10000-8x8",
        "heart-cleveland",
        "mfeat-6views",
        "pneumoniamnist",
        "spectf-heart",
        "tcga-breast-mixomics",
    ]


def _read(name: str, folder: Path) -> Task:
    return read_task(EXAMPLES / f"{name}.toml", data=folder)


def test_heart_cleveland(tmp_path: Path) -> None:
    names = [
        "age",
        "sex",
        "cp",
        "trestbps",
        "chol",
        "fbs",
        "restecg",
        "thalach",
        "exang",
        "oldpeak",
        "slope",
        "ca",
        "thal",
    ]
    head = ",".join([*(f"({name})" for name in names), "(num) (the label)"])
    rows = [
        f"{50 + i}.0,{i % 2}.0,{1 + i % 4}.0,130.0,2{i}0.0,0.0,{i % 3}.0,15{i}.0,0.0,2.{i},{1 + i % 3}.0,"
        f"{'?' if i == 7 else 0.0},{'?' if i == 3 else [3.0, 6.0, 7.0][i % 3]},{i % 5 if i % 2 else 0}"
        for i in range(40)
    ]
    (tmp_path / "processed.cleveland.data").write_text("\n".join([head, *rows]) + "\n")
    task = _read("heart-cleveland", tmp_path)
    assert task.samples.names == ("history", "blood", "ecg", "exercise", "imaging")
    assert [m.width for m in task.samples.modalities] == [3, 3, 1, 4, 2]
    assert task.classes == ("healthy", "disease")
    assert task.y[:6].tolist() == [0, 1, 0, 1, 0, 0]
    imaging = task.samples.modality("imaging")
    assert np.argwhere(np.isnan(imaging.values)).tolist() == [[3, 1], [7, 0]]
    assert imaging.categories == {"(thal)": ("3", "6", "7")}


def test_spectf_heart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.c_[rng.integers(20, 90, (100, 44)), np.arange(100) % 2]
    (tmp_path / "SPECTF.csv").write_text("\ufeff" + "\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n")
    task = _read("spectf-heart", tmp_path)
    np.testing.assert_array_equal(task.samples.modality("rest").values, rows[:, 0:44:2])
    np.testing.assert_array_equal(task.samples.modality("stress").values, rows[:, 1:44:2])
    assert task.samples.modality("stress").features[:2] == ("F1S", "F2S")
    (split,) = task.splits()
    assert (len(split.train), len(split.test), split.test[0]) == (80, 20, 80)


def test_mfeat(tmp_path: Path) -> None:
    for view, width in {"fou": 4, "fac": 5, "kar": 3, "pix": 6, "zer": 2, "mor": 2}.items():
        rows = "".join(",".join([f"{i}.{j}" for j in range(width)] + [str(i // 5)]) + "\n" for i in range(50))
        head = ",".join([*map(str, range(width)), "0"])
        (tmp_path / f"mfeat-{view}.csv").write_text(f"{head}\n{rows}")
    task = _read("mfeat-6views", tmp_path)
    assert [m.width for m in task.samples.modalities] == [4, 5, 3, 6, 2, 2]
    assert np.bincount(task.y).tolist() == [5] * 10
    assert task.samples.modality("morphology").values[12].tolist() == [12.0, 12.1]


def test_tcga(tmp_path: Path) -> None:
    arrays = {}
    for view, width in {"mrna": 4, "mirna": 3, "protein": 2}.items():
        arrays[f"train_{view}"] = np.random.default_rng(width).normal(size=(6, width))
        arrays[f"test_{view}"] = np.random.default_rng(width + 9).normal(size=(3, width))
        arrays[f"{view}_features"] = np.array([f"{view}{j}" for j in range(width)])
    del arrays["test_protein"]
    arrays |= {"train_y": np.array(list("xyzxyz")), "test_y": np.array(list("xyz"))}
    arrays |= {"train_id": np.array(list("abcdef")), "test_id": np.array(list("ghi"))}
    np.savez(tmp_path / "breast_tcga.npz", **arrays)
    task = _read("tcga-breast-mixomics", tmp_path)
    assert isinstance(task.protocol, OfficialSplit)
    assert task.samples.modality("protein").present.tolist() == [True] * 6 + [False] * 3
    assert task.samples.modality("mirna").features == ("mirna0", "mirna1", "mirna2")
    np.testing.assert_array_equal(
        task.samples.modality("mrna").values, np.vstack([arrays["train_mrna"], arrays["test_mrna"]])
    )
    assert task.samples.ids.tolist() == list("abcdefghi")


def test_ham10000(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 64))
    head = ",".join([*(f"pixel{j:04d}" for j in range(64)), "label"])
    rows = "".join(",".join(map(str, [*row, i % 2])) + "\n" for i, row in enumerate(pixels))
    (tmp_path / "hmnist_8_8_L.csv").write_text(f"{head}\n{rows}")
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for i in range(20):
        age, place = "" if i == 4 else "50.0", "back" if i % 3 else "scalp"
        lines.append(f"HAM_{i // 2},ISIC_{i},{'mel' if i // 2 % 2 else 'nv'},histo,{age},male,{place}")
    (tmp_path / "HAM10000_metadata.csv").write_text("\n".join(lines) + "\n")
    task = _read("ham10000-8x8", tmp_path)
    np.testing.assert_array_equal(task.samples.modality("image").values, pixels.reshape(20, 1, 8, 8))
    clinical = task.samples.modality("clinical")
    assert clinical.categories == {"sex": ("male",), "localization": ("back", "scalp")}
    assert np.argwhere(np.isnan(clinical.values)).tolist() == [[4, 0]]
    assert task.samples.groups[:4].tolist() == ["HAM_0", "HAM_0", "HAM_1", "HAM_1"]
    assert [task.classes[code] for code in task.y[:4]] == ["nv", "nv", "mel", "mel"]


def test_pneumoniamnist(tmp_path: Path) -> None:
    arrays = {}
    for part, n in {"train": 6, "val": 4, "test": 3}.items():
        arrays[f"{part}_images"] = np.random.default_rng(n).integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n, dtype=np.uint8) % 2)[:, None]
    np.savez(tmp_path / "pneumoniamnist_reconstructed.npz", **arrays)
    task = _read("pneumoniamnist", tmp_path)
    assert isinstance(task.protocol, OfficialSplit)
    assert task.protocol.test.tolist() == [False] * 10 + [True] * 3
    images = np.concatenate([arrays[f"{part}_images"] for part in ("train", "val", "test")])
    np.testing.assert_array_equal(task.samples.modality("xray").values[:, 0], images)
    assert task.classes == ("normal", "pneumonia")


REAL = {
    "ham10000-8x8": ([64, 3], [327, 514, 1099, 115, 1113, 6705, 142], 10015, 0),
    "heart-cleveland": ([3, 3, 1, 4, 2], [164, 139], 303, 0),
    "mfeat-6views": ([76, 216, 64, 240, 47, 6], [200] * 10, 2000, 0),
    "pneumoniamnist": ([784], [1583, 4273], 5856, 624),
    "spectf-heart": ([22, 22], [55, 212], 267, 187),
    "tcga-breast-mixomics": ([200, 184, 142], [66, 44, 110], 220, 70),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_real_data(name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("FUSEBENCH_DATA", "/nowhere")) / name
    if not folder.is_dir():
        pytest.skip("set FUSEBENCH_DATA to a folder with the real data sets to read them")
    task = _read(name, folder)
    widths, counts, n, tests = REAL[name]
    assert [m.width for m in task.samples.modalities] == widths
    assert np.bincount(task.y).tolist() == counts
    assert len(task) == n
    if tests:
        assert len(task.splits()[0].test) == tests
    assert describe(task).fingerprint == open_task(save_task(task, tmp_path / "task"), verify=True).fingerprint
