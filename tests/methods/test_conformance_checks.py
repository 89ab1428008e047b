"""Each conformance check fails on a method that is broken in just that way, and passes on a good one."""

import random
import warnings
from typing import ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fusebench.methods.base import Method
from fusebench.methods.card import Claim, MethodCard
from fusebench.methods.conformance import CHECKS, run_checks
from fusebench.methods.features import FeatureBlocks
from fusebench.methods.space import Choice, Real, Whole


class Good(Method):
    """Concatenation with logistic regression, with a pinch of seeded noise in the weights."""

    card = MethodCard(name="good", family="other", fusion="early", summary="A good one.", inferred="All of it.")

    def __init__(self, c=1.0, random_state=0):
        self.c = c
        self.random_state = random_state

    def fit(self, samples, y):
        self.blocks_ = FeatureBlocks().fit(samples)
        self.model_ = LogisticRegression(C=self.c, max_iter=500).fit(self.features(samples), y)
        self.model_.coef_ += 1e-3 * self.generator().standard_normal(self.model_.coef_.shape)
        self.classes_ = self.model_.classes_
        return self

    def generator(self):
        return np.random.default_rng(self.random_state)

    def features(self, samples):
        return self.blocks_.concatenated(samples)

    def predict_proba(self, samples):
        return self.model_.predict_proba(self.features(samples))

    @classmethod
    def search_space(cls):
        return {"c": Real(0.01, 100.0, log=True)}


class Transductive(Good):
    """Centres its features over the rows it is shown, and says so."""

    card = MethodCard(
        name="trans",
        family="other",
        fusion="early",
        summary="Sees its neighbours.",
        inferred="All of it.",
        transductive=True,
    )

    def predict_proba(self, samples):
        features = self.features(samples)
        return self.model_.predict_proba(features - 0.1 * features.mean(axis=0))


