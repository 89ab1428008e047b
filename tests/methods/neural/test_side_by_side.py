"""Rows of several networks one after another: each network's rows get what the network gives them alone."""

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.fusion import FusionNetwork  # noqa: E402
from fusebench.methods.neural.inputs import graph_key, present_key  # noqa: E402
from fusebench.methods.neural.losses import WEIGHT, CrossEntropy, row_mean  # noqa: E402
from fusebench.methods.neural.noise import NOISE, Dropout, streams, uniform  # noqa: E402
from fusebench.methods.neural.operators.additive import joined  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402
from fusebench.methods.neural.side_by_side import (  # noqa: E402
    Embedding,
    LayerNorm,
    Linear,
    by_network,
    is_narrow,
    runs_side_by_side,
)
from fusebench.methods.registry import method_registry  # noqa: E402

NETWORKS, ROWS = 3, 5
LOSS = CrossEntropy("<label>")
FUSION = [
    (name, point)
    for name in method_registry().names()
    if name.startswith("neural-")
    for point in (("decision",) if name == "neural-decision" else ("feature", "intermediate"))
]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def in_rows(modules: list[nn.Module]) -> nn.Module:
    """The first module, with the parameters and buffers of all in a dimension of their own."""
    own = [{**dict(m.named_parameters()), **dict(m.named_buffers())} for m in modules]
    for name in own[0]:
        place, _, key = name.rpartition(".")
        kept = modules[0].get_submodule(place)
        slots = kept._parameters if key in kept._parameters else kept._buffers
        slots[key] = nn.Parameter(torch.stack([tensors[name].detach() for tensors in own]), requires_grad=False)
    return modules[0]


@pytest.mark.parametrize("shape", [(ROWS, 4), (ROWS, 7, 4), (ROWS, 2, 7, 4)], ids=["vectors", "tokens", "heads"])
@pytest.mark.parametrize(
    "make",
    [lambda: Linear(4, 20), lambda: Linear(4, 2), lambda: Linear(4, 20, bias=False), lambda: Linear(4, 2, bias=False)],
    ids=["wide", "narrow", "wide, no bias", "narrow, no bias"],
)
def test_linear_maps(shape, make):
    modules = [make() for _ in range(NETWORKS)]
    values = [torch.randn(shape) for _ in modules]
    expected = torch.cat([m(v) for m, v in zip(modules, values, strict=True)])
    torch.testing.assert_close(in_rows(modules)(torch.cat(values)), expected)


def test_narrow_maps_have_few_results_and_fewer_than_numbers():
    assert [is_narrow(torch.zeros(b, a)) for b, a in ((2, 3), (16, 17), (17, 100), (3, 3), (3, 2))] == [1, 1, 0, 0, 0]
    assert is_narrow(torch.zeros(7, 2, 3))


def test_a_linear_map_reads_columns_of_a_wider_table():
    modules = [Linear(4, 2) for _ in range(NETWORKS)]
    table = torch.randn(NETWORKS * ROWS, 9)
    expected = torch.cat([m(v[:, 2:6]) for m, v in zip(modules, table.split(ROWS), strict=True)])
    torch.testing.assert_close(in_rows(modules)(table[:, 2:6]), expected)


def test_norms_and_embeddings():
    norms = [LayerNorm(4) for _ in range(NETWORKS)]
    for norm in norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    values = [torch.randn(ROWS, 3, 4) for _ in norms]
    plain = nn.LayerNorm(4)
    plain.load_state_dict(norms[1].state_dict())
    torch.testing.assert_close(norms[1](values[1]), plain(values[1]))
    expected = torch.cat([m(v) for m, v in zip(norms, values, strict=True)])
    torch.testing.assert_close(in_rows(norms)(torch.cat(values)), expected)
    words = [Embedding(6, 4) for _ in range(NETWORKS)]
    texts = [torch.randint(0, 6, (ROWS, 3)) for _ in words]
    expected = torch.cat([m(v) for m, v in zip(words, texts, strict=True)])
    torch.testing.assert_close(in_rows(words)(torch.cat(texts)), expected)


def test_a_function_of_rows_and_what_is_a_networks_own():
    values, own = torch.randn(NETWORKS * ROWS, 2, 4), torch.randn(NETWORKS, 4)
    found = by_network(Tensor.add, values, own, 1)
    for k in range(NETWORKS):
        torch.testing.assert_close(found[k * ROWS : (k + 1) * ROWS], values[k * ROWS : (k + 1) * ROWS] + own[k])
    torch.testing.assert_close(by_network(Tensor.add, values, own[0], 1), values + own[0])


