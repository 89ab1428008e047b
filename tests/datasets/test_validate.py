"""Validate: what was understood is right, and each warning comes when it should and only then."""

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
