"""Absent modalities: exactly neutral in whole networks, and better left out than filled in with the mean."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.attention import NeuralAttention  # noqa: E402
from fusebench.methods.neural.concat import NeuralConcat  # noqa: E402
from fusebench.methods.neural.cross_attention import NeuralCrossAttention  # noqa: E402
from fusebench.methods.neural.decision import NeuralDecision  # noqa: E402
from fusebench.methods.neural.gated import NeuralGated  # noqa: E402
from fusebench.methods.neural.inputs import present_key  # noqa: E402
from fusebench.methods.neural.lowrank import NeuralLowRank  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402
from fusebench.methods.neural.tensor import NeuralTensor  # noqa: E402

NETWORKS = [
    NeuralAdditive,
    NeuralConcat,
    NeuralTensor,
    NeuralLowRank,
    NeuralGated,
    NeuralAttention,
    NeuralCrossAttention,
    NeuralDecision,
]
SHAPES = {"image": Shape("image", (1, 8, 8)), "note": Shape("text", (8,), words=16), "table": Shape("table", (3,))}


def every_point():
    for cls in NETWORKS:
        for point in ("feature", "intermediate", "decision"):
            if cls is not NeuralDecision or point == "decision":
                yield pytest.param(cls, point, id=f"{cls.card.name} at {point}")


@pytest.mark.parametrize("gone", SHAPES)
@pytest.mark.parametrize(("cls", "point"), list(every_point()))
def test_an_absent_modality_is_exactly_neutral(cls, point, gone):
    torch.manual_seed(0)
    network = cls(point=point, hidden=8)._network(SHAPES, 2)
    here = torch.tensor([[1.0], [0.0], [0.0]])
    words = torch.randint(1, 16, (3, 8))
    logits, gradients = [], []
    for _ in range(2):  # the second time other things stand in its place
        batch = {"image": torch.ones(3, 1, 8, 8), "note": words, "table": torch.ones(3, 3), present_key(gone): here}
        noise = torch.randint(0, 16, (3, 8)) if gone == "note" else torch.randn(3, *SHAPES[gone].dims)
        batch[gone] = torch.where(here.view(-1, *[1] * (noise.ndim - 1)) > 0, batch[gone], noise)
        network.zero_grad()
        logits.append(network(batch))
        logits[-1][1:].square().sum().backward()
        gradients.append({name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None})
    torch.testing.assert_close(*logits, rtol=0, atol=0)
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)
        if name.startswith(f"encoders.{list(SHAPES).index(gone)}."):
            assert (gradient == 0).all()  # rows that lack a modality teach its encoder nothing


def speaking_mean(n, seed):
    """The mean of "strong" speaks for class 1: class 0 lies at both sides of it; "weak" tells in three rows of four."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    strong = rng.normal(scale=0.3, size=(n, 1)) + np.where(y == 1, 0, rng.choice([-2.0, 2.0], n))[:, None]
    weak = rng.normal(size=(n, 1)) + 1.35 * (y[:, None] - 0.5)
    return {"strong": strong, "weak": weak}, y


@pytest.mark.parametrize("cls", [cls for cls in NETWORKS if cls is not NeuralAdditive], ids=lambda cls: cls.card.name)
def test_leaving_out_beats_the_mean_of_a_modality_that_all_test_rows_lack(cls):
    arrays, y = speaking_mean(600, 0)
    model = cls(modality_dropout=0.3).fit(Samples.from_arrays(arrays), y)
    arrays, y = speaking_mean(2000, 1)
    mean = {**arrays, "strong": np.zeros((2000, 1))}
    tables = [
        Modality(name, "table", values, present=np.full(2000, name != "strong")) for name, values in arrays.items()
    ]
    imputed, left_out = (
        np.mean(model.predict(samples) == y) for samples in (Samples.from_arrays(mean), Samples(tables))
    )
    assert left_out > 0.68  # the weak modality alone: Phi(1.35 / 2) = 0.75
    assert imputed < 0.65
    assert np.mean(model.predict(Samples.from_arrays(arrays)) == y) > 0.97  # and with both nothing is lost


def test_modality_dropout_teaches_a_network_to_do_without():
    arrays, y = speaking_mean(600, 0)
    train = Samples.from_arrays(arrays)
    arrays, truth = speaking_mean(2000, 1)
    test = Samples.from_arrays(arrays).hide(["strong"])
    losses = []
    for share in (0.0, 0.3):
        proba = NeuralTensor(modality_dropout=share).fit(train, y).predict_proba(test)
        losses.append(-np.log(proba[np.arange(2000), truth]).mean())
    assert losses[1] < losses[0] - 0.1
