"""Own data: what the TOML can say, over tiny files of every format."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import CrossValidation, LeaveOneSiteOut, OfficialSplit, Task, load_task
from fusebench.datasets.own import read_task

Write = Callable[..., Task]

TABLE = """pid,hb,wbc,ecg_a,ecg_b,sex,set,site,dx
p1,1,10,0.1,5,f,train,n,0
p2,2,20,0.2,6,m,train,s,1
p3,3,30,0.3,7,f,train,n,2
p4,4,,0.4,8,NA,test,s,0
p5,5,50,0.5,9,m,test,n,1
p6,6,60,0.6,1,f,test,s,2
"""


@pytest.fixture
def write(write: Write) -> Write:
    """As for all own data, beside the table."""
    return partial(write, table__csv=TABLE)


BASE = """
file = "table.csv"
id = "pid"
drop = ["set", "site"]
split = {folds = 2}
[label]
column = "dx"
map = {"0" = "healthy", "*" = "ill"}
"""


def test_the_shortest_description(write: Write) -> None:
    task = write('file = "t.csv"\nlabel = "dx"\n[modalities]\nblood = ["a"]\necg = "b*"\nsplit = "c"\n', t__csv=(
        "a,b1,b2,c,dx\n" + "".join(f"{i},{i + 1},{i + 2},{-i},{'xy'[i % 2]}\n" for i in range(10))))  # fmt: skip
    assert task.name == "task"
    assert task.classes == ("x", "y")
    assert task.samples.modality("ecg").values[3].tolist() == [4, 5]
    assert task.samples.names == ("blood", "ecg", "split")
    assert isinstance(task.protocol, CrossValidation)
    assert (task.protocol.folds, task.protocol.repeats) == (5, 1)


def test_ids_map_missing_cells_and_categories(write: Write) -> None:
    task = write(
        BASE + '[modalities]\nblood = ["hb", "wbc"]\nsex = {columns = "sex", categorical = "sex"}\necg = "others"'
    )
    assert task.samples.ids.tolist() == [f"p{i}" for i in range(1, 7)]
    assert task.classes == ("healthy", "ill")
    assert task.y.tolist() == [0, 1, 1, 0, 1, 1]
    assert np.isnan(task.samples.modality("blood").values[3, 1])
    sex = task.samples.modality("sex")
    assert sex.categories == {"sex": ("f", "m")}
    np.testing.assert_array_equal(sex.values[:, 0], [0, 1, 0, np.nan, 1, 0])
    assert task.samples.modality("ecg").features == ("ecg_a", "ecg_b")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ('"ecg_*"', ["ecg_a", "ecg_b"]),
        ('["hb:ecg_b"]', ["hb", "wbc", "ecg_a", "ecg_b"]),
        ('["hb:ecg_b:2"]', ["hb", "ecg_a"]),
        ('["wbc", "ecg_?", "hb"]', ["wbc", "ecg_a", "ecg_b", "hb"]),
        ("[2, 4]", ["hb", "ecg_a"]),
        ("[-5]", ["ecg_b"]),
        ('["ecg_[b]"]', ["ecg_b"]),
        ('["*b*"]', ["hb", "wbc", "ecg_b"]),
        ('{columns = "hb:ecg_b", drop = "wbc"}', ["hb", "ecg_a", "ecg_b"]),
    ],
)
def test_columns(write: Write, columns: str, expected: list[str]) -> None:
    assert list(write(BASE + f"[modalities]\nm = {columns}").samples.modality("m").features) == expected


def test_patterns_never_reach_what_is_not_a_measurement(write: Write) -> None:
    toml = BASE.replace('drop = ["set", "site"]', 'drop = "set"\nsite = "site"\ngroup = "sex"\nmissing = []')
    task = write(toml.replace("folds = 2", "folds = 2") + '[modalities]\nall = "*"')
    assert task.samples.modality("all").features == ("hb", "wbc", "ecg_a", "ecg_b")
    assert task.samples.groups.tolist() == ["f", "m", "f", "NA", "m", "f"]
    assert task.samples.sites is not None
    assert task.samples.sites.tolist() == ["n", "s"] * 3


def test_the_site_may_be_a_measurement_when_it_is_named(write: Write) -> None:
    task = write(
        BASE.replace('drop = ["set", "site"]', 'site = "site"')
        + '[modalities]\nm = {columns = ["site"], categorical = "site"}'
    )
    assert task.samples.modality("m").categories == {"site": ("n", "s")}


def test_rows_of_a_class_are_dropped_and_ids_stay(write: Write) -> None:
    task = write(
        BASE.replace('map = {"0" = "healthy", "*" = "ill"}', "drop = [2]") + '[modalities]\nm = {columns = "hb"}\n'
    )
    assert task.samples.ids.tolist() == ["p1", "p2", "p4", "p5"]
    assert task.samples.modality("m").values[:, 0].tolist() == [1, 2, 4, 5]
    assert task.classes == ("0", "1")


def test_rows_without_a_label_are_dropped_when_asked(write: Write) -> None:
    table = "a,dx\n1,x\n2,\n3,y\n4,x\n5,y\n"
    task = write(
        'file = "t.csv"\nlabel = {column = "dx", drop = [""]}\nsplit = {folds = 2}\n[modalities]\nm = "a"', t__csv=table
    )
    assert task.samples.modality("m").values[:, 0].tolist() == [1, 3, 4, 5]


def test_classes_that_are_numbers_go_by_value(write: Write) -> None:
    table = "a,dx\n" + "".join(f"{i},{[10, 9, 2][i % 3]}.0\n" for i in range(9))
    assert write('file = "t.csv"\nlabel = "dx"\nsplit = {folds = 2}\n[modalities]\nm = "a"', t__csv=table).classes == (
        "2",
        "9",
        "10",
    )


@pytest.mark.parametrize(
    ("split", "train", "test"),
    [
        ('column = "set"\ntest = "test"', [0, 1, 2], [3, 4, 5]),
        ('column = "site"\ntest = ["n"]\ntrain = "s"', [1, 3, 5], [0, 2, 4]),
        ('column = "sex"\ntest = ["f"]\ntrain = "m"\nunused = "x"', [1, 4], [0, 2, 5]),
        ('train_rows = "1-3"', [0, 1, 2], [3, 4, 5]),
        ('test_rows = "1, 5-"', [1, 2, 3], [0, 4, 5]),
        ('test_rows = "5-6"\ntrain_rows = "2-4"', [1, 2, 3], [4, 5]),
        ('test_ids = "ids.txt"', [0, 1, 3, 4], [2, 5]),
        ('train_ids = "ids.txt"', [2, 5], [0, 1, 3, 4]),
    ],
)
def test_official_splits(write: Write, split: str, train: list[int], test: list[int]) -> None:
    table = "pid,hb,set,site,sex,dx\n" + "".join(
        f"p{i + 1},{i},{('train', 'test')[i > 2]},{'ns'[i % 2]},{sex},{dx}\n"
        for i, (sex, dx) in enumerate(zip("fmfxmf", "011001", strict=True))
    )
    if split.startswith("train_ids") or "unused" in split:
        table = table.replace("p3,2,train,n,f,1", "p3,2,train,n,f,0")
    task = write(
        f'file = "t.csv"\nid = "pid"\nlabel = "dx"\n[modalities]\nm = "hb"\n[split]\n{split}',
        t__csv=table,
        ids__txt="pid\np3\n\np6\n",
    )
    assert isinstance(task.protocol, OfficialSplit)
    (one,) = task.splits()
    assert (one.train.tolist(), one.test.tolist()) == (train, test)


def test_row_ranges_count_rows_of_the_file_also_when_a_class_is_dropped(write: Write) -> None:
    toml = BASE.replace('map = {"0" = "healthy", "*" = "ill"}', "drop = 2").replace("split = {folds = 2}", "")
    (one,) = write(toml + '[split]\ntest_rows = "4-"\n[modalities]\nm = "hb"').splits()
    assert (one.train.tolist(), one.test.tolist()) == ([0, 1], [2, 3])


def test_leave_one_site_out(write: Write) -> None:
    toml = BASE.replace(
        'drop = ["set", "site"]\nsplit = {folds = 2}', 'site = "site"\nsplit = {leave_one_site_out = true}'
    )
    task = write(toml + '[modalities]\nm = "hb"')
    assert isinstance(task.protocol, LeaveOneSiteOut)
    assert [s.test.tolist() for s in task.splits()] == [[0, 2, 4], [1, 3, 5]]


def test_folds_and_repeats(write: Write) -> None:
    task = write(BASE.replace("{folds = 2}", "{folds = 2, repeats = 3}") + '[modalities]\nm = "hb"')
    assert len(task.splits()) == 6


def test_files_are_joined_by_id_whatever_their_order(write: Write) -> None:
    toml = BASE + '[modalities]\nblood = "hb"\ngenes = {file = "genes.tsv", id = "sample"}'
    task = write(
        toml, genes__tsv="sample\tg1\tg2\n" + "".join(f"p{i}\t{i * 10}\t{i * 100}\n" for i in (3, 1, 6, 2, 5, 4))
    )
    genes = task.samples.modality("genes")
    assert genes.features == ("g1", "g2")
    assert genes.values[:, 0].tolist() == [10, 20, 30, 40, 50, 60]


def test_a_modality_may_lack_rows_when_that_is_said(write: Write) -> None:
    toml = BASE + '[modalities]\nblood = "hb"\ngenes = {file = "genes.csv", allow_absent = true}'
    task = write(toml, genes__csv="pid,g1\np6,60\np1,10\np4,\n")
    genes = task.samples.modality("genes")
    assert genes.present.tolist() == [True, False, False, False, False, True]  # p4 has a row without any value
    np.testing.assert_array_equal(genes.values[:, 0], [10, np.nan, np.nan, np.nan, np.nan, 60])


def test_extra_ids_are_left_out_when_that_is_said(write: Write) -> None:
    toml = "ignore_extra = true\n" + BASE + '[modalities]\ngenes = {file = "genes.csv"}'
    task = write(toml, genes__csv="pid,g1\n" + "".join(f"p{i},{i}\n" for i in range(9)))
    assert task.samples.modality("genes").values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_labels_in_a_file_of_their_own(write: Write) -> None:
    toml = """
    id = "pid"
    split = {folds = 2}
    label = {file = "labels.csv", column = "dx", id = "who"}
    modalities = {a = {file = "a.csv"}, b = {file = "b.csv"}}
    """
    task = write(
        toml,
        labels__csv="who,dx\nq,x\nr,y\ns,x\nt,y\n",
        a__csv="pid,v\nt,4\ns,3\nr,2\nq,1\n",
        b__csv="pid,v\nq,10\nr,20\ns,30\nt,40\n",
    )
    assert task.samples.ids.tolist() == ["q", "r", "s", "t"]
    assert task.samples.modality("a").values[:, 0].tolist() == [1, 2, 3, 4]
    assert task.y.tolist() == [0, 1, 0, 1]


def test_labels_beside_a_main_table(write: Write) -> None:
    toml = """
    file = "a.csv"
    id = "pid"
    split = {folds = 2}
    label = {file = "labels.csv", column = "dx"}
    modalities = {a = "v"}
    """
    task = write(toml, labels__csv="pid,dx\nq,x\nr,y\ns,x\nt,y\n", a__csv="pid,v\nt,4\ns,3\nr,2\nq,1\n")
    assert task.samples.ids.tolist() == ["t", "s", "r", "q"]
    assert task.y.tolist() == [1, 0, 1, 0]


def test_one_file_a_modality_with_the_label_in_each(write: Write) -> None:
    toml = """
    id = "pid"
    allow_absent = true
    split = {folds = 2}
    label = "dx"
    modalities = {a = {file = "a.csv"}, b = {file = "b.csv"}}
    """
    task = write(toml, a__csv="pid,v,dx\np,1,x\nq,2,y\nr,3,x\n", b__csv="pid,v,dx\ns,40,y\nr,30,x.0\nq,20,y\n".replace(
        "x.0", "x"))  # fmt: skip
    assert task.samples.ids.tolist() == ["p", "q", "r", "s"]
    assert task.y.tolist() == [0, 1, 0, 1]
    assert task.samples.modality("a").present.tolist() == [True, True, True, False]
    assert task.samples.modality("b").present.tolist() == [False, True, True, True]


def test_reading_settings_delimiter_decimal_encoding_and_markers(write: Write) -> None:
    text = "name;größe;dx\na;1,5;ja\nb;-;nein\nc;1.234,5;ja\nd;2;nein\n".replace("1.234,5", "34,5")
    toml = """
    file = "t.txt"
    delimiter = ";"
    decimal = ","
    encoding = "latin-1"
    missing = ["-"]
    id = "name"
    label = "dx"
    split = {folds = 2}
    modalities = {m = "größe"}
    """
    task = write(toml, t__txt=text.encode("latin-1"))
    np.testing.assert_array_equal(task.samples.modality("m").values[:, 0], [1.5, np.nan, 34.5, 2])


def test_a_byte_order_mark_quotes_blank_lines_and_windows_line_ends(write: Write) -> None:
    text = '\ufeff"a, b",dx\r\n"1",x\r\n\r\n 2 ,y\r\n3,x\r\n4,y\r\n'
    task = write(
        '\ufefffile = "t.csv"\nlabel = "dx"\nsplit = {folds = 2}\n[modalities]\nm = ["a, b"]', t__csv=text.encode()
    )
    assert task.samples.modality("m").values[:, 0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("head", ["header = false", 'header = "skip"'])
def test_without_column_names(write: Write, head: str) -> None:
    first = "" if "false" in head else "0,1,0\n"
    task = write(
        f'file = "t.csv"\n{head}\nlabel = -1\nsplit = {{folds = 2}}\n[modalities]\nodd = "x1:x2"',
        t__csv=first + "1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
    )
    assert task.samples.modality("odd").values.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert task.y.tolist() == [0, 1, 0, 1]


def test_parquet(write: Write, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table(
        {
            "pid": pa.array([1, 2, 3, 4]),
            "hb": pa.array([1.5, None, 3.5, 4.5]),
            "n": pa.array([1, 2, None, 4]),
            "sex": pa.array(["f", "m", None, "f"]),
            "dx": pa.array([0, 1, 0, 1]),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    task = write(
        'file = "t.parquet"\nid = "pid"\nlabel = "dx"\ncategorical = "sex"\n'
        'split = {folds = 2}\n[modalities]\nm = ["hb", "n"]\ns = "sex"'
    )
    np.testing.assert_array_equal(task.samples.modality("m").values, [[1.5, 1], [np.nan, 2], [3.5, np.nan], [4.5, 4]])
    np.testing.assert_array_equal(task.samples.modality("s").values[:, 0], [0, 1, np.nan, 0])
    assert task.samples.ids.tolist() == ["1", "2", "3", "4"]
    assert task.classes == ("0", "1")


def test_an_npz_of_one_modality_joins_a_table(write: Write) -> None:
    arrays = {"ids": np.array(["p6", "p5", "p4", "p3", "p2"]), "scan": np.arange(20, dtype=np.int16).reshape(5, 2, 2)}
    toml = BASE + (
        '[modalities]\nblood = "hb"\n[modalities.mri]\n'
        'file = "mri.npz"\narray = "scan"\nid = "ids"\nkind = "image"\nallow_absent = true'
    )
    mri = write(toml, mri__npz=arrays).samples.modality("mri")
    assert mri.present.tolist() == [False, True, True, True, True, True]
    np.testing.assert_array_equal(mri.values[1:, 0], arrays["scan"][::-1])


def test_an_npy_volume_in_the_order_of_the_table_stays_on_disk(write: Write, tmp_path: Path) -> None:
    volume = np.arange(6 * 8, dtype=np.float32).reshape(6, 2, 2, 2)
    np.save(tmp_path / "v.npy", volume)
    task = write(BASE + '[modalities]\nblood = "hb"\nmri = {file = "v.npy", kind = "volume", id = false}')
    mri = task.samples.modality("mri")
    assert isinstance(mri.array, np.memmap)
    np.testing.assert_array_equal(mri.values[:, 0], volume)


def test_the_card(write: Write) -> None:
    toml = (
        BASE
        + """
    [modalities]
    m = "hb"
    [card]
    title = "T"
    licence = "CC0"
    disease = "none"
    caveats = ["small"]
    [[card.published]]
    what = "SVM"
    metric = "accuracy"
    value = 0.9
    source = "A et al."
    """
    )
    card = write('name = "mine"\n' + toml).card
    assert (card.name, card.title, card.licence, card.disease, card.caveats) == ("mine", "T", "CC0", "none", ("small",))
    (published,) = card.published
    assert (published.what, published.metric, published.value, published.source) == ("SVM", "accuracy", 0.9, "A et al.")


def test_by_path_through_load_task_and_from_another_folder(write: Write, tmp_path: Path) -> None:
    task = write(BASE + '[modalities]\nm = "hb"')
    assert load_task(str(tmp_path / "task.toml")).fingerprint == task.fingerprint
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "task.toml").rename(elsewhere / "task.toml")
    assert read_task(elsewhere / "task.toml", data=tmp_path).fingerprint == task.fingerprint
