"""Noise as a function of seed, stream and position: its statistics, and that it is the same alone and in a stack."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.methods.neural.noise import NOISE, Dropout, name_noise, streams, uniform  # noqa: E402

SHAPE = (200, 300)


def noise(seed, number=4):
    return streams(torch.tensor(seed), number)


def dropped(share, seed, stream=0, shape=SHAPE):
    layer = Dropout(share)
    layer.stream = stream
    return layer(torch.ones(shape), {NOISE: noise(seed)})


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_silences_its_share_and_keeps_the_mean(share):
    values = torch.stack([dropped(share, seed) for seed in range(20)])
    silent = (values == 0).float().mean().item()
    # Three standard deviations of a mean over 1.2 million independent entries.
    assert silent == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / values.numel()))
    np.testing.assert_allclose(values[values != 0], 1 / (1 - share), rtol=1e-6)


def test_dropout_is_independent_across_rows_columns_seeds_and_streams():
    base = (dropped(0.5, 7) == 0).float().numpy() - 0.5
    pairs = {
        "rows": (base[:-1], base[1:]),
        "columns": (base[:, :-1], base[:, 1:]),
        "diagonals": (base[:-1, :-1], base[1:, 1:]),
        "seeds": (base, (dropped(0.5, 8) == 0).float().numpy() - 0.5),
        "streams": (base, (dropped(0.5, 7, stream=1) == 0).float().numpy() - 0.5),
    }
    for name, (a, b) in pairs.items():
        correlation = 4 * float((a * b).mean())
        assert abs(correlation) < 4 / np.sqrt(a.size), name


def test_shares_of_rows_and_columns_vary_as_coins_do():
    kept = (dropped(0.3, 5) != 0).float().numpy()
    for axis, n in ((0, 200), (1, 300)):
        ratio = kept.mean(axis).var() / (0.21 / n)
        assert 0.7 < ratio < 1.3


def test_the_same_seed_gives_the_same_and_more_rows_change_nothing():
    assert torch.equal(dropped(0.4, 3), dropped(0.4, 3))
    assert not torch.equal(dropped(0.4, 3), dropped(0.4, 4))
    taller = dropped(0.4, 3, shape=(250, 300))
    assert torch.equal(taller[:200], dropped(0.4, 3))


def test_extreme_shares():
    assert (dropped(1.0, 1) == 0).all()
    layer, values = Dropout(0.0), torch.randn(3, 4)
    assert layer(values, {NOISE: noise(1)}) is values
    assert Dropout(0.5)(values, {}) is values


def test_a_stack_draws_what_each_network_draws_alone_with_a_share_of_its_own():
    layers = [Dropout(share) for share in (0.1, 0.5, 0.8)]
    values = torch.randn(3, 20, 30)
    seeds = torch.tensor([5, 6, 7])
    base = layers[0]

    def one(lowest, scale, x, drawn):
        base.lowest, base.scale = lowest, scale
        return base(x, {NOISE: drawn})

    own = base.lowest, base.scale
    lowest, scale = (torch.stack([getattr(layer, name) for layer in layers]) for name in ("lowest", "scale"))
    stacked = torch.vmap(one)(lowest, scale, values, streams(seeds, 2))
    base.lowest, base.scale = own
    for k, layer in enumerate(layers):
        assert torch.equal(stacked[k], layer(values[k], {NOISE: noise(int(seeds[k]), 2)}))


def test_uniform_numbers_are_uniform():
    numbers = uniform(noise(11), 2, (500, 400)).numpy().ravel()
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    counts = np.bincount((numbers * 50).astype(int), minlength=50)
    # Chi-squared with 49 degrees of freedom: 99.9 % lie below 85.
    assert ((counts - 4000) ** 2 / 4000).sum() < 85


def test_every_place_of_a_network_gets_a_stream_of_its_own():
    network = nn.Sequential(Dropout(0.1), nn.Linear(2, 2), nn.Sequential(Dropout(0.1), Dropout(0.1)))
    assert name_noise(network) == 3
    assert [m.stream for m in network.modules() if isinstance(m, Dropout)] == [0, 1, 2]
