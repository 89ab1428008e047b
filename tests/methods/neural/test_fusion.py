"""What each fusion network can and cannot solve; late mean (F4) and hybrid (F9) as rules over networks."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

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
from fusebench.methods.neural.late_mean import NeuralLateMean  # noqa: E402
from fusebench.methods.neural.lowrank import NeuralLowRank  # noqa: E402
from fusebench.methods.neural.tensor import NeuralTensor  # noqa: E402

METHODS = [
    NeuralAdditive, NeuralConcat, NeuralTensor, NeuralLowRank, NeuralGated, NeuralAttention, NeuralCrossAttention,
    NeuralDecision, NeuralLateMean, NeuralHybrid,
]  # fmt: skip


def halves(task):
    return np.arange(0, len(task), 2), np.arange(1, len(task), 2)


def accuracy(method, task):
    train, test = halves(task)
    model = method.fit(task.samples[train], task.y[train])
    return float(np.mean(model.predict(task.samples[test]) == task.y[test]))


@pytest.fixture(scope="module")
def xor():
    return load_task("xor", n=1000)


# F2: the outer product and its limits


def test_tensor_fusion_refuses_what_is_too_large_with_a_reason():
    rng = np.random.default_rng(0)
    samples = Samples.from_arrays({f"m{i}": rng.normal(size=(20, 1)) for i in range(11)})
    y = np.arange(20) % 2
    task = load_task("add", n=40, widths=(1,) * 11, strengths=(1.0,) * 11)
    assert "2^11 entries, beyond 1024" in (NeuralTensor.skip(task) or "")
    with pytest.raises(DataError, match=r"2\^11 entries.*fewer modalities"):
        NeuralTensor().fit(samples, y)
    with pytest.raises(DataError, match=r"65\^2 entries"):
        NeuralTensor(code_width=64).fit(samples.select(["m0", "m1"]), y)
    assert NeuralTensor.skip(load_task("add", n=40)) is None


def test_five_modalities_are_multiplied_out():
    task = load_task("add", n=120, widths=(3,) * 5, strengths=(1.0,) * 5)
    model = NeuralTensor(max_epochs=3).fit(task.samples, task.y)
    assert model.networks_["early"].head.in_features == 4**5


# What solves XOR, and what cannot


@pytest.mark.parametrize(
    "cls", [NeuralTensor, NeuralLowRank, NeuralCrossAttention, NeuralHybrid, NeuralAdditive, NeuralConcat, NeuralGated]
)
def test_joint_networks_solve_xor(cls, xor):
    assert accuracy(cls(), xor) > xor.bayes["accuracy"] - 0.04


@pytest.mark.parametrize(
    "method",
    [NeuralLateMean(), NeuralDecision(), NeuralAdditive(linear=True)],
    ids=["late mean", "decision", "linear"],
)
def test_late_rules_and_linear_additive_fusion_stay_at_chance_on_xor(method):
    # Three standard deviations of the accuracy of 1500 coin throws.
    assert abs(accuracy(method, load_task("xor", n=3000)) - 0.5) < 3 * np.sqrt(0.25 / 1500)


@pytest.mark.parametrize(
    "cls",
    [
        pytest.param(cls, id=cls.card.name, marks=[pytest.mark.slow] if cls is NeuralCrossAttention else [])
        for cls in METHODS
    ],
)
def test_networks_come_near_the_bayes_rule_on_add(cls):
    task = load_task("add", n=2000)
    _, test = halves(task)
    # On the same rows, so that the luck of the draw is in both; what remains is what 800 training rows cost.
    bayes = np.mean((task.truth["posterior"][test] > 0.5) == task.y[test])
    assert accuracy(cls(), task) == pytest.approx(bayes, abs=0.035)


# F4: late mean


def with_holes(task, name="m2", share=0.3, seed=0):
    absent = np.random.default_rng(seed).random(len(task)) < share
    parts = [
        Modality(m.name, m.kind, m.values, present=~absent if m.name == name else None) for m in task.samples.modalities
    ]
    return Samples(parts), absent


def test_late_mean_lies_in_the_convex_hull_and_is_the_mean():
    task = load_task("add", n=200)
    model = NeuralLateMean(max_epochs=10).fit(task.samples, task.y)
    members = np.stack(list(model.member_probabilities(task.samples).values()))
    proba = model.predict_proba(task.samples)
    assert (proba >= members.min(axis=0) - 1e-12).all()
    assert (proba <= members.max(axis=0) + 1e-12).all()
    np.testing.assert_allclose(proba, members.mean(axis=0), atol=1e-12)


def test_late_mean_drops_an_absent_modality_in_its_row():
    task = load_task("add", n=200)
    samples, absent = with_holes(task)
    model = NeuralLateMean(max_epochs=10).fit(samples, task.y)
    members = model.member_probabilities(samples)
    assert np.isnan(members["m2"][absent]).all()
    proba = model.predict_proba(samples)
    np.testing.assert_allclose(proba[absent], ((members["m1"] + members["m3"]) / 2)[absent], atol=1e-12)
    every = (members["m1"] + members["m2"] + members["m3"]) / 3
    np.testing.assert_allclose(proba[~absent], every[~absent], atol=1e-12)


def test_networks_of_the_late_mean_know_nothing_of_each_other():
    task = load_task("add", n=200)
    together = NeuralLateMean(max_epochs=5).fit(task.samples, task.y)
    alone = NeuralLateMean(max_epochs=5).fit(task.samples.select(["m2"]), task.y)
    both = [m.member_probabilities(task.samples)["m2"] for m in (together, alone)]
    np.testing.assert_array_equal(*both)


# F9: hybrid


def test_hybrid_contains_the_early_and_the_late_model():
    task = load_task("add", n=200)
    settings = {"max_epochs": 10, "random_state": 3}
    early = NeuralAdditive(**settings).fit(task.samples, task.y).predict_proba(task.samples)
    late = NeuralLateMean(**settings).fit(task.samples, task.y).predict_proba(task.samples)
    for weight, expected in ((1.0, early), (0.0, late), (0.25, 0.25 * early + 0.75 * late)):
        model = NeuralHybrid(early_weight=weight, **settings).fit(task.samples, task.y)
        np.testing.assert_allclose(model.predict_proba(task.samples), expected, rtol=0, atol=1e-12)


def test_hybrid_learns_to_trust_the_early_network_on_xor_alone(xor):
    weights = {}
    for task in (xor, load_task("add", n=1000)):
        train, _ = halves(task)
        model = NeuralHybrid().fit(task.samples[train], task.y[train])
        assert sum(model.late_weights_.values()) == pytest.approx(1.0)
        weights[task.name] = model.late_weights_["early"]
    assert weights["xor"] > 0.9
    assert weights["xor"] > weights["add"]


def test_hybrid_is_not_worse_than_early_fusion_on_few_rows_of_add():
    gaps = []
    for seed in range(5):
        task = load_task("add", n=2150, seed=seed)
        model = NeuralHybrid(random_state=seed).fit(task.samples[:150], task.y[:150])
        test, truth = task.samples[150:], task.y[150:]
        early = model.member_probabilities(test)["early"]
        gaps.append(np.mean(model.predict(test) == truth) - np.mean(early.argmax(axis=1) == truth))
    # The upper end of the 95 % interval of the mean, Student's t with four degrees of freedom.
    assert np.mean(gaps) + 2.776 * np.std(gaps, ddof=1) / np.sqrt(5) > 0


def test_a_modality_called_early_does_not_replace_the_early_network():
    rng = np.random.default_rng(0)
    samples = Samples.from_arrays({"early": rng.normal(size=(40, 2)), "late": rng.normal(size=(40, 2))})
    model = NeuralHybrid(max_epochs=2).fit(samples, np.arange(40) % 2)
    assert len(model.networks_) == 3
    assert model.predict_proba(samples).shape == (40, 2)
