"""Integrated gradients by hand and by axiom; Grad-CAM against class activation maps, MONAI and a planted patch."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.datasets.registry import load_task  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods._toy import toy_task  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.attribution import integrated_gradients  # noqa: E402
from fusebench.methods.neural.concat import NeuralConcat  # noqa: E402
from fusebench.methods.neural.encoders.base import Encoder  # noqa: E402
from fusebench.methods.neural.encoders.convolution import ResidualCnn  # noqa: E402
from fusebench.methods.neural.grad_cam import class_activation, grad_cam, last_grids  # noqa: E402
from fusebench.methods.neural.hybrid import NeuralHybrid  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402

ROWS = 16


def at_the_baseline(method, samples, columns):
    """Probability of those classes with every value at the training mean, every word's vector zero."""
    method = deepcopy(method)
    for network in method.networks_.values():
        for module in network.modules():
            if isinstance(module, nn.Embedding):
                nn.init.zeros_(module.weight)
    whole = method.inputs_.open

    def zeros(samples, device):
        source = whole(samples, device)
        source.resident = {
            key: value * 0 if value.is_floating_point() and not key.startswith("<present>") else value
            for key, value in source.resident.items()
        }
        return source

    method.inputs_.open = zeros
    return method.predict_proba(samples)[np.arange(len(samples)), columns]


# Integrated gradients


@pytest.mark.parametrize("cls", [NeuralAdditive, NeuralHybrid])
def test_attributions_of_a_row_sum_to_what_its_values_changed(cls):
    task = toy_task(("table", "text", "roi", "connectivity"), 60, absent=0.2, strength=1.0)
    samples = task.samples[:ROWS]
    model = cls(max_epochs=8).fit(task.samples, task.y)
    attributions = integrated_gradients(model, samples)
    assert {name: a.shape[1:] for name, a in attributions.items() if name != "text1"} == {
        m.name: m.shape[1:] for m in samples.modalities if m.kind != "text"
    }
    sums = sum(a.reshape(ROWS, -1).sum(axis=1) for a in attributions.values())
    proba = model.predict_proba(samples)
    change = proba.max(axis=1) - at_the_baseline(model, samples, proba.argmax(axis=1))
    assert np.abs(change).max() > 0.1
    np.testing.assert_allclose(sums, change, atol=0.01)
    for modality in samples.modalities:
        assert not attributions[modality.name][~modality.present].any()


def test_a_linear_network_shares_out_by_weight_times_value():
    task = load_task("add", n=100)
    model = NeuralAdditive(linear=True, max_epochs=5, dropout=0.0).fit(task.samples, task.y)
    (network,) = model.networks_.values()
    with torch.no_grad():
        both = network.head.weight @ network.operators[0].map.weight
    weights = (both[1] - both[0]).numpy()
    terms = model.inputs_.blocks_.concatenated(task.samples) * weights
    ones = np.ones(100, dtype=np.int64)
    change = model.predict_proba(task.samples)[:, 1] - at_the_baseline(model, task.samples, ones)
    expected = terms / terms.sum(axis=1, keepdims=True) * change[:, None]
    found = np.hstack(list(integrated_gradients(model, task.samples, classes=ones).values()))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    other = np.hstack(list(integrated_gradients(model, task.samples, classes=0 * ones).values()))
    np.testing.assert_allclose(other, -found, atol=1e-6)


def test_a_category_gets_what_its_columns_get_together_and_an_unread_column_nothing():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    values = np.column_stack([rng.normal(size=80), (y + (rng.random(80) < 0.2)) % 3, rng.normal(size=80)])
    table = Modality("t", "table", values, features=("a", "blood", "c"), categories={"blood": ("A", "B", "0")})
    model = NeuralAdditive(max_epochs=20).fit(Samples([table]), y)
    with torch.no_grad():
        model.networks_["early"].operators[0].map.weight[:, 1] = 0.0  # numeric columns come first: this is "c"
    summary = model.attributions(Samples([table]))["t"]
    assert summary.names[0] == "blood"
    assert dict(zip(summary.names, summary.sizes, strict=True))["c"] == 0.0
    (attributions,) = integrated_gradients(model, Samples([table])).values()
    proba = model.predict_proba(Samples([table]))
    change = proba.max(axis=1) - at_the_baseline(model, Samples([table]), proba.argmax(axis=1))
    np.testing.assert_allclose(attributions.sum(axis=1), change, atol=3e-3)


