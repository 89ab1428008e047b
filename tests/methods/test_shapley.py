"""Shapley values over modalities: axioms and small games by hand, and what they say of planted tasks."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from fusebench.datasets import load_task
from fusebench.datasets.errors import UnknownNameError
from fusebench.datasets.samples import Modality, Samples
from fusebench.methods import FeatureBlocks, Method, MethodCard
from fusebench.methods.baselines.concat_logistic import ConcatLogistic
from fusebench.methods.shapley import coalition_worths, shapley_values

GAMES = st.integers(1, 4).flatmap(
    lambda players: st.lists(st.floats(-1, 1), min_size=2**players, max_size=2**players).map(np.array)
)


def by_orders(worths: np.ndarray) -> list[float]:
    """What each player adds on entering, averaged over all orders in which they may enter: the definition."""
    players = len(worths).bit_length() - 1
    orders = list(permutations(range(players)))
    found = np.zeros(players)
    for order in orders:
        here = 0
        for m in order:
            found[m] += (worths[here | 1 << m] - worths[here]) / len(orders)
            here |= 1 << m
    return found.tolist()


def test_two_players_by_hand() -> None:
    # v() = 1, v(a) = 3, v(b) = 2, v(ab) = 8: a adds 2 first and 6 second, b adds 1 and 5.
    assert shapley_values(np.array([[1.0], [3.0], [2.0], [8.0]])).tolist() == [[4.0, 3.0]]


def test_three_players_by_hand() -> None:
    # The glove game: a and b hold a left glove each, c the right one; only a pair is worth 1.
    pair = {0b101, 0b110, 0b111}
    worths = np.array([[float(place in pair)] for place in range(8)])
    assert shapley_values(worths)[0] == pytest.approx([1 / 6, 1 / 6, 4 / 6])


@given(GAMES)
def test_values_are_the_mean_over_all_orders_and_sum_to_the_whole(worths: np.ndarray) -> None:
    (values,) = shapley_values(worths[:, None])
    assert values == pytest.approx(by_orders(worths), abs=1e-12)
    assert values.sum() == pytest.approx(worths[-1] - worths[0], abs=1e-12)


@given(GAMES)
def test_who_adds_nothing_gets_nothing_and_equals_get_the_same(worths: np.ndarray) -> None:
    with_idler = np.concatenate([worths, worths])[:, None]  # the last player changes nothing
    assert shapley_values(with_idler)[0, -1] == 0.0
    twins = np.array([worths.mean(), 0.3, 0.3, 0.9])[:, None]
    first, second = shapley_values(twins)[0]
    assert first == second


def test_as_many_worths_as_no_players_have_are_refused() -> None:
    with pytest.raises(ValueError, match="3 coalitions"):
        shapley_values(np.zeros((3, 1)))


def explained(method: Method, samples: Samples, y: np.ndarray) -> np.ndarray:
    """(n, M) Shapley values of the second half of the rows, by a method fitted on the first."""
    half = len(y) // 2
    fitted = method.fit(samples[:half], y[:half])
    worths = coalition_worths(fitted, samples[half:], y[half:])
    whole = fitted.predict_proba(samples[half:])[np.arange(len(y) - half), y[half:]]
    values = shapley_values(worths)
    np.testing.assert_allclose(worths[0] + values.sum(axis=1), whole, atol=1e-9)
    return values


def test_modalities_count_in_the_order_of_their_separations_and_noise_does_not() -> None:
    task = load_task("add", n=1000, strengths=(1.5, 0.8, 1e-9))
    strong, weak, noise = explained(ConcatLogistic(), task.samples, task.y).mean(axis=0)
    assert strong > 2 * weak > 0.05
    assert abs(noise) < 0.01


class Forest(Method):
    """A forest over features and what is absent, trained on rows that lack modalities at random."""

    card = MethodCard(name="forest", family="other", fusion="early")

    def fit(self, samples: Samples, y: np.ndarray) -> Forest:
        self.blocks_ = FeatureBlocks().fit(samples)
        self.classes_ = np.unique(y)
        hidden = [self.blocks_.concatenated(samples.hide(names)) for names in ((), samples.names[:1], samples.names)]
        self.model_ = RandomForestClassifier(100, random_state=0).fit(np.vstack(hidden), np.tile(y, 3))
        return self

    def predict_proba(self, samples: Samples) -> np.ndarray:
        return self.model_.predict_proba(self.blocks_.concatenated(samples))


def test_what_only_counts_together_is_shared_equally() -> None:
    task = load_task("xor", n=1000)
    first, second = explained(Forest(), task.samples, task.y).mean(axis=0)
    assert min(first, second) > 0.1
    assert first == pytest.approx(second, rel=0.25)


def test_a_modality_that_a_row_lacks_adds_nothing_to_it() -> None:
    task = load_task("add", n=200)
    gone = np.arange(200) % 3 == 0
    first, *others = task.samples.modalities
    samples = Samples([Modality(first.name, "table", first.values, present=~gone), *others])
    values = explained(ConcatLogistic(), samples, task.y)
    assert (values[gone[100:], 0] == 0.0).all()
    assert (values[~gone[100:], 0] != 0.0).all()


def test_a_class_that_training_lacked_is_worth_nothing() -> None:
    task = load_task("add", n=100)
    method = ConcatLogistic().fit(task.samples, task.y)
    assert not coalition_worths(method, task.samples[:2], np.array([0, 2]))[:, 1].any()


def test_hidden_modalities_are_gone_and_the_samples_stay_as_they_were() -> None:
    arrays = {"a": np.ones((4, 2)), "image": np.ones((4, 3, 3), dtype=np.uint8), "words": np.array(list("wxyz"))}
    samples = Samples.from_arrays(arrays, kinds={"image": "image", "words": "text"})
    hidden = samples[1:].hide(["a", "words"])
    assert [m.present.tolist() for m in hidden.modalities] == [[False] * 3, [True] * 3, [False] * 3]
    assert np.isnan(hidden.modality("a").values).all()
    assert hidden.modality("words").values.tolist() == [""] * 3
    assert hidden.ids.tolist() == [1, 2, 3]
    assert hidden[1:].modality("a").values.shape == (2, 2)
    assert not samples.hide(["image"]).modality("image").values.any()
    assert samples.complete
    with pytest.raises(UnknownNameError, match="images"):
        samples.hide(["images"])
