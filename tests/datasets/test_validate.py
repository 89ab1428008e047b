"""Validate: what was understood is right, and each warning comes when it should and only then."""

import dataclasses

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
from fusebench.datasets.confounds import confounds, cramers_v
from fusebench.datasets.splits import Protocol
from fusebench.datasets.validate import describe, protocol_text

Y = np.repeat([0, 1], 20)


def task(values: np.ndarray, y: np.ndarray = Y, protocol: Protocol = CrossValidation(), **more: object) -> Task:  # noqa: B008
    modality = Modality("m", "table", values, **more)  # type: ignore[arg-type]
    return Task(Samples([modality]), y, tuple("abcd"[: y.max() + 1]), TaskCard("t", "T"), protocol)


def noise(columns: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, columns))


def test_what_was_understood() -> None:
    table = np.arange(30.0).reshape(10, 3)
    table[:, 2] %= 2
    table[[0, 4], 1] = np.nan
    present = np.arange(10) != 4
    samples = Samples(
        [
            Modality("t", "table", table, present=present, categories={"x2": ("u", "v")}),
            Modality("i", "image", np.random.default_rng(0).random((10, 1, 2, 3))),
        ],
        groups=np.arange(10) // 2,
        sites=["n"] * 4 + ["s"] * 6,
    )
    y = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    report = describe(Task(samples, y, ("no", "yes"), TaskCard("toy", "Toy"), CrossValidation(2)))
    assert (report.name, report.n, report.classes, report.class_counts) == ("toy", 10, ("no", "yes"), (6, 4))
    assert report.subjects == 5
    assert report.sites == (("n", 4), ("s", 6))
    t, i = report.modalities
    # The absent row is a missing row; its cells are not counted again.
    assert (t.name, t.kind, t.width, t.missing_rows, t.missing_cells, t.categorical) == ("t", "table", 3, 1, 1, ("x2",))
    assert (i.kind, i.shape, i.width, i.missing_rows, i.missing_cells) == ("image", (1, 2, 3), 6, 0, 0)
    assert len(report.splits) == 2
    for split in report.splits:
        assert split.train + split.test == 10
        assert sum(split.train_classes) == split.train
        assert np.add(split.train_classes, split.test_classes).tolist() == [6, 4]


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        (CrossValidation(5, 1), "5-fold cross-validation"),
        (CrossValidation(10, 3), "10-fold cross-validation, 3 repeats"),
        (OfficialSplit(np.ones(3, bool)), "official split"),
        (LeaveOneSiteOut(), "leave one site out"),
    ],
)
def test_the_protocol_in_words(protocol: Protocol, text: str) -> None:
    assert protocol_text(protocol) == text


def test_clean_data_gives_no_warning() -> None:
    assert describe(task(noise())).warnings == ()
    assert describe(load_task("breast-cancer")).warnings == ()


def test_constant_columns() -> None:
    values = noise()
    values[:, 1] = 4
    values[3, 1] = np.nan
    (warning,) = describe(task(values)).warnings
    assert "'m'" in warning
    assert "'x1' never varies" in warning


def test_a_column_that_tells_the_class() -> None:
    values = noise()
    values[:, 2] = Y * 3.0 + np.linspace(0, 1, 40)
    (warning,) = describe(task(values)).warnings
    assert "'x2' alone tells the class" in warning
    values[0, 2], values[39, 2] = 9.0, 9.0  # one tie of both classes and it does not
    assert describe(task(values)).warnings == ()


def test_a_category_that_tells_the_class() -> None:
    values = noise()
    values[:, 0] = np.where(Y == 1, 1, np.arange(40) % 2 * 2)
    told = describe(task(values, features=("k", "b", "c"), categories={"k": tuple("pqr")})).warnings
    assert ["'k' alone tells" in w for w in told] == [True]
    # Sorted by value, categories 0 and 2 lie around 1: as numbers they are no threshold.
    assert describe(task(values)).warnings == ()


def test_one_category_a_row_is_no_leak() -> None:
    values = noise(2)
    values[:, 0] = np.arange(40)[::-1]
    names = tuple(map(str, range(40)))
    shuffled = np.random.default_rng(1).permutation(Y)
    assert describe(task(values, shuffled, features=("k", "b"), categories={"k": names})).warnings == ()


def test_duplicates_contradictions_and_copies_across_splits() -> None:
    values = noise()
    values[5] = values[0]
    values[25] = values[1]
    values[30, 0] = values[2, 0]  # one cell alone is no copy
    twice, contrary, astride = describe(
        task(values, protocol=OfficialSplit(np.isin(np.arange(40), [5, 6, 30])))
    ).warnings
    assert twice.startswith("4 rows have the same values")
    assert contrary.startswith("2 of them contradict")
    assert "'1', '25'" in contrary
    assert "both sides of 1 of 1 splits" in astride
    # The same copies as one subject are never astride.
    told = describe(
        Task(
            Samples([Modality("m", "table", values)], groups=np.where(np.arange(40) == 5, 0, np.arange(40))),
            np.where(np.arange(40) == 25, 0, Y),
            ("a", "b"),
            TaskCard("t", "T"),
            OfficialSplit(np.isin(np.arange(40), [0, 5, 30])),
        )
    ).warnings
    assert len(told) == 1


