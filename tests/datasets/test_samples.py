"""Samples: immutable, indexable, selectable, and at home in scikit-learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline

from fusebench.datasets import DataError, Modality, Samples, UnknownNameError


@pytest.fixture
def samples() -> Samples:
    present = np.ones(12, dtype=bool)
    present[4] = False
    blood = np.arange(36.0).reshape(12, 3)
    blood[0, 1] = np.nan
    return Samples(
        [
            Modality("blood", "table", blood, features=("a", "b", "c"), categories={"c": tuple("xyz")}),
            Modality("mri", "volume", np.arange(96.0, dtype=np.float32).reshape(12, 1, 2, 2, 2), present=present),
            Modality("note", "text", np.array([f"word {i}" for i in range(12)])),
        ],
        ids=[f"p{i}" for i in range(12)],
        groups=np.arange(12) // 2,
        sites=["north"] * 6 + ["south"] * 6,
    )


def test_absent_rows_hold_nan_and_the_callers_array_is_left_alone() -> None:
    array = np.ones((3, 2))
    modality = Modality("m", "table", array, present=np.array([True, False, True]))
    assert np.isnan(modality.values[1]).all()
    assert (array == 1).all()
    assert array.flags.writeable


def test_nothing_can_be_written_through(samples: Samples) -> None:
    for part in (samples, samples[2:5], pickle.loads(pickle.dumps(samples)), pickle.loads(pickle.dumps(samples[2:5]))):
        for array in (part.ids, part.groups, part.sites):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = array[1]
        for modality in part.modalities:
            with pytest.raises(ValueError, match="read-only"):
                modality.values[0] = modality.values[1]
            with pytest.raises(ValueError, match="read-only"):
                modality.present[0] = False
            with pytest.raises(AttributeError):
                modality.name = "other"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(2, 9, 3), [2, 5, 8]),
        ([5, 1, 1], [5, 1, 1]),
        (np.arange(12) % 5 == 0, [0, 5, 10]),
        (-1, [11]),
        (np.int64(3), [3]),
        ([], []),
    ],
)
def test_rows(samples: Samples, rows: object, expected: list[int]) -> None:
    part = samples[rows]
    assert part.ids.tolist() == [f"p{i}" for i in expected]
    assert part.groups.tolist() == [i // 2 for i in expected]
    np.testing.assert_array_equal(part.modality("mri").values, samples.modality("mri").values[expected])
    assert part.modality("mri").present.tolist() == [i != 4 for i in expected]
    assert part.shape == (len(expected),)


def test_rows_of_rows_are_rows_of_the_whole(samples: Samples) -> None:
    part = samples[[7, 3, 9, 4]][[3, 1]]
    assert part.ids.tolist() == ["p4", "p3"]
    np.testing.assert_array_equal(part.modality("blood").values, samples.modality("blood").values[[4, 3]])
    np.testing.assert_array_equal(part.sites, ["north", "north"])


def test_a_row_beyond_the_end_is_refused(samples: Samples) -> None:
    with pytest.raises(IndexError):
        samples[12]


def test_taking_rows_of_a_large_modality_copies_nothing(samples: Samples) -> None:
    assert samples[::2].modality("mri").array is samples.modality("mri").array


def test_a_pickled_part_carries_only_its_own_rows() -> None:
    whole = Samples.from_arrays({"m": np.zeros((10_000, 50))})
    assert len(pickle.dumps(whole[:10])) < len(pickle.dumps(whole)) / 100


def test_select_keeps_rows_and_order_of_names(samples: Samples) -> None:
    assert samples[3:5].select(["note", "blood"]).names == ("note", "blood")
    with pytest.raises(UnknownNameError, match="did you mean 'blood'"):
        samples.select(["blod"])


def test_complete_tells_missing_cells_and_modalities(samples: Samples) -> None:
    assert not samples.complete
    assert not samples.select(["blood"]).complete
    assert samples.select(["blood"])[1:].complete
    assert not samples.select(["mri"]).complete
    assert samples.select(["note"]).complete


class _Threshold(ClassifierMixin, BaseEstimator):
    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def fit(self, X: Samples, y: np.ndarray) -> "_Threshold":
        assert isinstance(X, Samples)
        assert len(X) == len(y)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Samples) -> np.ndarray:
        return (X.modality("m").values[:, 0] > self.at).astype(int)


class _Pass(BaseEstimator):
    def fit(self, X: Samples, y: np.ndarray | None = None) -> "_Pass":
        return self

    def transform(self, X: Samples) -> Samples:
        return X[np.arange(len(X))]


def test_scikit_learn_splits_scores_searches_and_clones() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    samples = Samples.from_arrays({"m": (y - 0.5 + 0.01 * rng.normal(size=40))[:, None]}, groups=np.arange(40) // 2)
    model = Pipeline([("pass", _Pass()), ("cut", _Threshold())])
    assert cross_val_score(clone(model), samples, y, cv=StratifiedKFold(4)).mean() == 1.0
    assert cross_val_score(model, samples, y, groups=samples.groups, cv=GroupKFold(4)).mean() == 1.0
    search = GridSearchCV(model, {"cut__at": [-9.0, 0.0]}, cv=4).fit(samples, y)
    assert search.best_params_ == {"cut__at": 0.0}
    train, test, y_train, _ = train_test_split(samples, y, test_size=0.25, random_state=0)
    assert isinstance(train, Samples)
    assert (len(train), len(test), len(y_train)) == (30, 10, 30)


@pytest.mark.parametrize("side", [1, 1500])  # all rows in one part; one row of 9 MB a part
def test_parts_are_the_rows_in_order(side: int) -> None:
    array = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (5, side, side))
    modality = Modality("m", "image", array).take(np.array([4, 2, 2, 0]))
    parts = list(modality.parts())
    assert len(parts) == (1 if side == 1 else 4)
    assert [start for start, _ in parts] == list(range(len(parts)))
    assert np.concatenate([part.values[:, 0, 0] for _, part in parts]).tolist() == [4, 2, 2, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Modality("m", "picture", np.ones((2, 2))), "not a kind"),
        (lambda: Modality("m", "table", np.array([[object()]])), "array of objects"),
        (lambda: Modality("m", "table", np.array([["a"]])), "needs numbers"),
        (lambda: Modality("m", "table", np.ones((3, 0))), "at least one value a row"),
        (lambda: Modality("m", "table", np.ones((3, 2, 2))), "rows by columns"),
        (lambda: Modality("m", "image", np.ones(3)), "at least one value a row"),
        (lambda: Modality("m", "text", np.ones(3)), "row of strings"),
        (lambda: Modality("m", "table", np.ones((3, 2)), present=np.ones(2, bool)), "3 rows but"),
        (lambda: Modality("m", "table", np.ones((3, 2)), features=("a",)), "2 columns but 1 feature"),
        (lambda: Modality("m", "table", np.ones((3, 2)), features=("a", "a")), "given twice: a"),
        (lambda: Modality("m", "table", np.ones((3, 1)), categories={"zz": ("a",)}), "do not exist: zz"),
        (lambda: Samples([]), "at least one modality"),
        (lambda: Samples.from_arrays({"a": np.ones((2, 1)), "b": np.ones((3, 1))}), "a 2, b 3"),
        (lambda: Samples([Modality("a", "table", np.ones((2, 1)))] * 2), "two modalities are called 'a'"),
        (lambda: Samples.from_arrays({"a": np.ones((3, 1))}, ids=["p", "q", "p"]), "given twice: p"),
        (lambda: Samples.from_arrays({"a": np.ones((3, 1))}, groups=[1, 2]), "groups: need one value"),
    ],
)
def test_what_cannot_be_samples_is_told(make: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()  # type: ignore[operator]
