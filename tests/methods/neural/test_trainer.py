"""The trainer: best epoch restored, subjects kept apart, reproducible, schedules, sampling, divergence told."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.methods.neural.batches import Dealer, Mixing, validation_split  # noqa: E402
from fusebench.methods.neural.devices import deterministic, seeded, torch_device  # noqa: E402
from fusebench.methods.neural.losses import SHARE, WEIGHT, CrossEntropy, balanced_weights, other_key  # noqa: E402
from fusebench.methods.neural.noise import Dropout  # noqa: E402
from fusebench.methods.neural.trainer import Learner, train  # noqa: E402
from fusebench.methods.neural.training import DivergenceError, Training  # noqa: E402

CPU = torch.device("cpu")


class Arrays:
    """Batches from tensors in memory."""

    def __init__(self, **tensors):
        self.resident, self.on_disk, self.device, self.most_rows = tensors, {}, CPU, 10_000

    def batch(self, rows):
        return {name: tensor[rows] for name, tensor in self.resident.items()}


class Net(nn.Module):
    def __init__(self, width=3, hidden=16, n_classes=2, dropout=0.2):
        super().__init__()
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, n_classes)
        self.dropout = Dropout(dropout)

    def forward(self, batch):
        return self.second(self.dropout(self.first(batch["x"]).relu(), batch))


def blobs(n=200, seed=0, flip=0.2):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3)) + 1.5 * y[:, None]
    y = np.where(rng.random(n) < flip, 1 - y, y)
    return Arrays(x=torch.tensor(x, dtype=torch.float32), y=torch.tensor(y)), y


def learner(source, n=200, seed=0, loss=None, net_seed=0, net=None, rows=None, validation=None, more=None, **settings):
    with seeded(net_seed, CPU):
        net = net or Net()
    rows = np.arange(n // 2) if rows is None else rows
    validation = np.arange(n // 2, n) if validation is None else validation
    return Learner(net, source, rows, validation, loss or CrossEntropy("y"), Training(**settings), seed, **(more or {}))


def fit(source, **settings):
    one = learner(source, **settings)
    (history,) = train([one])
    if isinstance(history, DivergenceError):
        raise history
    return one.module, history


def held_out_loss(net, source, n=200):
    batch = source.batch(torch.arange(n // 2, n))
    with torch.no_grad():
        return float(nn.functional.cross_entropy(net(batch), batch["y"]))


def test_early_stopping_restores_the_best_epoch():
    source, _ = blobs()
    # Enough epochs and patience to overfit noisy labels badly, so that the last epoch is worse than the best.
    net, history = fit(source, learning_rate=0.02, max_epochs=80, patience=80, weight_decay=0.0)
    curve = history.loss("validation")
    assert len(curve) == len(history.loss("train")) == 80
    assert history.best_epoch == curve.argmin() < 79
    assert curve[-1] > curve.min() + 0.01
    assert held_out_loss(net, source) == pytest.approx(curve.min(), abs=1e-6)
    assert not net.training


def test_patience_ends_training_and_counts_from_the_last_progress():
    source, _ = blobs()
    _, history = fit(source, learning_rate=0.02, max_epochs=200, patience=5, weight_decay=0.0)
    curve = history.loss("validation")
    assert len(curve) < 60
    mark = curve[0]
    last = 0
    for epoch, value in enumerate(curve):
        if value < 0.99 * mark:
            mark, last = value, epoch
    assert len(curve) - 1 - last == 5


def test_training_does_not_depend_on_torchs_global_generator_and_leaves_it_alone():
    source, _ = blobs()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, history = fit(source, max_epochs=8)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    torch.rand(1234)
    second, again = fit(source, max_epochs=8)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert history == again
    other, _ = fit(source, max_epochs=8, seed=1)
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_optimiser_equals_torchs_adamw():
    source, _ = blobs(n=40)
    with seeded(3, CPU):
        net, twin = Net(dropout=0.0), Net(dropout=0.0)
    twin.load_state_dict(net.state_dict())
    # Two steps, since the first one of Adam hardly depends on the gradient's size; the best of two epochs is the last.
    settings = {"learning_rate": 0.01, "weight_decay": 0.3, "max_epochs": 2, "batch_size": 40, "clip_norm": 0.3}
    _, history = fit(source, net=net, rows=np.arange(40), validation=np.arange(40), **settings)
    assert history.best_epoch == 1
    decayed = [p for p in twin.parameters() if p.ndim > 1]
    plain = [p for p in twin.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.3}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=0.01, eps=1e-6)
    for _ in range(2):
        optimiser.zero_grad()
        nn.functional.cross_entropy(twin(source.resident), source.resident["y"]).backward()
        assert nn.utils.clip_grad_norm_(twin.parameters(), 0.3) > 0.3
        optimiser.step()
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_loss_may_have_parts_and_early_stopping_may_watch_one():
    source, _ = blobs()

    def loss(logits, batch):
        return {**CrossEntropy("y")(logits, batch), "size": 0.01 * logits.square().mean()}

    _, history = fit(source, loss=loss, max_epochs=10, patience=10, monitor="cross_entropy")
    assert set(history.validation[0]) == {"cross_entropy", "size"}
    assert history.best_epoch == history.loss("validation", "cross_entropy").argmin()
    total = [sum(terms.values()) for terms in history.train]
    assert history.loss("train").tolist() == total


def test_schedules_by_hand():
    assert Training(learning_rate=2.0).rate(0.9) == 2.0
    cosine = Training(learning_rate=2.0, schedule="cosine", warm_up_share=0.2)
    assert [cosine.rate(done) for done in (0.0, 0.1, 0.2)] == [0.0, 1.0, 2.0]
    assert cosine.rate(0.6) == pytest.approx(1.0)
    assert cosine.rate(0.999) < 1e-4
    for settings, match in (({"schedule": "steps"}, "constant, cosine"), ({"warm_up_share": 1.0}, "below 1")):
        with pytest.raises(DataError, match=match):
            Training(**settings)


def test_the_schedule_scales_every_step():
    source, _ = blobs()
    # Nearly all of the training is the rise of the rate from zero: then the first epoch hardly moves.
    net, start = Net(), Net()
    start.load_state_dict(net.state_dict())
    settings = {"schedule": "cosine", "warm_up_share": 0.999, "learning_rate": 1e-3, "weight_decay": 0.0}
    fit(source, net=net, max_epochs=1, batch_size=50, **settings)
    moved = [(a - b).abs().max().item() for a, b in zip(net.parameters(), start.parameters(), strict=True)]
    # Two steps, at rates 0 and half of the full one; Adam's steps are at most about the rate.
    assert 0.0 < max(moved) < 0.6e-3


def test_divergence_is_an_error_with_a_reason():
    source, _ = blobs()
    with pytest.raises(DivergenceError, match=r"epoch \d+.*cross_entropy.*learning rate.*smaller learning rate"):
        fit(source, learning_rate=1e38, max_epochs=50)


def test_class_weights_and_balanced_sampling_raise_the_share_of_the_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(np.int64)
    weight = balanced_weights(y)
    x = torch.tensor(rng.normal(size=(600, 3)), dtype=torch.float32)
    source = Arrays(x=x, y=torch.tensor(y), w=torch.tensor(weight))
    rows = {"rows": np.arange(600), "validation": np.arange(600), "max_epochs": 30}
    shares = []
    sampling = {"chances": weight / weight.sum(dtype=np.float64), "counts": weight}
    for case in ({}, {"loss": CrossEntropy("y", "w")}, {"more": sampling}):
        net, _ = fit(source, **rows, **case)
        with torch.no_grad():
            shares.append(float(net(source.resident).softmax(1)[:, 1].mean()))
    # There is nothing to learn but the prior: kept as it is, or made one half.
    assert shares[0] == pytest.approx(0.1, abs=0.05)
    assert shares[1] == pytest.approx(0.5, abs=0.1)
    assert shares[2] == pytest.approx(0.5, abs=0.1)


def test_a_hand_deals_every_row_once_in_batches_that_differ_by_one():
    rows = np.arange(100, 171)
    dealer = Dealer(rows, 16, 1000, seed=3)
    assert dealer.counts.sum(1).tolist() == [15, 14, 14, 14, 14]
    first, second = (dealer.deal().rows[dealer.counts > 0] for _ in range(2))
    assert sorted(first) == sorted(second) == rows.tolist()
    assert first.tolist() != second.tolist() != rows.tolist()
    assert np.isin(dealer.deal().rows, rows).all()
    again = Dealer(rows, 16, 1000, seed=3)
    np.testing.assert_array_equal(again.deal().rows[again.counts > 0], first)


@pytest.mark.parametrize(
    ("n", "size", "most", "steps"),
    [
        (20, None, 999, 1),
        (100, None, 999, 3),
        (400, None, 999, 6),
        (1280, None, 999, 20),
        (5000, None, 999, 20),
        (20_000, None, 999, 40),
        (100, 10, 999, 10),
        (100, None, 7, 15),
        (1, None, 1, 1),
    ],
)
def test_how_many_batches(n, size, most, steps):
    dealer = Dealer(np.arange(n), size, most, 0)
    assert dealer.steps == steps
    assert dealer.width <= min(most, size or 512)


def test_balanced_chances_deal_all_classes_alike():
    codes = np.array([0] * 900 + [1] * 100)
    chances = balanced_weights(codes) / 1000.0
    dealer = Dealer(np.arange(1000), None, 1000, 0, chances=chances / chances.sum(dtype=np.float64))
    drawn = np.concatenate([codes[dealer.deal().rows[dealer.counts > 0]] for _ in range(10)])
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)


def test_mix_up_by_hand():
    batch = {"x": torch.tensor([[1.0], [3.0]]), "here": torch.tensor([[0.0], [0.0]]), "y": torch.tensor([0, 1])}
    other = {"x": torch.tensor([[5.0], [7.0]]), "here": torch.tensor([[1.0], [0.0]]), "y": torch.tensor([1, 1])}
    mixed = Mixing(frozenset({"x"}), frozenset({"here"}))(batch, other, torch.tensor([0.25, 1.0]))
    assert mixed["x"].tolist() == [[4.0], [3.0]]
    assert mixed["here"].tolist() == [[1.0], [0.0]]
    assert (mixed["y"].tolist(), mixed[other_key("y")].tolist()) == ([0, 1], [1, 1])
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    log = logits.log_softmax(1)
    expected = -(0.25 * log[0, 0] + 0.75 * log[0, 1] + log[1, 1]) / 2
    torch.testing.assert_close(CrossEntropy("y")(logits, mixed)["cross_entropy"], expected)


def test_mix_up_trains_on_mixtures_and_is_watched_on_rows():
    source, _ = blobs()
    seen = []

    def loss(logits, batch):
        seen.append((SHARE in batch, batch[WEIGHT].sum().item()))
        return CrossEntropy("y")(logits, batch)

    fit(source, loss=loss, max_epochs=1, mix_up=0.4, more={"mixing": Mixing(frozenset({"x"}))})
    assert seen == [(True, 34.0), (True, 33.0), (True, 33.0), (False, 100.0)]


def test_deterministic_mode_is_left_as_it_was_found():
    assert not torch.are_deterministic_algorithms_enabled()
    source, _ = blobs()

    def loss(logits, batch):
        assert torch.are_deterministic_algorithms_enabled()
        return CrossEntropy("y")(logits, batch)

    fit(source, loss=loss, max_epochs=1, deterministic=True)
    with pytest.raises(RuntimeError, match="inside"), deterministic(True):
        raise RuntimeError("inside")
    assert not torch.are_deterministic_algorithms_enabled()


def test_options_for_a_gpu_change_nothing_on_a_cpu():
    source, _ = blobs()
    plain, _ = fit(source, max_epochs=2)
    same, _ = fit(source, max_epochs=2, mixed_precision=True, compiled=True)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), same.parameters(), strict=True))


def test_validation_rows_share_no_subject_with_training_rows():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, 120)
    codes = (groups % 2).astype(np.int64)
    kept, held = validation_split(codes, groups, 5, 0)
    assert sorted([*kept, *held]) == list(range(120))
    assert not set(groups[kept]) & set(groups[held])
    assert 0.1 < len(held) / 120 < 0.35
    assert set(codes[held]) == {0, 1}


def test_a_rare_class_does_not_make_the_validation_part_larger():
    codes = np.array([0] * 60 + [1] * 38 + [2] * 2)
    kept, held = validation_split(codes, np.arange(100), 5, 0)
    assert len(held) == 20
    assert len(kept) == 80


def test_a_single_subject_is_watched_on_its_own_rows():
    kept, held = validation_split(np.array([0, 1, 1]), np.zeros(3), 5, 0)
    assert kept.tolist() == held.tolist() == [0, 1, 2]


def test_a_device_that_is_not_there_is_told():
    assert torch_device("cpu").type == "cpu"
    with pytest.raises(DataError, match="unknown; use 'cpu' or 'cuda'"):
        torch_device("toaster")
    with pytest.raises(DataError, match="unknown"):
        torch_device("meta")
    if not torch.cuda.is_available():
        with pytest.raises(DataError, match="sees no GPU; use 'cpu'"):
            torch_device("cuda")
