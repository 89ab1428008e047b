"""Training side by side: the numbers of one by one, whatever the neighbours are and whenever they leave."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural import trainer  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.attention import NeuralAttention  # noqa: E402
from fusebench.methods.neural.concat import NeuralConcat  # noqa: E402
from fusebench.methods.neural.cross_attention import NeuralCrossAttention  # noqa: E402
from fusebench.methods.neural.decision import NeuralDecision  # noqa: E402
from fusebench.methods.neural.devices import seeded  # noqa: E402
from fusebench.methods.neural.gated import NeuralGated  # noqa: E402
from fusebench.methods.neural.hybrid import NeuralHybrid  # noqa: E402
from fusebench.methods.neural.late_mean import NeuralLateMean  # noqa: E402
from fusebench.methods.neural.losses import CrossEntropy  # noqa: E402
from fusebench.methods.neural.lowrank import NeuralLowRank  # noqa: E402
from fusebench.methods.neural.noise import Dropout  # noqa: E402
from fusebench.methods.neural.stack import architecture  # noqa: E402
from fusebench.methods.neural.tensor import NeuralTensor  # noqa: E402
from fusebench.methods.neural.trainer import Learner, stacks, train  # noqa: E402
from fusebench.methods.neural.training import DivergenceError, Training  # noqa: E402

CPU = torch.device("cpu")
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


def tables(n, seed=0, widths=(4, 3), classes=2, holes=True):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    parts = [
        Modality(f"m{i}", "table", rng.normal(size=(n, width)) + y[:, None], present=rng.random(n) > 0.2 * holes)
        for i, width in enumerate(widths)
    ]
    return Samples(parts), y


def both_ways(cls, settings, data):
    """Methods fitted one by one, and side by side."""
    alone = [cls(**own).fit(*rows) for own, rows in zip(settings, data, strict=True)]
    stacked = [cls(**own) for own in settings]
    together = cls.fit_together(stacked, *zip(*data, strict=True))
    assert together.errors == [None] * len(settings)
    return alone, stacked, together


def assert_alike(alone, stacked, samples, atol=1e-5):
    for one, other in zip(alone, stacked, strict=True):
        np.testing.assert_allclose(other.predict_proba(samples), one.predict_proba(samples), rtol=0, atol=atol)
        assert other.history_.keys() == one.history_.keys()
        for name, curve in one.history_.items():
            assert other.history_[name].best_epoch == curve.best_epoch
            np.testing.assert_allclose(other.history_[name].loss(), curve.loss(), rtol=1e-4)
            np.testing.assert_allclose(other.history_[name].loss("train"), curve.loss("train"), rtol=1e-4)


@every_method
def test_side_by_side_equals_one_by_one(cls):
    """Rows, seeds and settings differ, and with them the numbers of batches."""
    settings = [
        {"hidden": 8, "max_epochs": 4, "random_state": 1},
        {"hidden": 8, "max_epochs": 6, "random_state": 2, "learning_rate": 0.02, "dropout": 0.4},
        {"hidden": 8, "max_epochs": 5, "random_state": 3, "weight_decay": 2.0, "batch_size": 16, "clip_norm": 0.5},
    ]
    data = [tables(n, seed) for seed, n in enumerate((50, 71, 60))]
    alone, stacked, together = both_ways(cls, settings, data)
    assert together.stacked == sum(len(method.networks_) for method in stacked)
    assert_alike(alone, stacked, tables(40, 9)[0])


def test_mix_up_schedules_and_both_kinds_of_balance_are_the_same_side_by_side():
    more = {
        "mix_up": 0.4,
        "schedule": "cosine",
        "warm_up_share": 0.2,
        "class_weight": "balanced",
        "modality_dropout": 0.3,
    }
    settings = [{**more, "hidden": 8, "max_epochs": 5, "random_state": i, "sampling": "balanced"} for i in range(3)]
    data = [tables(50 + 7 * i, i, classes=3) for i in range(3)]
    alone, stacked, together = both_ways(NeuralConcat, settings, data)
    assert together.stacked == 3
    assert_alike(alone, stacked, tables(40, 9)[0])


def test_encoders_of_other_kinds_stack_too():
    def rows(seed, n=24):
        rng = np.random.default_rng(seed)
        y = np.arange(n) % 2
        image = rng.normal(size=(n, 1, 8, 8)) + y[:, None, None, None]
        signal = rng.normal(size=(n, 2, 20)) + y[:, None, None]
        texts = np.array([" ".join(rng.permutation(["sun", "rain", "wind", "fog"])[: 2 + k]) for k in y])
        parts = [
            Modality("image", "image", image),
            Modality("signal", "signal", signal),
            Modality("text", "text", texts),
        ]
        return Samples(parts), y

    data = [rows(seed) for seed in range(3)]
    encoders = {"signal": "gru", "image": "vit"}
    settings = [{"hidden": 8, "max_epochs": 3, "random_state": i, "encoders": encoders} for i in range(3)]
    alone, stacked, together = both_ways(NeuralAdditive, settings, data)
    assert together.stacked == 3
    assert_alike(alone, stacked, rows(9)[0])
    # Convolutions gain nothing on a CPU and go one by one.
    settings = [{"hidden": 8, "max_epochs": 1, "random_state": i} for i in range(3)]
    alone, stacked, together = both_ways(NeuralAdditive, settings, data)
    assert together.stacked == 0
    for one, other in zip(alone, stacked, strict=True):
        np.testing.assert_array_equal(one.predict_proba(rows(9)[0]), other.predict_proba(rows(9)[0]))


def test_methods_whose_networks_differ_are_fitted_all_the_same():
    settings = [{"hidden": h, "max_epochs": 3, "random_state": i} for i, h in enumerate((8, 8, 5, 8))]
    data = [tables(50, 0), tables(50, 1), tables(50, 2), tables(50, 3, widths=(4, 3, 2))]
    alone, stacked, together = both_ways(NeuralGated, settings, data)
    assert together.stacked == 2
    assert_alike(alone[:3], stacked[:3], tables(40, 9)[0])
    assert_alike(alone[3:], stacked[3:], tables(40, 9, widths=(4, 3, 2))[0])


def test_little_memory_makes_several_stacks_of_the_same_numbers(monkeypatch):
    settings = [{"hidden": 8, "max_epochs": 4, "random_state": i} for i in range(5)]
    data = [tables(50, i) for i in range(5)]
    monkeypatch.setattr("fusebench.methods.neural.together._MOST_BYTES", 4000)
    alone, stacked, together = both_ways(NeuralAdditive, settings, data)
    assert together.stacked == 4
    assert_alike(alone, stacked, tables(40, 9)[0])


def test_what_one_method_raises_is_its_own():
    data = [tables(40, i) for i in range(4)]
    settings = [{}, {"class_weight": "even"}, {"learning_rate": 1e38}, {}]
    methods = [NeuralAdditive(hidden=8, max_epochs=4, random_state=i, **own) for i, own in enumerate(settings)]
    together = NeuralAdditive.fit_together(methods, *zip(*data, strict=True))
    assert [type(error) for error in together.errors] == [type(None), DataError, DivergenceError, type(None)]
    assert "learning rate 1e+38" in str(together.errors[2])
    alone = [NeuralAdditive(hidden=8, max_epochs=4, random_state=i).fit(*data[i]) for i in (0, 3)]
    assert_alike(alone, [methods[0], methods[3]], tables(40, 9)[0])


# The trainer itself


class Arrays:
    def __init__(self, **tensors):
        self.resident, self.on_disk, self.device, self.most_rows = tensors, {}, CPU, 10_000

    def batch(self, rows):
        return {name: tensor[rows] for name, tensor in self.resident.items()}


class Net(nn.Module):
    def __init__(self, hidden=6, dropout=0.3):
        super().__init__()
        self.first, self.second = nn.Linear(3, hidden), nn.Linear(hidden, 2)
        self.dropout = Dropout(dropout)

    def forward(self, batch):
        return self.second(self.dropout(self.first(batch["x"]).relu(), batch))


def learner(seed, n=60, **settings):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = torch.tensor(rng.normal(size=(n, 3)) + y[:, None], dtype=torch.float32)
    y = np.where(rng.random(n) < 0.3, 1 - y, y)
    with seeded(seed, CPU):
        net = Net()
    split = 2 * n // 3
    settings = Training(**{"max_epochs": 40, "patience": 3, "learning_rate": 0.03, **settings})
    source = Arrays(x=x, y=torch.tensor(y))
    return Learner(net, source, np.arange(split), np.arange(split, n), CrossEntropy("y"), settings, seed)


def same_weights(one, other):
    for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_every_member_stops_early_by_itself_and_keeps_its_best_epoch():
    alone, stacked = ([learner(seed, n=60 + 9 * seed) for seed in range(6)] for _ in range(2))
    curves = train(alone)
    together = train(stacked, [[0, 1, 2, 3, 4, 5]])
    lengths = [len(curve.validation) for curve in curves]
    assert len(set(lengths)) > 2
    assert [len(curve.validation) for curve in together] == lengths
    assert [curve.best_epoch for curve in together] == [curve.best_epoch for curve in curves]
    for a, b in zip(alone, stacked, strict=True):
        same_weights(a, b)


def test_who_has_stopped_leaves_the_stack_and_costs_nothing(monkeypatch):
    sizes = []
    terms = trainer.Networks.terms
    monkeypatch.setattr(trainer.Networks, "terms", lambda self, batch, k: sizes.append(k) or terms(self, batch, k))
    members = [learner(seed, max_epochs=epochs, patience=99, batch_size=10) for seed, epochs in enumerate((2, 4, 1))]
    train(members, [[0, 1, 2]])
    # Each epoch has four steps and one look at the validation rows.
    assert sizes == [3] * 5 + [2] * 5 + [1] * 10


@pytest.mark.parametrize("room", [2, 3])
def test_others_enter_where_there_is_room_for_few(room, monkeypatch):
    monkeypatch.setattr(trainer, "_room", lambda learners: room)
    settings = [
        {"max_epochs": epochs, "batch_size": size} for epochs, size in ((2, 40), (5, 10), (3, 20), (1, 9), (4, 40))
    ]
    alone, stacked = ([learner(seed, patience=99, **own) for seed, own in enumerate(settings)] for _ in range(2))
    curves, together = train(alone), train(stacked, [[0, 1, 2, 3, 4]])
    for a, b, one, other in zip(alone, stacked, curves, together, strict=True):
        assert len(one.validation) == len(other.validation) == a.settings.max_epochs
        same_weights(a, b)


def test_members_with_fewer_batches_rest_while_others_go_on():
    settings = [{"batch_size": 40}, {"batch_size": 7}, {"batch_size": 13}]
    alone, stacked = ([learner(seed, max_epochs=3, **own) for seed, own in enumerate(settings)] for _ in range(2))
    train(alone)
    train(stacked, [[0, 1, 2]])
    for a, b in zip(alone, stacked, strict=True):
        same_weights(a, b)


def test_what_stands_in_rows_that_fill_up_has_no_influence():
    stacked = [learner(0), learner(1, n=50)]
    train(stacked, [[0, 1]])
    changed = [learner(0), learner(1, n=50)]
    # The second network has fewer rows, so that its batches are filled up; only rows of its own may matter.
    changed[0].source.resident["x"][:] = 5.0
    train(changed, [[0, 1]])
    assert all(torch.equal(a, b) for a, b in zip(*(m[1].module.parameters() for m in (stacked, changed)), strict=True))


def test_divergence_leaves_the_neighbours_alone():
    members = [learner(0), learner(1, learning_rate=1e38), learner(2)]
    came = train(members, [[0, 1, 2]])
    assert isinstance(came[1], DivergenceError)
    with pytest.raises(DivergenceError, match=r"epoch \d+.*cross_entropy"):
        raise came[1]
    for seed in (0, 2):
        one = learner(seed)
        assert len(train([one])[0].validation) == len(came[seed].validation)
        same_weights(one, members[seed])


def test_a_loss_of_several_terms_trains_side_by_side():
    def loss(logits, batch):
        return {**CrossEntropy("y")(logits, batch), "size": 0.1 * logits.square().mean()}

    alone, stacked = ([learner(seed, max_epochs=4) for seed in range(3)] for _ in range(2))
    for member in (*alone, *stacked):
        member.loss = loss
    assert stacks(stacked) == [[0, 1, 2]]
    curves, together = train(alone), train(stacked, [[0, 1, 2]])
    for a, b in zip(curves, together, strict=True):
        np.testing.assert_allclose(b.loss("train", "size"), a.loss("train", "size"), rtol=1e-4)


def test_who_may_stack():
    same = [learner(0), learner(1, learning_rate=0.1, max_epochs=3, patience=9)]
    same[1].module = Net(dropout=0.6)
    wider, silent, watching = learner(2), learner(3), learner(4, monitor="cross_entropy")
    wider.module, silent.module = Net(hidden=7), Net(dropout=0.0)
    on_disk = learner(5)
    on_disk.source.on_disk = {"image": None}
    assert stacks([*same, wider, silent, watching, on_disk]) == [[0, 1], [2], [3], [4], [5]]


def test_networks_with_a_state_or_noise_beyond_their_own_do_not_stack():
    for layer in (nn.BatchNorm1d(3), nn.Dropout(0.1), nn.GRU(3, 3)):
        assert architecture(nn.Sequential(nn.Linear(3, 3), layer)) is None
    assert architecture(nn.Sequential(nn.Linear(3, 3), nn.GroupNorm(1, 3))) is not None


@every_method
def test_no_network_of_the_house_normalises_over_a_batch(cls):
    method = cls(hidden=8, max_epochs=1).fit(*tables(30))
    assert all(architecture(network) is not None for network in method.networks_.values())
