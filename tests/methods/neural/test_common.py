"""What every neural method promises: proper probabilities, same seed same numbers, stated size, robustness."""

import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.datasets.registry import load_task  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.attention import NeuralAttention  # noqa: E402
from fusebench.methods.neural.concat import NeuralConcat  # noqa: E402
from fusebench.methods.neural.cross_attention import NeuralCrossAttention  # noqa: E402
from fusebench.methods.neural.decision import NeuralDecision  # noqa: E402
from fusebench.methods.neural.gated import NeuralGated  # noqa: E402
from fusebench.methods.neural.hybrid import NeuralHybrid  # noqa: E402
from fusebench.methods.neural.inputs import Inputs  # noqa: E402
from fusebench.methods.neural.late_mean import NeuralLateMean  # noqa: E402
from fusebench.methods.neural.lowrank import NeuralLowRank  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402
from fusebench.methods.neural.tensor import NeuralTensor  # noqa: E402

METHODS = [
    NeuralAdditive,
    NeuralConcat,
    NeuralTensor,
    NeuralLowRank,
    NeuralGated,
    NeuralAttention,
    NeuralCrossAttention,
    NeuralDecision,
    NeuralLateMean,
    NeuralHybrid,
]
every_method = pytest.mark.parametrize("cls", METHODS, ids=lambda cls: cls.card.name)


def proper(proba, n, classes):
    assert proba.shape == (n, classes)
    assert proba.dtype == np.float64
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-9)


def tables(n, widths=(4, 3), classes=2, seed=0, **columns):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    arrays = {f"m{i}": rng.normal(size=(n, width)) + y[:, None] for i, width in enumerate(widths)}
    return Samples.from_arrays(arrays, **columns), y