def test_tiny_classes_and_classes_that_a_part_lacks() -> None:
    y = np.array([0] * 20 + [1] * 14 + [2] * 6)
    told = describe(task(noise(), y, protocol=OfficialSplit(np.arange(40) % 20 >= 15))).warnings
    assert any("class 'c' has 6 subjects" in w for w in told)
    told = describe(task(noise(), y, protocol=OfficialSplit(np.arange(40) < 5))).warnings
    assert any("class 'b' has no test rows in 1 of 1 splits" in w for w in told)


def test_a_modality_that_a_part_lacks() -> None:
    test = np.arange(40) % 4 == 0
    told = describe(task(noise(), protocol=OfficialSplit(test), present=~test)).warnings
    assert any("'m' is absent in every test row" in w for w in told)
    told = describe(task(noise(), protocol=OfficialSplit(test), present=test)).warnings
    assert any("'m' is absent in all training rows of 1 of 1" in w for w in told)


def test_a_protocol_that_cannot_be_carried_out_is_an_error() -> None:
    with pytest.raises(DataError, match="fewer than the 30 folds"):
        describe(task(noise(), protocol=CrossValidation(30)))


def test_copies_of_one_image_beside_different_tables() -> None:
    images = np.random.default_rng(0).random((40, 1, 3, 3))
    images[21] = images[0]
    present = np.ones(40, dtype=bool)
    present[[7, 30]] = False  # two rows without an image are no copies of each other
    samples = Samples([Modality("m", "table", noise()), Modality("i", "image", images, present=present)])
    parts = OfficialSplit(np.arange(40) % 20 == 1)
    told = describe(Task(samples, Y, ("a", "b"), TaskCard("t", "T"), parts)).warnings
    assert [w for w in told if "absent" not in w] == [
        "2 rows have the same values as another row in modality 'i': '0', '21'",
        "2 of them contradict each other: same values, different classes: '0', '21'",
        "copies of one row in modality 'i' are on both sides of 1 of 1 splits: remove them, or give them one group",
    ]
    # What all modalities tell is not told again of the only image.
    told = describe(Task(samples.select(["i"]), Y, ("a", "b"), TaskCard("t", "T"), parts)).warnings
    assert sum("same values as another" in w for w in told) == 1


def cohort(sites: np.ndarray | None = None, present: np.ndarray | None = None, **more: object) -> Task:
    n = len(sites if sites is not None else present)  # type: ignore[arg-type]
    values = np.random.default_rng(1).normal(size=(n, 2))
    modality = Modality("m", "table", values, present=present)  # type: ignore[arg-type]
    floor = Modality("f", "table", np.random.default_rng(2).normal(size=(n, 1)))
    samples = Samples([modality, floor], sites=sites, groups=more.get("groups"))  # type: ignore[arg-type]
    return Task(samples, np.arange(n) % 2, ("a", "b"), TaskCard("t", "T"))


def test_a_site_that_predicts_the_class() -> None:
    n = 100
    rng = np.random.default_rng(0)
    linked = np.where(rng.random(n) < 0.8, np.arange(n) % 2, rng.integers(0, 2, n))
    (warning,) = confounds(cohort(sites=np.array(["north", "south"])[linked]))
    right = np.mean(linked == np.arange(n) % 2)
    assert f"the site predicts the class (knowing it alone, {right:.0%} of subjects" in warning
    assert list(confounds(cohort(sites=rng.permutation(linked)))) == []
    # A site for nearly every subject "predicts" by chance alone: corrected for that, it does not.
    assert list(confounds(cohort(sites=rng.integers(0, 60, n)))) == []


def test_an_absence_that_predicts_the_class() -> None:
    present = np.ones(80, dtype=bool)
    present[np.flatnonzero(np.arange(80) % 2)[:20]] = False
    (warning,) = confounds(cohort(present=present))
    assert "whether modality 'm' is absent predicts the class" in warning


def test_subjects_count_once() -> None:
    # Four subjects with 25 rows each: as rows the site would be beyond doubt, as subjects it is chance.
    groups = np.repeat([0, 1], 50) * 2 + np.arange(100) % 2
    (warning,) = confounds(cohort(sites=groups % 2, groups=groups))
    assert warning == "all rows of a subject are of one class: scores rest on 4 subjects, not on 100 rows"


def test_cramers_v_is_that_of_scipy_before_the_correction() -> None:
    from scipy.stats.contingency import association, crosstab

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200), rng.integers(0, 3, 200)
    b[:80] = a[:80] % 3
    squared, corrected = cramers_v(a, b)
    assert np.sqrt(squared / 200 / 2) == pytest.approx(association(crosstab(a, b).count, method="cramer"))
    # Bergsma (2013), equations 6 to 8.
    phi, r, c = squared / 200 - 3 * 2 / 199, 4 - 9 / 199, 3 - 4 / 199
    assert corrected == pytest.approx(np.sqrt(phi / min(r - 1, c - 1)))


def test_blank_images() -> None:
    images = np.random.default_rng(0).random((40, 1, 3, 3))
    images[4] = 7
    images[9] = np.nan
    samples = Samples([Modality("i", "image", images, present=np.arange(40) != 9)])
    (warning,) = describe(Task(samples, Y, ("a", "b"), TaskCard("t", "T"))).warnings
    assert warning == "modality 'i': 1 rows hold one value throughout: '4'"


def test_what_the_reader_noted_comes_first() -> None:
    noted = dataclasses.replace(task(noise()), notes=("3 files are not used",))
    assert describe(noted).warnings == ("3 files are not used",)
