"""Losses: means by weight, class weights, mixed labels, and the same under vmap as in a loop."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.methods.neural.losses import SHARE, WEIGHT, CrossEntropy, balanced_weights, other_key  # noqa: E402


def example(n=7, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((n, classes), generator=generator), torch.randint(classes, (n,), generator=generator)


def value(loss, logits, batch):
    (name, found), *rest = loss(logits, batch).items()
    assert (name, rest) == ("cross_entropy", [])
    return found


def test_cross_entropy_equals_torchs():
    logits, y = example()
    torch.testing.assert_close(value(CrossEntropy("y"), logits, {"y": y}), nn.functional.cross_entropy(logits, y))


def test_rows_that_only_fill_up_have_no_influence_on_value_or_gradient():
    logits, y = example()
    padded = torch.cat([logits, torch.full((2, 3), 50.0)]).requires_grad_()
    batch = {"y": torch.cat([y, y[:2]]), WEIGHT: torch.tensor([1.0] * 7 + [0.0] * 2)}
    found = value(CrossEntropy("y"), padded, batch)
    torch.testing.assert_close(found, nn.functional.cross_entropy(logits, y))
    found.backward()
    assert (padded.grad[7:] == 0).all()
    assert (padded.grad[:7] != 0).all()


def test_a_batch_of_nothing_but_filling_is_zero():
    logits, y = example()
    assert value(CrossEntropy("y"), logits, {"y": y, WEIGHT: torch.zeros(7)}) == 0.0


def test_class_weights_are_divided_by_rows():
    logits, y = example()
    weights = torch.tensor([0.5, 2.0, 1.0])
    each = nn.functional.cross_entropy(logits, y, reduction="none")
    batch = {"y": y, "w": weights[y]}
    torch.testing.assert_close(value(CrossEntropy("y", "w"), logits, batch), (weights[y] * each).mean())


def test_mixed_labels_bring_their_own_class_weights():
    logits, y = example()
    other, share = y.flip(0), torch.linspace(0, 1, 7)
    weights = torch.tensor([0.5, 2.0, 1.0])
    batch = {"y": y, "w": weights[y], SHARE: share, other_key("y"): other, other_key("w"): weights[other]}
    own = weights[y] * nn.functional.cross_entropy(logits, y, reduction="none")
    mate = weights[other] * nn.functional.cross_entropy(logits, other, reduction="none")
    torch.testing.assert_close(value(CrossEntropy("y", "w"), logits, batch), (share * own + (1 - share) * mate).mean())


def test_losses_under_vmap_equal_a_loop():
    many = [example(seed=k) for k in range(4)]
    batches = [
        {"y": y, other_key("y"): y.flip(0), SHARE: torch.rand(7), WEIGHT: (torch.arange(7) < 7 - k).float()}
        for k, (_, y) in enumerate(many)
    ]
    loss = CrossEntropy("y")
    stacked = {key: torch.stack([batch[key] for batch in batches]) for key in batches[0]}
    found = torch.vmap(loss)(torch.stack([logits for logits, _ in many]), stacked)["cross_entropy"]
    looped = torch.stack([value(loss, logits, batch) for (logits, _), batch in zip(many, batches, strict=True)])
    torch.testing.assert_close(found, looped)


def test_balanced_weights_count_every_class_alike():
    codes = np.array([0] * 8 + [2] * 2)
    weights = balanced_weights(codes)
    np.testing.assert_allclose(weights, [10 / 16] * 8 + [10 / 4] * 2)
    assert weights.mean() == pytest.approx(1.0)


def test_equal_losses_are_equal_so_that_their_networks_may_train_together():
    assert CrossEntropy("y", "w") == CrossEntropy("y", "w")
    assert CrossEntropy("y") != CrossEntropy("y", "w")
