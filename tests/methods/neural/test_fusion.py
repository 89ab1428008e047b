"""Signature tests of the fusion operators F1, F2, F4 and F9, and what each can and cannot solve."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.datasets.registry import load_task  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.concat import NeuralConcat  # noqa: E402
from fusebench.methods.neural.encoders import AdditiveNetwork  # noqa: E402
from fusebench.methods.neural.hybrid import NeuralHybrid, mixture_weights  # noqa: E402
from fusebench.methods.neural.inputs import present_key  # noqa: E402
from fusebench.methods.neural.late_mean import NeuralLateMean  # noqa: E402
from fusebench.methods.neural.tensor import NeuralTensor, tensor_product, too_large, widest_code  # noqa: E402

SHAPES = {"a": (3,), "b": (2,), "c": (4,)}


def batch_of(shapes, n=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn((n, *shape), generator=generator) for name, shape in shapes.items()}


def halves(task):
    return np.arange(0, len(task), 2), np.arange(1, len(task), 2)


def accuracy(method, task):
    train, test = halves(task)
    model = method.fit(task.samples[train], task.y[train])
    return float(np.mean(model.predict(task.samples[test]) == task.y[test]))


@pytest.fixture(scope="module")
def xor():
    return load_task("xor", n=1000)


# F1: z = f(sum_m W_m^T v_m)


def test_additive_equals_one_linear_map_on_the_concatenation():
    net, batch = AdditiveNetwork(SHAPES, 5, 2, 0.0), batch_of(SHAPES)
    weights = net.weights()
    assert {name: tuple(w.shape) for name, w in weights.items()} == {"a": (5, 3), "b": (5, 2), "c": (5, 4)}
    by_terms = sum(batch[name] @ weights[name].T for name in SHAPES) + net.map.bias
    stacked = torch.cat([batch[n] for n in SHAPES], dim=1) @ torch.cat([weights[n] for n in SHAPES], dim=1).T
    torch.testing.assert_close(net.fused(batch), by_terms.relu())
    torch.testing.assert_close(net.fused(batch), (stacked + net.map.bias).relu())


@pytest.mark.parametrize("how", ["zero", "absent"])
def test_a_zero_or_absent_modality_removes_exactly_its_term(how):
    net, batch = AdditiveNetwork(SHAPES, 5, 2, 0.0, linear=True), batch_of(SHAPES)
    without = dict(batch)
    if how == "zero":
        without["b"] = torch.zeros_like(batch["b"])
    else:
        without[present_key("b")] = torch.zeros(len(batch["b"]), 1)
    term = batch["b"] @ net.weights()["b"].T
    torch.testing.assert_close(net.fused(batch) - net.fused(without), term)


def test_additive_sum_is_free_of_order():
    net = AdditiveNetwork(SHAPES, 5, 2, 0.0)
    turned = AdditiveNetwork(dict(reversed(SHAPES.items())), 5, 2, 0.0)
    with torch.no_grad():
        turned.map.weight.copy_(torch.cat([net.weights()[n] for n in reversed(SHAPES)], dim=1))
        turned.map.bias.copy_(net.map.bias)
    batch = batch_of(SHAPES)
    torch.testing.assert_close(net.fused(batch), turned.fused(batch))


# F2: z = [v_1; 1] (x) ... (x) [v_M; 1]


def test_tensor_product_slices_are_the_codes_their_products_and_one():
    a, b, c = (batch_of(SHAPES)[name] for name in SHAPES)
    z = tensor_product([a, b, c]).reshape(6, 4, 3, 5)
    torch.testing.assert_close(z[:, :3, -1, -1], a)
    torch.testing.assert_close(z[:, -1, :2, -1], b)
    torch.testing.assert_close(z[:, -1, -1, :4], c)
    torch.testing.assert_close(z[:, :3, :2, -1], torch.einsum("ni,nj->nij", a, b))
    torch.testing.assert_close(z[:, :3, -1, :4], torch.einsum("ni,nk->nik", a, c))
    torch.testing.assert_close(z[:, -1, :2, :4], torch.einsum("nj,nk->njk", b, c))
    torch.testing.assert_close(z[:, :3, :2, :4], torch.einsum("ni,nj,nk->nijk", a, b, c))
    assert (z[:, -1, -1, -1] == 1).all()


def test_width_rule_keeps_the_product_within_the_limit_and_is_the_widest():
    widths = {m: widest_code(m, 1024) for m in range(1, 11)}
    assert widths == {1: 8, 2: 8, 3: 8, 4: 4, 5: 3, 6: 2, 7: 1, 8: 1, 9: 1, 10: 1}
    for m, width in widths.items():
        assert (width + 1) ** m <= 1024
        assert width == 8 or (width + 2) ** m > 1024
    assert too_large(5, 3, 1024) is None  # 4^5 is exactly the limit
    assert too_large(11, 1, 1024) is not None


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
    assert model.networks_["early"].head[-1].in_features == 4**5


# What solves XOR, and what cannot


@pytest.mark.parametrize("cls", [NeuralAdditive, NeuralTensor, NeuralConcat, NeuralHybrid])
def test_joint_networks_solve_xor(cls, xor):
    assert accuracy(cls(), xor) > xor.bayes["accuracy"] - 0.04


@pytest.mark.parametrize("method", [NeuralLateMean(), NeuralAdditive(linear=True)], ids=["late mean", "linear"])
def test_late_mean_and_linear_additive_fusion_stay_at_chance_on_xor(method, xor):
    # Three standard deviations of the accuracy of 500 coin throws.
    assert abs(accuracy(method, xor) - 0.5) < 3 * np.sqrt(0.25 / 500)


@pytest.mark.parametrize("cls", [NeuralAdditive, NeuralTensor, NeuralConcat, NeuralHybrid, NeuralLateMean])
def test_networks_come_near_the_bayes_accuracy_on_add(cls):
    task = load_task("add", n=2000)
    # The allowance: what 800 training rows cost, and three standard deviations of 1000 test rows.
    assert abs(accuracy(cls(), task) - task.bayes["accuracy"]) < 0.02 + 3 * np.sqrt(0.16 / 1000)


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


def test_mixture_weights_lie_on_the_simplex_and_find_the_better_component():
    rng = np.random.default_rng(0)
    good, bad = rng.uniform(0.6, 0.9, 200), rng.uniform(0.1, 0.5, 200)
    weights = mixture_weights(np.column_stack([bad, good, bad]))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] > 0.97
    np.testing.assert_allclose(mixture_weights(np.empty((0, 4))), 0.25)


def test_mixture_weights_maximise_the_likelihood():
    rng = np.random.default_rng(1)
    likelihood = rng.uniform(size=(50, 2))

    def goal(w):
        return np.log(likelihood @ [w, 1 - w]).sum() + np.log(w) + np.log(1 - w)

    grid = np.linspace(0.001, 0.999, 999)
    best = grid[np.argmax([goal(w) for w in grid])]
    assert mixture_weights(likelihood, steps=2000)[0] == pytest.approx(best, abs=2e-3)


def test_a_modality_called_early_does_not_replace_the_early_network():
    rng = np.random.default_rng(0)
    samples = Samples.from_arrays({"early": rng.normal(size=(40, 2)), "late": rng.normal(size=(40, 2))})
    model = NeuralHybrid(max_epochs=2).fit(samples, np.arange(40) % 2)
    assert len(model.networks_) == 3
    assert model.predict_proba(samples).shape == (40, 2)
