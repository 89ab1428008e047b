"""Groups of rows: what a file names, sites, phenotypes and narrow tables, in words and in bands."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import DataError, Modality, Samples, Task, TaskCard
from fusebench.datasets.registry import load_task
from fusebench.datasets.subgroups import bands, subgroups_of

N = 90


def task(**more):
    ages = np.linspace(20, 80, N)
    ages[5] = np.nan
    sex = np.arange(N) % 2
    table = np.column_stack([ages, sex, np.ones(N)])
    table[7, 1] = np.nan
    phenotype = Modality(
        "about", "phenotype", table, features=("age", "sex", "same"), categories={"sex": ("female", "male")}
    )
    wide = Modality("omics", "table", np.random.default_rng(0).normal(size=(N, 70)))
    sites = np.array(["north", "south", "east"])[np.arange(N) % 3]
    return Task(Samples([phenotype, wide], sites=sites), np.arange(N) % 2, ("no", "yes"), TaskCard("t", "T"), **more)


def test_sites_phenotypes_and_named_columns_are_shown():
    named = np.array(["left", "right", ""], dtype=object)[np.arange(N) % 3]
    found = {one.name: one for one in subgroups_of(task(about={"side": named}))}
    assert set(found) == {"side", "site", "about.age", "about.sex"}  # not the constant, not the wide table
    assert all(one.shown for one in found.values())
    assert found["side"].labels == ("left", "right")
    np.testing.assert_array_equal(found["side"].codes[:4], [0, 1, -1, 0])
    assert found["site"].labels == ("east", "north", "south")
    assert found["about.sex"].labels == ("female", "male")
    assert found["about.sex"].codes[7] == -1
    assert found["about.age"].labels == ("under 40", "40 to 60", "60 and over")
    assert found["about.age"].codes[5] == -1
    sizes = np.bincount(found["about.age"].codes[found["about.age"].codes >= 0])
    assert sizes.min() > N / 4


def test_columns_of_narrow_tables_are_kept_and_shown_when_asked():
    values = np.column_stack([np.arange(N) % 4, np.arange(N)])
    narrow = Samples([Modality("blood", "table", values, features=("grade", "iron"))])
    found = subgroups_of(Task(narrow, np.arange(N) % 2, ("no", "yes"), TaskCard("t", "T")))
    assert [(one.name, one.shown) for one in found] == [("blood.grade", False), ("blood.iron", False)]
    assert found[0].labels == ("0", "1", "2", "3")
    assert len(found[1].labels) == 3


def test_numbers_keep_their_order_and_too_many_names_are_left_out():
    levels = np.array(["10", "9", "2", "1"], dtype=object)[np.arange(N) % 4]
    names = np.array([f"ward {i}" for i in range(N)], dtype=object)
    found = {one.name: one for one in subgroups_of(task(about={"stage": levels, "ward": names}))}
    assert found["stage"].labels == ("1", "2", "9", "10")
    assert "ward" not in found


def test_bands_of_given_edges():
    cells = ["49.9", "50", "64", "65", "90", "", "none"]
    expected = ["under 50", "50 to 65", "50 to 65", "65 and over", "65 and over", "", ""]
    assert list(bands(cells, [50, 65])) == expected
    assert list(bands([1, 2], [2])) == ["under 2", "2 and over"]


@pytest.fixture
def own(tmp_path):
    lines = ["id,x,z,sex,age,label"]
    lines += [f"p{i},{i % 7},{i % 5},{'fm'[i % 2] if i else 'NA'},{30 + i},{'ab'[i // 3 % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))

    def write(subgroups: str) -> str:
        text = f'file = "t.csv"\nid = "id"\nlabel = "label"\nsubgroups = {subgroups}\n'
        (tmp_path / "t.toml").write_text(f'{text}[modalities]\nfirst = ["x"]\nsecond = ["z"]\n')
        return str(tmp_path / "t.toml")

    return write


def test_a_file_names_its_subgroups(own):
    loaded = load_task(own('["sex", { column = "age", bands = [50, 70] }]'))
    found = {one.name: one for one in subgroups_of(loaded) if one.shown}
    assert found["sex"].labels == ("f", "m")
    assert found["sex"].codes[0] == -1
    assert found["age"].labels == ("under 50", "50 to 70", "70 and over")
    np.testing.assert_array_equal(np.bincount(found["age"].codes), [20, 20, 20])
    plain = load_task(own('"sex"'))
    assert list(plain.about) == ["sex"]
    assert plain.fingerprint == loaded.fingerprint  # nothing that methods see
    assert plain.samples.names == ("first", "second")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["sexx"]', "sexx"),
        ("[true]", "subgroups: needs columns"),
        ('[{ column = "age", band = [5] }]', "subgroups: needs columns"),
        ('[{ column = "age", bands = [70, 50] }]', "growing numbers"),
        ('[{ column = "age", bands = ["old"] }]', "growing numbers"),
    ],
)
def test_mistakes_name_the_key(own, text, message):
    with pytest.raises(DataError, match=message):
        load_task(own(text))