def test_words_that_tell_the_class_count_more_than_the_others():
    task = toy_task(("text", "table"), 80)
    model = NeuralAdditive(max_epochs=15).fit(task.samples.select(["text0"]), task.y)
    summary = model.attributions(task.samples.select(["text0"]))["text0"]
    assert set(summary.names[:3]) <= {"calm", "steady", "clear", "sharp", "sudden", "dark"}
    assert (np.diff(summary.sizes) <= 0).all()


def test_what_is_kept_is_small_and_named(monkeypatch):
    monkeypatch.setattr("fusebench.methods.neural.attribution_summary.MOST_FEATURES", 4)
    monkeypatch.setattr("fusebench.methods.neural.attribution_summary.MOST_POSITIONS", {1: 8, 2: 5, 3: 3})
    monkeypatch.setattr("fusebench.methods.neural.attribution.STEPS", 2)
    task = toy_task(("table", "signal", "image", "volume", "roi", "connectivity"), 12, absent=0.2)
    model = NeuralConcat(max_epochs=1).fit(task.samples, task.y)
    found = model.attributions(task.samples)
    assert [found[n].gradient.shape for n in ("signal1", "image2", "volume3")] == [(8,), (5, 5), (3, 3, 3)]
    assert [found[n].cam.shape for n in ("signal1", "image2", "volume3")] == [(8,), (5, 5), (3, 3, 3)]
    for name, named in (("table0", "x"), ("roi4", ","), ("connectivity5", "-")):
        assert len(found[name].names) == 4
        assert all(named in feature for feature in found[name].names)
    assert {part.dtype for own in found.values() for part in (own.sizes, own.gradient, own.cam)} == {np.dtype("f4")}
    gone = task.samples.hide(["image2"])
    assert "image2" not in model.attributions(gone)
    monkeypatch.setattr("fusebench.methods.neural.attribution_summary._VALUES_AT_ONCE", 1)
    one_by_one = model.attributions(task.samples)
    for name, own in found.items():
        assert one_by_one[name].names == own.names
        for part in ("sizes", "gradient", "cam"):
            np.testing.assert_allclose(getattr(one_by_one[name], part), getattr(own, part), rtol=1e-4, atol=1e-7)


# Grad-CAM


class Averaged(nn.Module):
    """A residual CNN, the mean over positions, and a linear map: the network of class activation maps."""

    def __init__(self, sides):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = Encoder("scan", ResidualCnn(Shape("image", (2, *sides))))
        self.encoder.body.pool = nn.Identity()
        self.head = nn.Linear(self.encoder.body.map_shapes[-1][1], 3, bias=False)

    def forward(self, batch):
        return self.head(self.encoder.tokens(batch).mean(dim=1))

    def map(self, scan, c):
        with last_grids(self) as grids:
            score = self({"scan": scan})[:, c].sum()
        (gradient,) = torch.autograd.grad(score, grids["scan"])
        return grids["scan"].detach(), class_activation(grids["scan"], gradient).detach()


SIDES = [(24,), (12, 10), (6, 7, 6)]


@pytest.mark.parametrize("sides", SIDES, ids=["1D", "2D", "3D"])
def test_with_means_and_a_linear_head_it_is_the_class_activation_map(sides):
    network = Averaged(sides)
    grid, found = network.map(torch.randn(4, 2, *sides), 1)
    activation = torch.einsum("k,nk...->n...", network.head.weight[1].detach(), grid)
    positions = grid[0, 0].numel()
    assert positions > 1
    torch.testing.assert_close(found, (activation / positions).relu())
    assert (found > 0).any()


@pytest.mark.parametrize("sides", SIDES, ids=["1D", "2D", "3D"])
def test_a_class_without_weight_has_an_empty_map(sides):
    network = Averaged(sides)
    nn.init.zeros_(network.head.weight[2])
    assert not network.map(torch.randn(4, 2, *sides), 2)[1].any()


