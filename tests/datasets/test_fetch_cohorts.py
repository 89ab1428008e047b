"""Every open cohort over made-up files of the published form: what is read, and what is told when it differs."""

import hashlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import DataError, OfficialSplit, load_task, task_registry
from fusebench.datasets.cache_folder import cache_folder
from fusebench.datasets.fetch.catalogue import COHORTS
from fusebench.datasets.fetch.cohort import Cohort, cohort_folder, is_fetched
from fusebench.datasets.fetch.verify import codes, read_table

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    return tmp_path


def put(name: str, files: dict[str, str | bytes]) -> Path:
    folder = cohort_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def lines(rows: list[list[object]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(map(str, row)) + end for row in rows)


def test_every_cohort_is_a_task_that_says_how_to_get_it_and_where_it_is_from() -> None:
    assert len(COHORTS) == 25
    for name, cohort in COHORTS.items():
        card = task_registry().get(name).card
        assert card is not None
        assert card.licence
        assert card.citation
        assert card.url
        assert "Fetched on request" in card.description
        assert not is_fetched(cohort)
        assert cohort.files or cohort.through
        for file in cohort.files:
            assert all(url.startswith("https://") for url in file.urls)
            assert len(file.sha256) in (0, 64)
            assert len(file.md5) in (0, 32)
        with pytest.raises(DataError, match=rf"task '{name}' is not fetched yet .*: fusebench data fetch {name}"):
            load_task(name)


def test_the_cards_read_from_classes_are_those_that_run() -> None:
    for name in ("bloodmnist", "synapsemnist3d"):
        found = task_registry().get(name)
        assert found.load().card == found.card


def test_the_cache_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder("a", "b") == tmp_path / "a" / "b"
    monkeypatch.delenv("FUSEBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "fusebench"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder("x") == Path.home() / ".cache" / "fusebench" / "x"


def heart() -> list[list[object]]:
    num = np.repeat(np.arange(5), [164, 55, 36, 35, 13])
    rows: list[list[object]] = [
        [50 + i % 9, i % 2, 1 + i % 4, 130, 240.5, 0, i % 3, 150, 0, 2.3, 1 + i % 3, i % 4, (3, 6, 7)[i % 3], label]
        for i, label in enumerate(num)
    ]
    for i in (7, 70, 170, 270):
        rows[i][11] = "?"
    for i in (8, 80):
        rows[i][12] = "?"
    return rows


def test_heart_disease(monkeypatch: pytest.MonkeyPatch) -> None:
    put("heart-disease", {"processed.cleveland.data": lines(heart())})
    task = load_task("heart-disease")
    assert [(m.name, m.width) for m in task.samples.modalities] == [
        ("history", 3),
        ("blood", 3),
        ("ecg", 1),
        ("exercise", 4),
        ("imaging", 2),
    ]
    assert task.classes == ("healthy", "disease")
    assert np.bincount(task.y).tolist() == [164, 139]
    imaging = task.samples.modality("imaging")
    assert np.argwhere(np.isnan(imaging.values)).tolist() == [[7, 0], [8, 1], [70, 0], [80, 1], [170, 0], [270, 0]]
    assert imaging.values[:3, 1].tolist() == [0, 1, 2]  # 3, 6 and 7 as codes
    assert imaging.categories["thal"] == ("normal", "fixed defect", "reversible defect")


def test_an_altered_copy_is_told_with_all_that_differs() -> None:
    rows = heart()[:-3]
    rows[0][0] = "?"
    path = put("heart-disease", {"processed.cleveland.data": lines(rows)}) / "processed.cleveland.data"
    with pytest.raises(DataError) as told:
        load_task("heart-disease")
    message = str(told.value)
    assert str(path) in message
    assert "patients: 300, published 303" in message
    assert "[164, 55, 36, 35, 10], published [164, 55, 36, 35, 13]" in message
    assert "missing cells: 7, published 6" in message
    assert "public copies are often altered" in message
    header = "age,sex,cp,trestbps,chol,fbs,restecg,thalach,exang,oldpeak,slope,ca,thal,num\n"
    put("heart-disease", {"processed.cleveland.data": header + lines(heart())})
    with pytest.raises(DataError, match="line 1: could not convert string to float: 'age'"):
        load_task("heart-disease")
    put("heart-disease", {"processed.cleveland.data": lines([row[:-1] for row in heart()])})
    with pytest.raises(DataError, match="cells in line 1: 13, published 14"):
        load_task("heart-disease")


def test_a_value_that_no_category_has_is_told(tmp_path: Path) -> None:
    column = np.array([1.0, np.nan, 5.0])
    assert codes(column, {5: "five", 1: "one"}, tmp_path, "cp").tolist()[::2] == [1, 0]
    with pytest.raises(DataError, match=r"values of cp: \[5.0\], published only \[1, 2\]"):
        codes(column, {1: "one", 2: "two"}, tmp_path, "cp")


def test_blank_lines_and_windows_line_ends_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"1,2\r\n\r\n3,?\r\n")
    np.testing.assert_array_equal(read_table(path, ",", 2), [[1, 2], [3, np.nan]])


def spectf(labels: list[int], seed: int) -> str:
    cells = np.random.default_rng(seed).integers(0, 101, (len(labels), 44))
    cells[:, 0], cells[:, 1] = 10, 20
    return lines([[label, *row] for label, row in zip(labels, cells.tolist(), strict=True)], end="\r\n")


def test_spectf() -> None:
    files = {"SPECTF.train": spectf([1] * 40 + [0] * 40, 0), "SPECTF.test": spectf([1] * 172 + [0] * 15, 1)}
    put("spectf", files)
    task = load_task("spectf")
    assert (task.samples.modality("rest").values[:, 0] == 10).all()
    assert (task.samples.modality("stress").values[:, 0] == 20).all()
    assert isinstance(task.protocol, OfficialSplit)
    (split,) = task.splits()
    assert (len(split.train), len(split.test)) == (80, 187)
    assert np.bincount(task.y[split.test]).tolist() == [15, 172]
    put("spectf", {"SPECTF.train": spectf([1] * 31 + [0] * 31, 0)})  # a copy that is about has 62 rows
    with pytest.raises(DataError, match=r"SPECTF.train is not .*patients: 62, published 80.*\[31, 31\]"):
        load_task("spectf")


def test_multiple_features() -> None:
    widths = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}
    tables = {name: np.arange(2000)[:, None] * np.ones(width) for name, width in widths.items()}
    tables["pix"] %= 7
    files = {f"mfeat-{name}": lines(t.astype(int).tolist(), "  ") for name, t in tables.items()}
    put("multiple-features", files)
    task = load_task("multiple-features")
    assert [m.width for m in task.samples.modalities] == list(widths.values())
    assert (np.bincount(task.y) == 200).all()
    assert task.y[[0, 199, 200, 1999]].tolist() == [0, 0, 1, 9]
    assert (task.samples.modality("zernike").values[:, 5] == np.arange(2000)).all()
    put("multiple-features", {"mfeat-pix": lines(tables["mor"].repeat(40, axis=1).astype(int).tolist(), " ")})
    with pytest.raises(DataError, match=r"range of pixels: .*1999.*, published \[0, 6\]"):
        load_task("multiple-features")