def test_noise_is_each_networks_own():
    noise = streams(torch.arange(NETWORKS), 2)
    found = uniform(noise, 1, (NETWORKS * ROWS, 4))
    torch.testing.assert_close(found, torch.cat([uniform(own, 1, (ROWS, 4)) for own in noise]))
    layers = [Dropout(share) for share in (0.1, 0.5, 0.9)]
    values = torch.randn(NETWORKS * ROWS, 4)
    rows = zip(layers, values.split(ROWS), noise, strict=True)
    expected = torch.cat([layer(v, {NOISE: own}) for layer, v, own in rows])
    torch.testing.assert_close(in_rows(layers)(values, {NOISE: noise}), expected)


def test_means_over_rows_are_each_networks_own():
    values, weight = torch.randn(NETWORKS * ROWS), torch.rand(NETWORKS, ROWS)
    found = row_mean(values, {WEIGHT: weight})
    expected = [row_mean(v, {WEIGHT: w}) for v, w in zip(values.split(ROWS), weight, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected))


SHAPES = {
    "table": Shape("table", (4,)),
    "note": Shape("text", (6,), words=9),
    "wave": Shape("signal", (2, 12)),
    "scan": Shape("image", (1, 8, 8)),
    "regions": Shape("roi", (5, 3), graph="links"),
    "links": Shape("connectivity", (5, 5)),
}
ENCODERS = {"wave": "gru", "scan": "vit", "table": {"name": "mlp", "dropout": 0.2}}


def some_batch() -> dict[str, Tensor]:
    batch = {name: torch.rand(NETWORKS, ROWS, *shape.dims) for name, shape in SHAPES.items()}
    batch["note"] = torch.randint(0, 9, (NETWORKS, ROWS, 6))
    batch["links"] = batch["links"] + batch["links"].mT
    batch[graph_key("links")] = batch["links"]
    batch[present_key("wave")] = (torch.rand(NETWORKS, ROWS, 1) < 0.7).float()
    batch["<label>"] = torch.randint(0, 3, (NETWORKS, ROWS))
    return {**batch, WEIGHT: torch.rand(NETWORKS, ROWS), NOISE: streams(torch.arange(NETWORKS), 40)}


@pytest.mark.parametrize(("name", "point"), FUSION)
def test_every_fusion_network_over_every_encoder_but_convolutions(name, point):
    cls = method_registry().get(name).load()
    settings = {"code_width": 1} if name == "neural-tensor" else {}
    method = cls(hidden=6, encoders=ENCODERS, point=point, modality_dropout=0.3, **settings)
    networks = [method._network(SHAPES, 3) for _ in range(NETWORKS)]
    assert runs_side_by_side(networks[0], LOSS)
    batch = some_batch()
    each = [{key: t[k] for key, t in batch.items()} for k in range(NETWORKS)]
    expected = [LOSS(network(own), own)["cross_entropy"] for network, own in zip(networks, each, strict=True)]
    rows = {key: t if key in (WEIGHT, NOISE) else t.flatten(0, 1) for key, t in batch.items()}
    found = LOSS(in_rows(networks)(rows), rows)["cross_entropy"]
    torch.testing.assert_close(found, torch.stack(expected))


def test_what_does_not_say_so_goes_by_vmap():
    method = NeuralAdditive(hidden=6)
    network = method._network({"table": SHAPES["table"]}, 3)
    assert runs_side_by_side(network, LOSS)
    assert not runs_side_by_side(network, lambda logits, batch: {"mean": logits.mean()})
    assert not runs_side_by_side(method._network({"scan": SHAPES["scan"]}, 3), LOSS)  # convolutions
    network.encoders.append(nn.Linear(2, 2))
    assert not runs_side_by_side(network, LOSS)


def test_a_subclass_must_say_so_itself():
    class Averaging(FusionNetwork):
        def forward(self, batch):
            return super().forward(batch) - super().forward(batch).mean(0)

    network = NeuralAdditive(hidden=6)._network({"table": SHAPES["table"]}, 3)
    network.__class__ = Averaging
    assert not runs_side_by_side(network, LOSS)


# Columns that lie side by side already


def test_neighbouring_columns_are_joined_without_a_copy():
    table = torch.randn(ROWS, 9)
    parts = table[:, 1:].split([3, 1, 4], dim=1)
    both = joined(parts)
    torch.testing.assert_close(both, table[:, 1:])
    assert both.data_ptr() == parts[0].data_ptr()


def test_all_else_is_copied():
    table = torch.randn(ROWS, 9)
    first, second, third = table.split([3, 2, 4], dim=1)
    for parts in ([second, first, third], [first, third], [first, second.clone()], [first, second * 1.0, third]):
        both = joined(parts)
        torch.testing.assert_close(both, torch.cat(parts, dim=1), rtol=0, atol=0)
        assert both.data_ptr() != parts[0].data_ptr()
    asked = table.clone().requires_grad_()
    joined(asked.split([3, 2, 4], dim=1)).sum().backward()
    torch.testing.assert_close(asked.grad, torch.ones_like(table))
    found = torch.vmap(lambda t: joined(t.split([3, 2, 4], dim=1)))(torch.stack([table, 2 * table]))
    torch.testing.assert_close(found, torch.stack([table, 2 * table]))
