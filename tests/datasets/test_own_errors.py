"""Own data that cannot be used: every message names the file, the place and the cure."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fusebench.datasets import DataError, load_task
from fusebench.datasets.own import read_task

ROWS = [f"p{i},{i},{i * 2},{'ab'[i % 2]},{i // 2}" for i in range(12)]
GOOD = "pid,hb,wbc,dx,who\n" + "\n".join(ROWS) + "\n"
TOP = 'file = "t.csv"\nid = "pid"\nlabel = "dx"\ndrop = "who"\n'
BLOOD = '[modalities]\nblood = ["hb", "wbc"]\n'

Refusal = Callable[..., str]


@pytest.fixture
def message(refusal: Refusal) -> Refusal:
    """The refusal of a description, beside the good table unless the test gives another."""
    return partial(refusal, t__csv=GOOD)


def edit(line: int, old: str, new: str) -> str:
    """The good table with one line (1 is the header) changed."""
    lines = GOOD.splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "\n".join(lines) + "\n"


def test_the_good_table_is_good(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    (tmp_path / "task.toml").write_text(TOP + BLOOD)
    assert len(read_task(tmp_path / "task.toml")) == 12


TOMLS = {
    "syntax": ('file = "t.csv\nid = 3', ["task.toml", "line 1", "quotes"]),
    "syntax further down": (TOP + BLOOD + "x == 3", ["task.toml", "line 7"]),
    "no label": ('file = "t.csv"\n' + BLOOD, ["label", 'label = "diagnosis"']),
    "unknown key": ("grup = 'who'\n" + TOP + BLOOD, ["grup", "did you mean 'group'"]),
    "unknown key in a modality": (TOP + '[modalities]\nm = {colums = "hb"}', ["[modalities.m] colums", "'columns'"]),
    "unknown key in the label": (
        TOP.replace('"dx"', '{column = "dx", maps = {}}') + BLOOD,
        ["[label] maps", "did you mean 'map'"],
    ),
    "unknown key in the split": (TOP + BLOOD + "[split]\nfold = 3", ["[split] fold", "'folds'"]),
    "unknown key in the card": (TOP + BLOOD + "[card]\nlicense = 'x'", ["[card] license", "'licence'"]),
    "unknown kind": (TOP + '[modalities]\nm = {columns = "hb", kind = "tabel"}', ["'tabel'", "did you mean 'table'"]),
    "wrong type": (TOP.replace('"t.csv"', "3") + BLOOD, ["file", "needs a text in quotes", "3"]),
    "wrong type of folds": (TOP + BLOOD + "[split]\nfolds = '5'", ["[split] folds", "whole number", "'5'"]),
    "one fold": (TOP + BLOOD + "[split]\nfolds = 1", ["[split] folds", "at least 2"]),
    "no modalities": (TOP, ["[modalities]", "at least one"]),
    "empty modality": (TOP + "[modalities]\nm = []", ["[modalities.m] columns", "empty"]),
    "modalities without any file": ('label = "dx"\n' + BLOOD, ["[modalities.blood] file", "missing"]),
    "two splits": (TOP + BLOOD + "[split]\nfolds = 3\ntest_rows = '1-3'", ["[split]", "one way", "folds and rows"]),
    "split values without column": (TOP + BLOOD + "[split]\ntest = 'x'", ["[split] column", "missing"]),
    "split column without values": (TOP + BLOOD + "[split]\ncolumn = 'who'", ["[split] test", "test ="]),
    "position 0": (TOP + "[modalities]\nm = [0]", ["position 0", "1 is the first"]),
    "bad map": (TOP.replace('"dx"', '{column = "dx", map = {a = 3}}') + BLOOD, ["[label] map", '"healthy"']),
    "site split without site": (TOP + BLOOD + "[split]\nleave_one_site_out = true", ["split", 'site = "COLUMN"']),
    "id split without id": (
        TOP.replace('id = "pid"\n', "") + BLOOD + "[split]\ntest_ids = 'x.txt'",
        ["split", 'id = "COLUMN"'],
    ),
    "published value": (
        TOP + BLOOD + "[[card.published]]\nvalue = '0.9'",
        ["[card.published 1] value", "needs a number"],
    ),
}


@pytest.mark.parametrize("case", TOMLS)
def test_the_description(message: Refusal, case: str) -> None:
    toml, parts = TOMLS[case]
    told = message(toml)
    for part in ("task.toml", *parts):
        assert part in told


def test_a_toml_that_is_not_there_or_not_text(message: Refusal, tmp_path: Path) -> None:
    for path, part in ((tmp_path / "no.toml", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=part):
            read_task(path)
    assert "not UTF-8" in message(b'name = "\xff"')
    with pytest.raises(DataError, match=r"takes no options"):
        load_task(str(tmp_path / "task.toml"), n=3)


TABLES = {
    "missing file": (
        'file = "u.csv"\nlabel = "dx"\n' + BLOOD,
        GOOD,
        ["u.csv", "no such file", "t.csv", "task.toml, file"],
    ),
    "folder": ('file = "."\nlabel = "dx"\n' + BLOOD, GOOD, ["is a folder, not a file", "name a file"]),
    "empty file": (TOP + BLOOD, "", ["t.csv", "empty", "task.toml"]),
    "header only": (TOP + BLOOD, "pid,hb,wbc,dx,who\n", ["t.csv", "no data rows"]),
    "unknown format": (TOP.replace("t.csv", "task.toml") + BLOOD, GOOD, ["'.toml'", "set format"]),
    "unknown format name": ("format = 'xls'\n" + TOP + BLOOD, GOOD, ["'xls'", "csv, tsv, parquet, npz"]),
    "ragged": (TOP + BLOOD, edit(4, "p2,2,", "p2,2,9,"), ["t.csv, line 4", "6 cells where 5", "delimiter"]),
    "encoding": (TOP + BLOOD, GOOD.encode() + b"p\xff,1,2,a,9\n", ["t.csv", "not utf-8-sig text", "set encoding"]),
    "no such encoding": ("encoding = 'utf9'\n" + TOP + BLOOD, GOOD, ["'utf9' does not exist"]),
    "wrong delimiter": ("delimiter = ';'\n" + TOP + BLOOD, GOOD, ["t.csv", "pid,hb,wbc,dx,who", "set delimiter"]),
    "column twice": (TOP + BLOOD, edit(1, "wbc", "hb"), ["t.csv", "'hb' stands twice", 'header = "skip"']),
    "missing column": (TOP + '[modalities]\nm = ["hb", "wcb"]', GOOD, ["t.csv", "'wcb'", "did you mean 'wbc'"]),
    "missing label": (
        TOP.replace('"dx"', '"diagnosis"') + BLOOD,
        GOOD,
        ["label", "'diagnosis'", "columns are pid, hb"],
    ),
    "missing id": (TOP.replace('"pid"', '"pidd"') + BLOOD, GOOD, ["id", "'pidd'", "did you mean 'pid'"]),
    "missing group": ('group = "hospital"\n' + TOP + BLOOD, GOOD, ["t.csv", "group", "'hospital'"]),
    "missing site": ('site = "hospital"\n' + TOP + BLOOD, GOOD, ["t.csv", "site", "'hospital'"]),
    "missing drop": (TOP.replace('"who"', '"whom"') + BLOOD, GOOD, ["task.toml", "drop", "did you mean 'who'"]),
    "missing categorical": ("categorical = 'sx'\n" + TOP + BLOOD, GOOD, ["task.toml", "categorical", "'sx'"]),
    "no match": (TOP + '[modalities]\nm = "ecg_*"', GOOD, ["t.csv", "no column matches 'ecg_*'", "columns are pid"]),
    "backward range": (TOP + '[modalities]\nm = "wbc:hb"', GOOD, ["'wbc:hb' runs backwards"]),
    "half a range": (TOP + '[modalities]\nm = "hb:"', GOOD, ["no column is called ''"]),
    "position beyond": (TOP + "[modalities]\nm = [9]", GOOD, ["no column 9", "there are 5"]),
    "no header": (
        'file = "t.csv"\nlabel = "dx"\n[modalities]\nm = "a"',
        "1,2,3\n4,5,6\n",
        ["'dx'", "looks like data", "header = false"],
    ),
    "names": ("names = ['a', 'b']\n" + TOP + BLOOD, GOOD, ["5 columns but 2 names"]),
    "text in a number column": (
        TOP + BLOOD,
        edit(5, "p3,3,", "p3,high,"),
        ["t.csv, line 5, column 'hb'", "'high' is not a number", "missing", "categorical"],
    ),
    "marker that is not declared": (TOP + BLOOD, edit(5, "p3,3,", "p3,?,"), ["line 5", "'?'", "add it to missing"]),
    "underscore in a number": (TOP + BLOOD, edit(5, "p3,3,", "p3,1_0,"), ["line 5", "'1_0' is not a number"]),
    "infinity": (TOP + BLOOD, edit(5, "p3,3,", "p3,-inf,"), ["t.csv, line 5, column 'hb'", "infinite", "empty"]),
    "too large": (TOP + BLOOD, edit(5, "p3,3,", "p3,1e999,"), ["line 5", "infinite"]),
    "all missing": (
        TOP + BLOOD,
        "pid,hb,wbc,dx,who\n" + "".join(f"p{i},,{i},{'ab'[i % 2]},1\n" for i in range(12)),
        ["t.csv, column 'hb'", "no value in any row", "drop"],
    ),
    "duplicate ids": (
        TOP + BLOOD,
        edit(6, "p4", "p1"),
        ["t.csv, line 6", "'p1' was already given in line 3", "as group instead"],
    ),
    "empty id": (TOP + BLOOD, edit(6, "p4", ""), ["t.csv, line 6", "id", "every row needs one"]),
    "empty label": (TOP + BLOOD, edit(6, "4,8,a", "4,8,"), ["t.csv, id 'p4'", "label dx is empty", "drop"]),
    "empty group": (
        'group = "hb"\n' + TOP + '[modalities]\nm = "wbc"',
        edit(6, "4,8", ",8"),
        ["line 6", "group", "empty"],
    ),
    "one class": (TOP + BLOOD, GOOD.replace(",b,", ",a,"), ["only one class (a)", "at least two"]),
    "class smaller than folds": (
        TOP + BLOOD,
        GOOD + "q,1,2,rare,9\nr,1,2,rare,8\n",
        ["task.toml", "'rare' has 2 subjects", "5 folds", "merge or drop"],
    ),
    "subjects fewer than folds": (
        'group = "who"\n' + TOP.replace('drop = "who"\n', "") + BLOOD,
        GOOD.replace(",a,5", ",a,4").replace(",a,3", ",a,4").replace(",a,2", ",a,4"),
        ["class 'a' has 3 subjects"],
    ),
    "unmapped": (
        TOP.replace('"dx"', '{column = "dx", map = {a = "x"}}') + BLOOD,
        GOOD,
        ["t.csv, id 'p1'", "'b' is not in the map", "drop = ['b']"],
    ),
    "dropped value that does not occur": (
        TOP.replace('"dx"', '{column = "dx", drop = "c"}') + BLOOD,
        GOOD,
        ["[label] drop", "'c' is not a value", "'a', 'b'"],
    ),
    "the label in a modality": (
        TOP + '[modalities]\nm = ["hb", "dx"]',
        GOOD,
        ["'m'", "'dx' is the label", "leave it out"],
    ),
    "the id in a modality": (TOP + '[modalities]\nm = ["pid"]', GOOD, ["'pid' is the label, an id"]),
    "column in two modalities": (
        TOP + '[modalities]\nm = ["hb"]\nn = ["h*"]',
        GOOD,
        ["'hb' is in two modalities", "'m' and 'n'"],
    ),
    "nothing left": (TOP + BLOOD + 'rest = "others"', GOOD, ["modality 'rest' is empty", "remove it"]),
    "categorical elsewhere": (
        TOP + '[modalities]\nm = {columns = "hb", categorical = "wbc"}',
        GOOD,
        ["'m'", "'wbc' is not among its columns"],
    ),
    "text of two columns": (
        TOP + '[modalities]\nm = {columns = ["hb", "wbc"], kind = "text"}',
        GOOD,
        ["text is one column"],
    ),
    "shape": (
        TOP + '[modalities]\nm = {columns = ["hb", "wbc"], kind = "image", shape = [2, 2]}',
        GOOD,
        ["'m'", "2 values in a row", "2 x 2 = 4"],
    ),
    "image without shape": (TOP + '[modalities]\nm = {columns = "hb", kind = "image"}', GOOD, ["set shape"]),
    "parts of a table": (TOP.replace('"dx"', '{train = "a", test = "b"}') + BLOOD, GOOD, ["label", "NPZ"]),
    "split value": (TOP + BLOOD + "[split]\ncolumn = 'who'\ntest = 'no'", GOOD, ["no row has 'no'", "'0', '1'"]),
    "split value in neither part": (
        TOP + BLOOD + "[split]\ncolumn = 'who'\ntest = [0]\ntrain = [1, 2]",
        GOOD,
        ["'3' is in neither part", "unused"],
    ),
    "split rows": (TOP + BLOOD + "[split]\ntest_rows = '10-20'", GOOD, ["test_rows", "'10-20'", "rows 1-12"]),
    "split rows from 0": (TOP + BLOOD + "[split]\ntest_rows = '0-3'", GOOD, ["'0-3'", "rows 1-12"]),
    "split rows syntax": (TOP + BLOOD + "[split]\ntest_rows = 'first ten'", GOOD, ["'first ten'", '"1-80"']),
    "split rows in both": (
        TOP + BLOOD + "[split]\ntest_rows = '1-6'\ntrain_rows = '6-12'",
        GOOD,
        ["1 rows are in both parts", "'p5'"],
    ),
    "split ids missing": (
        TOP + BLOOD + "[split]\ntest_ids = 'i.txt'",
        GOOD,
        ["i.txt", "no such file", "one id a line"],
    ),
    "subjects across an official split": (
        'group = "who"\n' + TOP.replace('drop = "who"\n', "") + BLOOD + "[split]\ntest_rows = '1-5'",
        GOOD,
        ["both sides of the official split", "move all rows"],
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_one_table(message: Refusal, case: str) -> None:
    toml, table, parts = TABLES[case]
    told = message(toml, t__csv=table)
    for part in parts:
        assert part in told


def test_split_ids_that_are_not_in_the_data(message: Refusal) -> None:
    told = message(TOP + BLOOD + "[split]\ntest_ids = 'i.txt'", i__txt="p1\np99\n")
    assert "i.txt, line 2: 'p99' is not an id of the data" in told
    assert "names no ids" in message(TOP + BLOOD + "[split]\ntest_ids = 'i.txt'", i__txt="\n")


GENES = TOP + BLOOD + 'genes = {file = "g.csv"}'


@pytest.mark.parametrize(
    ("genes", "parts"),
    [
        ("".join(f"p{i},1\n" for i in range(10)), ["g.csv", "'genes' lacks 2 ids", "'p10', 'p11'", "allow_absent"]),
        ("".join(f"p{i},1\n" for i in range(14)), ["g.csv", "2 ids that", "'p12', 'p13'", "ignore_extra"]),
        ("".join(f"P{i},1\n" for i in range(12)), ["12 ids", "'P0', 'P1', 'P2', 'P3', 'P4', ..."]),
        ("".join(f"p{i % 11},1\n" for i in range(12)), ["g.csv, line 13", "'p0' was already given in line 2"]),
    ],
)
def test_ids_that_do_not_match(message: Refusal, genes: str, parts: list[str]) -> None:
    told = message(GENES, g__csv="pid,g\n" + genes)
    for part in parts:
        assert part in told


def test_a_file_without_the_id_column_is_not_joined_by_order_in_silence(message: Refusal) -> None:
    assert "no column is called 'pid'" in message(GENES, g__csv="g\n" + "1\n" * 12)


def test_different_lengths_without_ids(message: Refusal) -> None:
    toml = GENES.replace('id = "pid"\n', "")
    told = message(toml, g__csv="g\n" + "1\n" * 11)
    for part in ("g.csv", "'genes' has 11 rows", "t.csv has 12", "name the id column"):
        assert part in told


def test_labels_that_do_not_agree(message: Refusal) -> None:
    toml = 'label = -1\nsplit = {folds = 2}\n[modalities]\na = {file = "a.csv"}\nb = {file = "b.csv"}'
    a, b = "v,dx\n1,x\n2,y\n3,x\n4,y\n", "v,dx\n1,x\n2,y\n3,y\n4,y\n"
    told = message(toml, a__csv=a, b__csv=b)
    for part in ("b.csv, line 4", "label is 'y'", "'x' in", "a.csv, line 4", "must agree"):
        assert part in told


def test_labels_in_no_file_or_not_for_all(message: Refusal) -> None:
    toml = 'id = "pid"\nlabel = "dx"\n[modalities]\na = {file = "a.csv"}'
    assert "no column is called 'dx'" in message(toml, a__csv="pid,v\np,1\n")
    assert "no file holds the label" in message(toml.replace('"a.csv"', '"a.csv", label = false'), a__csv="a\n1\n")
    told = message(TOP.replace('"dx"', '{file = "l.csv", column = "dx"}') + BLOOD, l__csv="pid,dx\np0,a\np1,b\n")
    for part in ("l.csv", "label: none for id 'p2'"):
        assert part in told


def test_the_id_of_a_modality_without_a_file_of_its_own(message: Refusal) -> None:
    assert "[modalities.m] id" in message(TOP + '[modalities]\nm = {columns = "hb", id = "pid"}')