def test_dermatology() -> None:
    label = np.repeat(np.arange(1, 7), [112, 61, 72, 49, 52, 20])
    rows = [[*np.roll([0, 1, 2, 3] * 8 + [2], i), "?" if i < 8 else 40, y] for i, y in enumerate(label)]
    put("dermatology", {"dermatology.data": lines(rows)})
    task = load_task("dermatology")
    clinic, biopsy = task.samples.modalities
    assert (clinic.width, biopsy.width) == (12, 22)
    assert np.isnan(clinic.values[:, -1]).sum() == 8
    assert clinic.values[9].tolist() == [*rows[9][:11], 40]
    assert biopsy.values[9].tolist() == rows[9][11:33]
    assert np.bincount(task.y).tolist() == [112, 61, 72, 49, 52, 20]
    rows[3][2] = 4
    put("dermatology", {"dermatology.data": lines(rows)})
    with pytest.raises(DataError, match="findings outside 0 to 3: 1, published 0"):
        load_task("dermatology")


def medmnist(name: str, counts: tuple[int, int, int], row: tuple[int, ...], classes: int) -> dict[str, np.ndarray]:
    arrays = {}
    for part, n in zip(("train", "val", "test"), counts, strict=True):
        arrays[f"{part}_images"] = RNG.integers(0, 256, (n, *row), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n) % classes).astype(np.uint8)[:, None]
    cohort_folder(name).mkdir(parents=True, exist_ok=True)
    np.savez(cohort_folder(name) / f"{name}.npz", **arrays)
    return arrays