class Prior(Good):
    card = MethodCard(name="prior", family="baseline", fusion="none", summary="Guesses.", role="floor")

    def fit(self, samples, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / counts.sum()
        return self

    def predict_proba(self, samples):
        return np.tile(self.share_, (len(samples), 1))


class Choosy(Good):
    """Two or three tables without anything missing, and says so."""

    card = MethodCard(
        name="choosy",
        family="other",
        fusion="early",
        summary="Takes tables only.",
        inferred="All of it.",
        kinds=("table",),
        least=2,
        most=3,
        handles_missing="none",
    )


@pytest.mark.parametrize("cls", [Good, Transductive, Prior, Choosy])
def test_good_methods_pass(cls):
    results = run_checks(cls)
    assert [r for r in results if r.outcome == "failed"] == []
    assert [r.name for r in results] == [check.__name__ for check in CHECKS]


class NoSummary(Good):
    card = MethodCard(name="broken", family="other", fusion="early", inferred="All of it.")


class NoSource(Good):
    card = MethodCard(name="broken", family="other", fusion="early", summary="Short.")


class NoClaimSource(Good):
    card = MethodCard(
        name="broken",
        family="other",
        fusion="early",
        summary="S.",
        inferred="All.",
        claims=(Claim("ADNI", "accuracy", 0.9, ""),),
    )


NAME = "computed"


class ComputedCard(Good):
    card = MethodCard(name=NAME, family="other", fusion="early", summary="Short.", inferred="All of it.")


class InheritedCard(Good):
    pass


class UnknownExcuse(Good):
    card = MethodCard(name="broken", family="other", fusion="early", summary="Short.", inferred="All of it.")
    expected_failed_checks: ClassVar = {"check_nothing": "no such check"}


class ChangingConstructor(Good):
    def __init__(self, c=1.0, random_state=0):
        self.c = float(c) * 2
        self.random_state = random_state


class ForgetfulConstructor(Good):
    def __init__(self, c=1.0, random_state=0):
        self.random_state = random_state


class WorkingConstructor(Good):
    def __init__(self, c=1.0, random_state=0):
        super().__init__(c, random_state)
        self.blocks_ = FeatureBlocks()


class NoDefault(Good):
    def __init__(self, c, random_state=0):
        super().__init__(c, random_state)


class AlienParameter(Good):
    @classmethod
    def search_space(cls):
        return {"gamma": Real(0.1, 1.0)}


class DefaultOutside(Good):
    @classmethod
    def search_space(cls):
        return {"c": Real(10.0, 100.0)}


class NoSuchOption(Good):
    @classmethod
    def search_space(cls):
        return {"c": Choice((2.0, 3.0))}


class NotWhole(Good):
    @classmethod
    def search_space(cls):
        return {"c": Whole(1, 9)}


class NotARange(Good):
    @classmethod
    def search_space(cls):
        return {"c": Real(5.0, 1.0)}


class FitGivesNothing(Good):
    def fit(self, samples, y):
        super().fit(samples, y)


class NoClasses(Good):
    def fit(self, samples, y):
        super().fit(samples, y)
        self.classes_ = np.arange(9)
        return self


class ChangesLabels(Good):
    def fit(self, samples, y):
        super().fit(samples, y)
        y[:] = 0
        return self


class ChangesSettings(Good):
    def fit(self, samples, y):
        self.c *= 2
        return super().fit(samples, y)


class NotOne(Good):
    def predict_proba(self, samples):
        return super().predict_proba(samples) * 0.9


class NotANumber(Good):
    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        proba[-1:] = np.nan
        return proba


class WrongShape(Good):
    def predict_proba(self, samples):
        return super().predict_proba(samples)[:, 1]


class AListOfRows(Good):
    def predict_proba(self, samples):
        return super().predict_proba(samples).tolist()


class OtherPredict(Good):
    def predict(self, samples):
        return self.classes_[self.predict_proba(samples).argmin(axis=1)]


class CodesFromZero(Good):
    def fit(self, samples, y):
        super().fit(samples, y)
        self.classes_ = np.arange(len(self.classes_))
        return self


class AllCodes(Good):
    """A column for every code up to the largest, whether it occurs or not."""

    def predict_proba(self, samples):
        proba = np.zeros((len(samples), self.classes_.max() + 1))
        proba[:, self.classes_] = super().predict_proba(samples)
        return proba


class Warns(Good):
    def fit(self, samples, y):
        warnings.warn("not converged", RuntimeWarning, stacklevel=2)
        return super().fit(samples, y)


class Prints(Good):
    def fit(self, samples, y):
        print("epoch 1")
        return super().fit(samples, y)


class AlienWeights(Good):
    def fit(self, samples, y):
        super().fit(samples, y)
        self.modality_weights_ = {"mri": 1.0}
        return self


class NegativeCost(Good):
    n_parameters_ = -1


class NotPicklable(Good):
    def fit(self, samples, y):
        super().fit(samples, y)
        self.hook_ = lambda: None
        return self


class PicklesBadly(Good):
    def __getstate__(self):
        state = dict(super().__getstate__())
        state["model_"] = None
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)

    def predict_proba(self, samples):
        if self.model_ is None:
            return np.full((len(samples), 2), 0.5)
        return super().predict_proba(samples)


class FreshSeed(Good):
    def generator(self):
        return np.random.default_rng()


class GlobalNumpy(Good):
    def generator(self):
        return np.random


class GlobalPython(Good):
    def generator(self):
        return np.random.default_rng(random.getrandbits(32))


class LearnsWhilePredicting(Good):
    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        self.model_.coef_ *= 0.9
        return proba


class ByPosition(Good):
    """The first row is treated in another way."""

    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        proba[0] = proba[0, ::-1]
        return proba


class SeesNeighbours(Good):
    """Centres its features over the rows it is shown, and does not say so."""

    def predict_proba(self, samples):
        features = self.features(samples)
        return self.model_.predict_proba(features - 0.1 * features.mean(axis=0))


class DropsDuplicates(Good):
    """Equal rows share one probability mass."""

    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        _, inverse, counts = np.unique(self.features(samples), axis=0, return_inverse=True, return_counts=True)
        return (proba + counts[inverse.ravel(), None] - 1) / (1 + 2 * (counts[inverse.ravel(), None] - 1))