PATCH = np.zeros((16, 16), dtype=bool)
PATCH[9:14, 2:7] = True


def patched_network(seed):
    """Noise images in which a bright patch, always at the same place, tells class 1; beside them a table of noise."""
    rng = np.random.default_rng(0)
    y = np.arange(160) % 2
    images = rng.normal(size=(160, 1, 16, 16)).astype(np.float32)
    images[:, 0][:, PATCH] += 1.5 * y[:, None]
    samples = Samples([Modality("scan", "image", images), Modality("noise", "table", rng.normal(size=(160, 2)))])
    return NeuralConcat(max_epochs=12, random_state=seed).fit(samples[:100], y[:100]), samples[100:], y[100:]


@pytest.fixture(scope="module")
def patched():
    return patched_network(0)


def in_the_patch(maps):
    """Share of the mean map that lies in the patch, or one pixel beside it."""
    near = np.zeros_like(PATCH)
    near[8:15, 1:8] = True
    mean = maps.mean(axis=0)
    return mean[near].sum() / mean.sum(), near.mean()


def test_maps_lie_where_the_class_is_told(patched):
    model, samples, y = patched
    assert (model.predict(samples) == y).mean() > 0.9
    maps = grad_cam(model, samples)
    assert set(maps) == {"scan"}
    assert maps["scan"].shape == (60, 16, 16)
    # Some networks know class 1 by what it lacks: then its map is empty. So those of four networks together.
    together = sum(grad_cam(patched_network(seed)[0], samples)["scan"][y == 1] for seed in range(4))
    share, area = in_the_patch(together)
    assert share > 1.5 * area
    share, area = in_the_patch(np.abs(integrated_gradients(model, samples)["scan"][:, 0]))
    assert share > 2 * area


def test_maps_of_other_weights_are_other_maps(patched):
    model, samples, y = patched
    before = grad_cam(model, samples, classes=y)["scan"]
    other = deepcopy(model)
    torch.manual_seed(1)
    for module in other.networks_["early"].modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    after = grad_cam(other, samples, classes=y)["scan"]
    told = before.std(axis=(1, 2)) * after.std(axis=(1, 2)) > 0
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(before[told], after[told], strict=True)]
    assert told.any()
    assert np.median(np.abs(alike)) < 0.7


def test_networks_share_their_maps_and_rows_without_the_modality_have_none(patched):
    _, samples, y = patched
    gone = np.arange(60) % 4 == 0
    scan, noise = samples.modalities
    partly = Samples([Modality("scan", "image", scan.values, present=~gone), noise])
    model = NeuralHybrid(max_epochs=4, early_weight=0.25).fit(partly, y)
    maps = grad_cam(model, partly, classes=y)["scan"]
    assert not maps[gone].any()
    parts = {}
    for kept in ("early", "scan"):
        alone = deepcopy(model)
        alone.networks_ = {kept: model.networks_[kept]}
        alone.late_weights_ = {kept: 1.0}
        parts[kept] = grad_cam(alone, partly, classes=y)["scan"]
    # Weights 1/4, 3/8 and 3/8, of the early network, the image's and the table's.
    expected = 0.25 * parts["early"] + 0.375 * parts["scan"]
    np.testing.assert_allclose(maps[~gone], expected[~gone], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("sides", [(12, 10), (6, 7, 6)], ids=["2D", "3D"])
def test_monai_gives_the_same_maps(sides):
    visualize = pytest.importorskip("monai.visualize")

    class Single(nn.Module):
        """MONAI hands over one tensor."""

        def __init__(self):
            super().__init__()
            self.network = Averaged(sides)

        def forward(self, scan):
            return self.network({"scan": scan})

    network = Single()
    scan = torch.randn(3, 2, *sides)
    oracle = visualize.GradCAM(
        network,
        "network.encoder.body.pool",
        upsampler=lambda shape: nn.Identity(),
        postprocessing=lambda maps: maps,
    )
    torch.testing.assert_close(network.network.map(scan, 1)[1], oracle(scan, class_idx=1)[:, 0])