@pytest.mark.parametrize(
    ("name", "row", "kind", "shape"),
    [
        ("pneumoniamnist", (28, 28), "image", (1, 28, 28)),
        ("bloodmnist", (28, 28, 3), "image", (3, 28, 28)),
        ("adrenalmnist3d", (28, 28, 28), "volume", (1, 28, 28, 28)),
    ],
)
def test_medmnist(name: str, row: tuple[int, ...], kind: str, shape: tuple[int, ...], monkeypatch) -> None:
    cls = task_registry().get(name).load()
    monkeypatch.setattr(cls, "counts", (20, 10, 12))
    arrays = medmnist(name, (20, 10, 12), row, len(cls.classes))
    task = load_task(name)
    (modality,) = task.samples.modalities
    assert (modality.kind, modality.shape) == (kind, (42, *shape))
    first = arrays["test_images"][0]
    np.testing.assert_array_equal(
        modality.values[30], first.transpose(2, 0, 1) if len(row) == 3 and row[2] == 3 else first[None]
    )
    (split,) = task.splits()
    assert (len(split.train), len(split.test)) == (30, 12)
    assert task.y[split.test].tolist() == arrays["test_labels"].ravel().tolist()


def test_a_medmnist_file_with_other_counts_or_none_at_all() -> None:
    medmnist("breastmnist", (546, 78, 150), (28, 28), 2)
    with pytest.raises(DataError, match=r"images in train, val, test: \(546, 78, 150\), published \(546, 78, 156\)"):
        load_task("breastmnist")
    medmnist("breastmnist", (546, 78, 156), (28, 28), 3)
    with pytest.raises(DataError, match=r"labels: \[0, 1, 2\], published \[0, 1\]"):
        load_task("breastmnist")
    put("breastmnist", {"breastmnist.npz": b"<html>"})
    with pytest.raises(DataError, match="is no MedMNIST file"):
        load_task("breastmnist")


@pytest.mark.parametrize("cohort", [c for c in COHORTS.values() if c.needs], ids=lambda cohort: cohort.name)
def test_the_cure_is_an_extra_that_brings_the_missing_package(monkeypatch: pytest.MonkeyPatch, cohort: Cohort) -> None:
    folder = cohort_folder(cohort.name)
    folder.mkdir(parents=True)
    for name in [file.name for file in cohort.files] or ["complete"]:
        (folder / name).write_bytes(b"")
    package = cohort.needs[0]
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == package else real(name, *more))
    with pytest.raises(DataError, match=f"needs {package}, which is not installed; ") as told:
        load_task(cohort.name)
    (named,) = re.findall(r'pip install "fusebench\[(\w+)\]"$', str(told.value))
    assert package in extra(named)