class PeeksBehind(Good):
    """Scales by the whole array behind the rows that it was given."""

    def fit(self, samples, y):
        super().fit(samples, y)
        self.model_.coef_ *= 1 + float(np.nanmean(np.abs(samples.modalities[0].array)))
        return self


class ByPlace(Good):
    """Knows modalities by their place, not by their name."""

    def features(self, samples):
        return np.hstack([m.values.reshape(len(samples), -1) for m in samples.modalities])


class Remembers(Good):
    """Starts from what it has learnt before."""

    def fit(self, samples, y):
        before = getattr(self, "model_", None)
        super().fit(samples, y)
        if before is not None:
            self.model_.coef_ += before.coef_
        return self


class FailsOnAbsent(Good):
    def predict_proba(self, samples):
        if not all(m.present.all() for m in samples.modalities):
            raise ValueError("no table here")
        return super().predict_proba(samples)


class NanOnEmptyRows(Good):
    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        proba[~np.any([m.present for m in samples.modalities], axis=0)] = np.nan
        return proba


class SkipsWhatItHandles(Good):
    @classmethod
    def skip(cls, task):
        return super().skip(task) or (
            None if all(m.complete for m in task.samples.modalities) else "something is missing"
        )


class NoSkipForMissing(Choosy):
    card = Choosy.card

    @classmethod
    def skip(cls, task):
        return None


class FailsOnHoles(Good):
    def features(self, samples):
        if any(np.isnan(m.values[m.present]).any() for m in samples.modalities):
            raise ValueError("NaN in the input")
        return super().features(samples)


class NoCategories(Good):
    def fit(self, samples, y):
        if any(m.categories for m in samples.modalities):
            raise ValueError("strings?")
        return super().fit(samples, y)


class OnlyFlat(Good):
    def fit(self, samples, y):
        if any(m.array.ndim > 2 for m in samples.modalities):
            raise ValueError("found array with dim 4")
        return super().fit(samples, y)


class NeedsManyRows(Good):
    def fit(self, samples, y):
        if len(y) < 20:
            raise ValueError("n_splits=5 cannot be greater than the number of members in each class")
        return super().fit(samples, y)


class NeedsVariance(Good):
    def features(self, samples):
        features = super().features(samples)
        return features / (features.std(axis=0) > 0 if not hasattr(self, "classes_") else 1.0)


class NeedsOneRowASubject(Good):
    def fit(self, samples, y):
        if len(np.unique(samples.groups)) < len(samples):
            raise ValueError("duplicate index")
        return super().fit(samples, y)


class LearnsNothing(Good):
    def predict_proba(self, samples):
        return np.full((len(samples), len(self.classes_)), 1 / len(self.classes_))


class UpsideDown(Good):
    """Columns in the opposite order."""

    def predict_proba(self, samples):
        return super().predict_proba(samples)[:, ::-1]


class NeverForgets(Good):
    """Keeps every label it has ever seen, by row, over all folds."""

    seen: ClassVar[dict] = {}

    def fit(self, samples, y):
        super().fit(samples, y)
        self.seen.update({s.modalities[0].values.tobytes(): c for s, c in zip(samples, y, strict=True)})
        return self

    def predict_proba(self, samples):
        proba = super().predict_proba(samples)
        for i, s in enumerate(samples):
            known = self.seen.get(s.modalities[0].values.tobytes())
            if known is not None:
                proba[i] = self.classes_ == known
        return proba


