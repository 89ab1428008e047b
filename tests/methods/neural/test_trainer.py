"""The trainer: best epoch restored, subjects kept apart, reproducible, weighted classes, divergence told."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.methods.neural.trainer import (  # noqa: E402
    CrossEntropy,
    DivergenceError,
    Training,
    balanced_weights,
    seeded,
    torch_device,
    train,
    validation_split,
)

CPU = torch.device("cpu")


class Arrays:
    """Batches from tensors in memory."""

    def __init__(self, **tensors):
        self.tensors, self.device, self.most_rows = tensors, CPU, 10_000

    def batch(self, rows):
        return {name: tensor[rows] for name, tensor in self.tensors.items()}


class Net(nn.Module):
    def __init__(self, width=3, hidden=16, n_classes=2, dropout=0.2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_classes)
        )

    def forward(self, batch):
        return self.layers(batch["x"])


def blobs(n=200, seed=0, flip=0.2):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3)) + 1.5 * y[:, None]
    y = np.where(rng.random(n) < flip, 1 - y, y)
    return Arrays(x=torch.tensor(x, dtype=torch.float32), y=torch.tensor(y)), y


def fit(source, n=200, seed=0, loss=None, net_seed=0, **settings):
    with seeded(net_seed, CPU):
        net = Net()
    rows = np.arange(n)
    loss = loss or CrossEntropy("y")
    history = train(net, source, rows[: n // 2], rows[n // 2 :], loss, Training(**settings), seed=seed)
    return net, history


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
    settings = Training(learning_rate=0.01, weight_decay=0.3, max_epochs=1, batch_size=40, clip_norm=0.5)
    train(net, source, np.arange(40), np.arange(40), CrossEntropy("y"), settings, seed=0)
    decayed = [p for p in twin.parameters() if p.ndim > 1]
    plain = [p for p in twin.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.3}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=0.01)
    nn.functional.cross_entropy(twin(source.tensors), source.tensors["y"]).backward()
    nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
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


def test_schedule_scales_the_learning_rate():
    source, _ = blobs()
    with seeded(0, CPU):
        net, start = Net(), Net()
    start.load_state_dict(net.state_dict())
    rows = np.arange(200)
    train(net, source, rows, rows, CrossEntropy("y"), Training(max_epochs=3), seed=0, schedule=lambda done: 0.0)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), start.parameters(), strict=True))


def test_divergence_is_an_error_with_a_reason():
    source, _ = blobs()
    with pytest.raises(DivergenceError, match=r"epoch \d+.*cross_entropy.*learning rate.*smaller learning rate"):
        fit(source, learning_rate=1e38, max_epochs=50)


def test_balanced_weights_count_every_class_alike():
    codes = np.array([0] * 8 + [2] * 2)
    weights = balanced_weights(codes, 3, CPU)
    np.testing.assert_allclose(weights.numpy(), [10 / 16, 0.0, 10 / 4])
    assert weights[codes].mean() == pytest.approx(1.0)


def test_class_weights_raise_the_share_of_the_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(np.int64)
    source = Arrays(x=torch.tensor(rng.normal(size=(600, 3)), dtype=torch.float32), y=torch.tensor(y))
    shares = []
    for weights in (None, balanced_weights(y, 2, CPU)):
        net, _ = fit(source, n=600, loss=CrossEntropy("y", weights), max_epochs=30)
        with torch.no_grad():
            shares.append(float(net(source.tensors).softmax(1)[:, 1].mean()))
    # There is nothing to learn but the prior: kept without weights, made one half with them.
    assert shares[0] == pytest.approx(0.1, abs=0.05)
    assert shares[1] == pytest.approx(0.5, abs=0.1)


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