def test_rdata_that_cannot_be_imported_has_the_same_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    put("tcga-breast", {"breast.TCGA.rda": b""})
    monkeypatch.setitem(sys.modules, "rdata", None)
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *m: object() if name == "rdata" else real(name, *m))
    with pytest.raises(DataError, match=r"is a file of R data; to read it: pip install 'fusebench\[cohorts\]'"):
        load_task("tcga-breast")
    assert "rdata" in extra("cohorts")


def extra(name: str) -> set[str]:
    """The packages that an extra of this project brings."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[^\w-]", package)[0] for package in project["optional-dependencies"][name]}


@pytest.mark.filterwarnings("ignore::UserWarning")  # rdata wonders about what is no R data
def test_tcga_breast(monkeypatch: pytest.MonkeyPatch) -> None:
    rdata = pytest.importorskip("rdata")
    import pandas as pd

    class Matrix:
        """An R matrix with row and column names, as mixOmics has them."""

        def __init__(self, values: np.ndarray, rows: list[str], columns: list[str]) -> None:
            self.values, self.rows, self.columns = values, rows, columns

    def matrix(data: Matrix, converter):
        made = converter.convert_to_r_object(np.ravel(data.values, order="F"))
        attributes = {"dim": np.array(data.values.shape), "dimnames": [np.array(data.rows), np.array(data.columns)]}
        made.attributes = converter.convert_to_r_attributes(attributes)
        made.info.attributes = True
        return made

    digest, parts, y = hashlib.sha256(), {}, []
    for part, counts, widths in (
        ("train", (45, 30, 75), {"mrna": 200, "mirna": 184, "protein": 142}),
        ("test", (21, 14, 35), {"mrna": 200, "mirna": 184}),
    ):
        subtype = np.repeat(["Basal", "Her2", "LumA"], counts)
        rows = [f"{part}{i}" for i in range(len(subtype))]
        values = {name: RNG.normal(size=(len(rows), width)) for name, width in widths.items()}
        for array in values.values():
            digest.update(array.tobytes())
        y += subtype.tolist()
        parts[f"data.{part}"] = {
            name: Matrix(array, rows, [f"{name}{j}" for j in range(array.shape[1])]) for name, array in values.items()
        } | {"subtype": pd.Categorical(subtype)}
    digest.update("\n".join(y).encode())
    path = put("tcga-breast", {}) / "breast.TCGA.rda"
    makers = {**rdata.write_rda.__kwdefaults__["constructor_dict"], Matrix: matrix}
    rdata.write_rda(path, {"breast.TCGA": parts}, constructor_dict=makers)

    with pytest.raises(DataError, match=rf"digest of the values: {digest.hexdigest()}, published d3b625b2"):
        load_task("tcga-breast")
    module = task_registry().get("tcga-breast").load()
    monkeypatch.setattr(module, "_VALUES", digest.hexdigest())
    task = load_task("tcga-breast")
    protein = task.samples.modality("protein")
    assert protein.present.tolist() == [True] * 150 + [False] * 70
    assert protein.features[:2] == ("protein0", "protein1")
    assert task.samples.ids[[0, 150]].tolist() == ["train0", "test0"]
    np.testing.assert_array_equal(task.samples.modality("mirna").values[150:], parts["data.test"]["mirna"].values)
    (split,) = task.splits()
    assert np.bincount(task.y[split.test]).tolist() == [21, 14, 35]
    path.write_bytes(b"<html>")
    with pytest.raises(DataError, match="is no file of R data"):
        load_task("tcga-breast")


def test_listing_imports_neither_nilearn_nor_numpy() -> None:
    code = (
        "import sys; from fusebench.datasets.registry import task_registry; "
        "from fusebench.datasets.fetch.catalogue import COHORTS; "
        "from fusebench.datasets.fetch.cohort import is_fetched; "
        "[is_fetched(c) for c in COHORTS.values()]; assert 'abide' in task_registry().names(); "
        "print(sorted({'nilearn', 'numpy', 'nibabel', 'requests'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