BROKEN = [
    ("check_card", NoSummary, "no summary"),
    ("check_card", NoSource, "neither citation nor inferred"),
    ("check_card", NoClaimSource, "has no source"),
    ("check_card", ComputedCard, "not a literal"),
    ("check_card", InheritedCard, "in the class itself"),
    ("check_card", UnknownExcuse, "check_nothing"),
    ("check_constructor", ChangingConstructor, "changes 'c'"),
    ("check_constructor", ForgetfulConstructor, "c"),
    ("check_constructor", WorkingConstructor, "sets blocks_"),
    ("check_constructor", NoDefault, "no default"),
    ("check_search_space", AlienParameter, "'gamma' is not a setting"),
    ("check_search_space", DefaultOutside, "outside"),
    ("check_search_space", NoSuchOption, "not among"),
    ("check_search_space", NotWhole, "is whole"),
    ("check_search_space", NotARange, "low 5"),
    ("check_fit", FitGivesNothing, "return self"),
    ("check_fit", NoClasses, "classes_ is"),
    ("check_fit", ChangesLabels, "changed the labels"),
    ("check_fit", ChangesSettings, "changed the settings c"),
    ("check_proba", NotOne, "sum to 1"),
    ("check_proba", NotANumber, "NaN"),
    ("check_proba", WrongShape, "shape"),
    ("check_proba", AListOfRows, "list"),
    ("check_proba", OtherPredict, "most probable"),
    ("check_class_codes", CodesFromZero, "classes_"),
    ("check_class_codes", AllCodes, "shape"),
    ("check_quiet", Warns, "not converged"),
    ("check_quiet", Prints, "epoch 1"),
    ("check_tells", AlienWeights, "mri"),
    ("check_tells", NegativeCost, "parameters"),
    ("check_pickle", NotPicklable, "pickle"),
    ("check_pickle", PicklesBadly, "after pickling"),
    ("check_same_seed", FreshSeed, "same seed"),
    ("check_global_random_state", GlobalNumpy, "global random"),
    ("check_global_random_state", GlobalPython, "global random"),
    ("check_predict_twice", LearnsWhilePredicting, "twice"),
    ("check_row_order", ByPosition, "another order"),
    ("check_single_row", SeesNeighbours, "alone"),
    ("check_subset_of_rows", DropsDuplicates, "five times"),
    ("check_only_given_rows", PeeksBehind, "copied"),
    ("check_modality_order", ByPlace, "another order"),
    ("check_refit", Remembers, "other data first"),
    ("check_absent_modalities", FailsOnAbsent, "no table here"),
    ("check_absent_modalities", NanOnEmptyRows, "without any modality"),
    ("check_absent_modalities", SkipsWhatItHandles, "are handled, but skip() says"),
    ("check_absent_modalities", NoSkipForMissing, "not handled, but skip() gives no reason"),
    ("check_missing_cells", FailsOnHoles, "NaN in the input"),
    ("check_missing_cells", NoSkipForMissing, "not handled, but skip() gives no reason"),
    ("check_modality_count", NoSkipForMissing, "skip() gives no reason"),
    ("check_categories", NoCategories, "strings?"),
    ("check_every_kind", OnlyFlat, "dim 4"),
    ("check_small_and_constant", NeedsManyRows, "8 training rows"),
    ("check_small_and_constant", NeedsVariance, "constant"),
    ("check_subjects", NeedsOneRowASubject, "duplicate index"),
    ("check_beats_prior", LearnsNothing, "accuracy 0.50"),
    ("check_beats_prior", UpsideDown, "accuracy 0.0"),
    ("check_random_labels", NeverForgets, "must not see"),
]


@pytest.mark.parametrize(("name", "cls", "told"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_broken_methods_fail(name, cls, told):
    (result,) = run_checks(cls, only=[name])
    assert result.outcome == "failed"
    assert told in result.detail
    assert "\n" not in result.detail


def test_every_check_is_shown_to_fail():
    assert {check.__name__ for check in CHECKS} == {name for name, _, _ in BROKEN}


class Excused(NotPicklable):
    card = Good.card
    expected_failed_checks: ClassVar = {"check_pickle": "holds a file handle"}


def test_an_excused_failure_is_skipped_with_its_reason():
    (result,) = run_checks(Excused, only=["check_pickle"])
    assert (result.outcome, result.detail) == (
        "skipped",
        "expected: holds a file handle",
    )


class RefusesAll(Good):
    @classmethod
    def skip(cls, task):
        return "Sunday"


def test_a_method_that_skips_every_toy_does_not_pass():
    (result,) = run_checks(RefusesAll, only=["check_proba"])
    assert result.outcome == "failed"
    assert "Sunday" in result.detail


def test_global_generators_are_given_back():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    run_checks(GlobalNumpy, only=["check_global_random_state"])
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], numpy[1])  # noqa: NPY002


def test_checks_say_in_a_sentence_what_they_are_about():
    for result in run_checks(Prior, quick=True):
        assert result.summary.strip()