def mixed(n=40, seed=0):
    """A table with holes and an absent row, an image, a signal with absent rows."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    table = rng.normal(size=(n, 3)) + y[:, None]
    table[rng.random(table.shape) < 0.1] = np.nan
    present = np.arange(n) % 5 != 0
    image = rng.integers(0, 256, size=(n, 2, 12, 9)).astype(np.uint8)
    signal = rng.normal(size=(n, 2, 20)) + y[:, None, None]
    return Samples(
        [
            Modality("table", "table", table, present=np.arange(n) != 7),
            Modality("image", "image", image),
            Modality("signal", "signal", signal, present=present),
        ]
    ), y


@every_method
def test_probabilities_are_proper_for_every_sort_of_modality(cls):
    samples, y = mixed()
    model = cls(max_epochs=4).fit(samples, y)
    proper(model.predict_proba(samples), len(y), 3)


@every_method
def test_same_seed_same_numbers_whatever_torch_did_before(cls):
    samples, y = tables(60)
    torch.manual_seed(5)
    first = cls(max_epochs=5, random_state=4).fit(samples, y).predict_proba(samples)
    torch.rand(100)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what must not matter
    state = torch.get_rng_state()
    second = cls(max_epochs=5, random_state=4).fit(samples, y).predict_proba(samples)
    np.testing.assert_array_equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert np.abs(cls(max_epochs=5, random_state=5).fit(samples, y).predict_proba(samples) - first).max() > 1e-4


@every_method
def test_a_rows_probabilities_do_not_depend_on_its_companions(cls):
    samples, y = mixed()
    model = cls(max_epochs=4).fit(samples, y)
    together = model.predict_proba(samples)
    order = np.random.default_rng(0).permutation(len(y))
    np.testing.assert_allclose(model.predict_proba(samples[order]), together[order], rtol=0, atol=1e-6)
    for row in (0, 7, 11):
        np.testing.assert_allclose(model.predict_proba(samples[row])[0], together[row], rtol=0, atol=1e-6)


def stated_parameters(cls, d, h, c):
    m, k, total = len(d), 8, sum(d)  # 8: the width of a code, by the rule for three modalities
    codes = sum(h * width + h + k * h + k for width in d)
    additive, late = h * total + h + h * c + c, sum(h * width + h + h * c + c for width in d)
    return {
        NeuralAdditive: additive,
        NeuralLateMean: late,
        NeuralHybrid: additive + late,
        NeuralDecision: late + m,
        NeuralConcat: sum(h // 2 * width + h // 2 for width in d) + h * m * (h // 2) + h + h * c + c,
        NeuralTensor: codes + c * (k + 1) ** m + c,
        NeuralLowRank: codes + m * 4 * h * (k + 1) + h * c + c,
        NeuralGated: h * total + m * h + m * h * total + m * h + h * c + c,
        NeuralAttention: h * total + m * h + 2 * (h // 4 * h + h // 4) + m * (h // 4) + h * c + c,
        NeuralCrossAttention: 4 * h * (total + 2 * m) + 2 * m * (4 * h * h + 3 * h) + 6 * m * h + m * h * c + c,
    }[cls]


@every_method
def test_parameter_count_equals_the_stated_formula(cls):
    d, h, c = (4, 3, 5), 20, 3
    samples, y = tables(30, d, c)
    model = cls(hidden=h, max_epochs=1).fit(samples, y)
    assert model.n_parameters_ == stated_parameters(cls, d, h, c)
    assert model.cost()["parameters"] == model.n_parameters_


def test_flops_are_two_for_every_multiply_add():
    samples, y = tables(30, (4, 3), 3)
    assert NeuralAdditive(hidden=20, max_epochs=1).fit(samples, y).flops_ == 2 * (7 * 20 + 20 * 3)
    assert NeuralLateMean(hidden=20, max_epochs=1).fit(samples, y).cost()["flops"] == 2 * (7 * 20 + 2 * 20 * 3)
    model = NeuralConcat(hidden=20, max_epochs=1).fit(samples, y)
    with FlopCounterMode(display=False) as counter:
        model.predict_proba(samples[0])
    assert model.flops_ == counter.get_total_flops()


def test_flops_are_counted_anew_after_another_fit():
    samples, y = tables(30, (4, 3))
    model = NeuralAdditive(hidden=10, max_epochs=1).fit(samples, y)
    before = model.flops_
    assert model.fit(samples.select(["m0"]), y).flops_ < before


@every_method
def test_odd_training_sets_give_proper_probabilities_and_no_warning(cls):
    single, rare = tables(30)[0], np.r_[0, np.ones(29, dtype=int)]
    cases = {
        "a class of one row": (single, rare, 2),
        "eight rows": (*tables(8), 2),
        "one class": (single, np.zeros(30, dtype=int), 1),
        "one subject": (*tables(10, groups=np.zeros(10)), 2),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for samples, y, classes in cases.values():
            model = cls(max_epochs=5).fit(samples, y)
            proper(model.predict_proba(samples), len(y), classes)
            proper(model.predict_proba(samples[0]), 1, classes)


@every_method
def test_a_modality_may_be_absent_in_every_test_row(cls):
    samples, y = tables(80, (3, 3, 3))
    model = cls(max_epochs=15).fit(samples, y)
    n = 40
    gone = [Modality(m.name, m.kind, m.values[:n], present=np.full(n, m.name != "m1")) for m in samples.modalities]
    proba = model.predict_proba(Samples(gone))
    proper(proba, n, 2)
    assert np.mean(model.classes_[proba.argmax(axis=1)] == y[:n]) > 0.7
    # What stands in the absent cells is not looked at.
    other = [Modality(m.name, m.kind, np.nan_to_num(m.values, nan=9.0), present=m.present) for m in gone]
    np.testing.assert_array_equal(model.predict_proba(Samples(other)), proba)


@every_method
def test_a_row_without_any_modality_gets_a_proper_answer(cls):
    samples, y = tables(40)
    nothing = Samples([Modality(m.name, m.kind, m.values, present=np.arange(40) > 0) for m in samples.modalities])
    model = cls(max_epochs=3).fit(nothing, y)
    proba = model.predict_proba(nothing)
    proper(proba, 40, 2)
    np.testing.assert_allclose(proba[0], model.prior_)


@every_method
def test_a_modality_no_training_row_has_is_survived(cls):
    samples, y = tables(40)
    parts = [Modality(m.name, m.kind, m.values, present=np.full(40, m.name == "m0")) for m in samples.modalities]
    model = cls(max_epochs=3).fit(Samples(parts), y)
    proper(model.predict_proba(samples), 40, 2)


def test_extreme_test_values_stay_finite():
    samples, y = tables(40)
    model = NeuralTensor(max_epochs=3).fit(samples, y)
    far = Samples.from_arrays({m.name: m.values * 1e300 for m in samples.modalities})
    proper(model.predict_proba(far), 40, 2)


def test_validation_rows_are_of_other_subjects():
    groups = np.repeat(np.arange(20), 4)
    samples, _ = tables(80, groups=groups)
    model = NeuralAdditive(max_epochs=2).fit(samples, groups % 2)
    held = np.isin(np.arange(80), model.validation_rows_)
    assert held.any()
    assert not set(groups[held]) & set(groups[~held])


def test_balanced_class_weights_find_more_of_the_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    samples = Samples.from_arrays({"a": rng.normal(size=(600, 2)) + y[:, None]})
    found = [
        np.mean(NeuralAdditive(class_weight=w).fit(samples, y).predict(samples)[y == 1]) for w in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.2
    with pytest.raises(DataError, match="None or 'balanced'"):
        NeuralAdditive(class_weight="even").fit(samples, y)


def test_labels_need_not_be_codes():
    samples, y = tables(30)
    model = NeuralHybrid(max_epochs=3).fit(samples, y * 4 + 3)
    assert model.classes_.tolist() == [3, 7]
    assert set(model.predict(samples)) <= {3, 7}


def test_a_missing_gpu_is_told_before_anything_is_fitted():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    samples, y = tables(10)
    with pytest.raises(DataError, match="use 'cpu'"):
        NeuralAdditive(device="cuda").fit(samples, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_method
def test_a_gpu_gives_the_same_numbers_twice(cls):
    samples, y = mixed()
    first, second = (cls(max_epochs=3, device="cuda").fit(samples, y).predict_proba(samples) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_fitted_method_survives_pickling():
    samples, y = mixed()
    model = NeuralHybrid(max_epochs=2).fit(samples, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(samples), model.predict_proba(samples))


def test_large_arrays_are_read_by_rows_and_give_the_same_batches(monkeypatch):
    samples, _ = mixed()
    inputs = Inputs().fit(samples)
    rows = torch.tensor([5, 3, 3, 20])
    whole = inputs.open(samples, torch.device("cpu")).batch(rows)
    monkeypatch.setattr("fusebench.methods.neural.inputs._RESIDENT_BYTES", 0)
    read = []
    take = Modality.take
    monkeypatch.setattr(Modality, "take", lambda self, rows: read.append(len(rows)) or take(self, rows))
    source = inputs.open(samples, torch.device("cpu"))
    assert set(source.on_disk) == {"image", "signal"}
    by_rows = source.batch(rows)
    assert set(read) == {4}  # no more rows than were asked for
    assert whole.keys() == by_rows.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, by_rows[name])


def test_arrays_are_scaled_by_training_rows_that_have_them():
    rng = np.random.default_rng(0)
    image = rng.normal(loc=[[[5.0]], [[-3.0]]], scale=[[[2.0]], [[0.5]]], size=(50, 2, 6, 6))
    present = np.arange(50) % 2 == 0
    samples = Samples([Modality("image", "image", np.where(present[:, None, None, None], image, 1e6), present=present)])
    inputs = Inputs().fit(samples)
    assert inputs.shapes_ == {"image": Shape("image", (2, 6, 6))}
    batch = inputs.open(samples, torch.device("cpu")).batch(torch.arange(50))["image"].numpy()
    np.testing.assert_allclose(batch[present].mean(axis=(0, 2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(batch[present].std(axis=(0, 2, 3)), 1.0, atol=1e-5)
    assert (batch[~present] == 0).all()


def test_breast_cancer_is_classified_as_well_as_by_logistic_regression():
    task = load_task("breast-cancer")
    test = np.arange(len(task)) % 3 == 0
    model = NeuralAdditive().fit(task.samples[~test], task.y[~test])
    assert np.mean(model.predict(task.samples[test]) == task.y[test]) > 0.95
