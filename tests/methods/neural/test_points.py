"""Where modalities meet, modality dropout, shared augmentation, and the whole grid from a suite file."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.benchmarks import read_records, run  # noqa: E402
from fusebench.benchmarks.suite import load_suite  # noqa: E402
from fusebench.datasets.errors import DataError, UnknownNameError  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.augmentation import Augmentation, shifted  # noqa: E402
from fusebench.methods.neural.fusion import FusionNetwork, HideModalities  # noqa: E402
from fusebench.methods.neural.inputs import present_key  # noqa: E402
from fusebench.methods.neural.noise import NOISE, name_noise, streams  # noqa: E402
from fusebench.methods.neural.operators.additive import Additive  # noqa: E402
from fusebench.methods.neural.operators.base import Part  # noqa: E402
from fusebench.methods.neural.operators.decision import MeanLogits  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402

SHAPES = {"image": Shape("image", (1, 16, 16)), "signal": Shape("signal", (2, 40)), "table": Shape("table", (3,))}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def batch(shapes=SHAPES, n=5):
    return {name: torch.randn(n, *shape.dims) for name, shape in shapes.items()}


def noise(seed):
    return streams(torch.tensor(seed), 20)


def network(shapes=SHAPES, operator=None, **settings):
    made = FusionNetwork(
        shapes,
        operator or (lambda widths, tokens, plain: Additive(widths, 6)),
        3,
        **{"hidden": 6, "dropout": 0.0, **settings},
    )
    name_noise(made)
    return made.eval()


# Points


def test_at_the_input_raw_numbers_meet_and_encoders_learn_nothing():
    fusion, made = network(point="input", encoders={"image": "vit"}), batch()
    assert not list(fusion.encoders.parameters())
    raw = [Part(values.flatten(1)) for values in made.values()]
    torch.testing.assert_close(fusion(made), fusion.head(fusion.operators[0](raw, {})))


def test_at_features_the_codes_of_encoders_meet():
    fusion, made = network(), batch()
    codes = [Part(encoder(made)) for encoder in fusion.encoders]
    torch.testing.assert_close(fusion(made), fusion.head(fusion.operators[0](codes, {})))


def test_at_several_levels_what_comes_from_below_is_added_through_a_linear_map():
    fusion, made = network(point="intermediate", levels=2, encoders={"signal": "gru"}), batch()
    image, signal, table = (encoder.levels(made) for encoder in fusion.encoders)
    assert [len(levels) for levels in (image, signal, table)] == [
        2,
        1,
        2,
    ]  # a GRU has one level: it joins at the deepest
    low = fusion.operators[0]([Part(image[0]), Part(table[0])], {})
    high = fusion.operators[1]([Part(image[1]), Part(signal[0]), Part(table[1])], {})
    joint = high + low @ fusion.passed_on[1].weight.T
    torch.testing.assert_close(fusion(made), fusion.head(joint))


def test_one_level_is_fusion_of_features_and_gradients_reach_each_of_several():
    once, feature, made = network(point="intermediate", levels=1), network(point="feature"), batch()
    once.load_state_dict(feature.state_dict())
    torch.testing.assert_close(once(made), feature(made))
    deep = network(point="intermediate", levels=3)
    deep(made).square().sum().backward()
    assert len(deep.operators) == 3
    for operator in deep.operators:
        assert operator.map.weight.grad.abs().max() > 0


def test_at_the_decision_each_modality_decides_alone():
    fusion = network(point="decision", operator=lambda widths, tokens, plain: MeanLogits(len(widths), 3))
    made = batch()
    logits = [decide(encoder(made), {}) for encoder, decide in zip(fusion.encoders, fusion.deciders, strict=True)]
    torch.testing.assert_close(fusion(made), torch.stack(logits).mean(0))


def test_points_encoders_and_shares_that_do_not_exist_are_refused():
    samples = Samples.from_arrays({"a": np.zeros((8, 2)), "b": np.ones((8, 2))})
    y = np.arange(8) % 2
    for settings, error, told in (
        ({"point": "late"}, DataError, "use one of input, feature, intermediate, decision"),
        ({"modality_dropout": 1.0}, DataError, "modality_dropout 1.0: use a share from 0 to below 1"),
        ({"levels": 0}, DataError, "levels 0: use at least 1"),
        ({"encoders": {"c": "mlp"}}, UnknownNameError, "kind or modality"),
    ):
        with pytest.raises(error, match=told):
            NeuralAdditive(**settings).fit(samples, y)


# Modality dropout


def hidden(hide, made, seed):
    found = hide({**made, NOISE: noise(seed)})
    return torch.cat([found[present_key(name)] for name in hide.names], dim=1)


def test_modality_dropout_hides_its_share_and_never_all():
    hide = HideModalities(("a", "b", "c"), 0.4)
    made = {name: torch.zeros(4000, 2) for name in hide.names}
    kept = torch.cat([hidden(hide, made, seed) for seed in range(5)])
    assert kept.sum(1).min() == 1
    # All three are drawn with probability 0.4^3, and one of them then stays.
    assert kept.mean().item() == pytest.approx(0.6 + 0.4**3 / 3, abs=0.01)
    assert kept.mean(0).max() - kept.mean(0).min() < 0.02
    assert (hidden(HideModalities(("a", "b", "c"), 0.99), made, 1).sum(1) >= 1).all()


def test_modality_dropout_leaves_absent_ones_absent_and_the_only_one_there():
    hide = HideModalities(("a", "b", "c"), 0.7)
    made = {name: torch.zeros(500, 2) for name in hide.names}
    here = torch.cat([torch.ones(250, 1), torch.zeros(250, 1)])
    made.update({present_key("b"): here, present_key("c"): here})
    kept = hidden(hide, made, 3)
    assert (kept[250:] == torch.tensor([1.0, 0.0, 0.0])).all()
    assert kept[:250].mean() < 0.6
    nothing = {**made, present_key("a"): torch.zeros(500, 1)}
    assert (hidden(hide, nothing, 3)[250:] == 0).all()


def test_modality_dropout_is_off_at_test_and_what_it_hides_is_absent():
    fusion, made = network(modality_dropout=0.5), batch(n=40)
    torch.testing.assert_close(fusion(made), network_without(fusion)(made))
    noisy = {**made, NOISE: noise(7)}
    presence = fusion.hiding(noisy)
    columns = {present_key(name): presence[present_key(name)] for name in SHAPES}
    torch.testing.assert_close(fusion(noisy), network_without(fusion)({**made, **columns}))
    assert (fusion(noisy) - fusion(made)).abs().max() > 1e-3


def network_without(fusion):
    """The same network without modality dropout."""
    twin = network()
    twin.load_state_dict(fusion.state_dict())
    return twin


# Augmentation


def test_shifts_move_each_row_by_its_own_steps_and_let_zeros_in():
    images = torch.arange(1.0, 13.0).view(2, 1, 2, 3)
    moved = shifted(images, -1, torch.tensor([1, -2]))
    assert moved.tolist() == [[[[0, 1, 2], [0, 4, 5]]], [[[9, 0, 0], [12, 0, 0]]]]
    assert shifted(images, -2, torch.tensor([0, 1])).tolist() == [images[0].tolist(), [[[0, 0, 0], [7, 8, 9]]]]


def test_registered_images_of_a_row_change_alike_and_rows_differ():
    shapes = {"t1": Shape("image", (1, 8, 8)), "t2": Shape("image", (2, 8, 8)), "age": Shape("table", (1,))}
    augment = Augmentation(shapes, flip=True, shift=0.25)
    image = torch.randn(32, 1, 8, 8)
    made = {"t1": image, "t2": torch.cat([image, -image], dim=1), "age": torch.randn(32, 1)}
    changed = augment({**made, NOISE: noise(3)})
    torch.testing.assert_close(changed["t2"], torch.cat([changed["t1"], -changed["t1"]], dim=1))
    assert changed["age"] is made["age"]
    flipped = Augmentation(shapes, flip=True, shift=0.0)({**made, NOISE: noise(3)})["t1"]
    turned = (flipped == image.flip(-1)).flatten(1).all(1)
    assert ((flipped == image).flatten(1).all(1) | turned).all()
    assert 5 < turned.sum() < 27
    assert augment(made) is made  # nothing happens without noise: at test


# From a suite file


@pytest.mark.slow
def test_a_suite_sets_encoders_point_and_levels(tmp_path):
    (tmp_path / "grid.toml").write_text(
        """
        folds = 2
        trials = 1
        inner_folds = 2
        tasks = [{ name = "xor", options = { n = 60 } }]

        [[methods]]
        name = "neural-gated"
        label = "gated at two levels"
        params = { point = "intermediate", max_epochs = 2, encoders = { m1 = "mlp", table = { width = 5 } } }

        [[methods]]
        name = "neural-gated"
        label = "unknown encoder"
        params = { encoders = { m1 = "perceptron" } }
        """
    )
    with run(load_suite(str(tmp_path / "grid.toml")), out=tmp_path / "out", jobs=1) as store:
        outcomes = read_records(store)["outcomes"]
    by_label = outcomes.groupby("label" if "label" in outcomes else "method")
    assert (by_label.get_group("gated at two levels").status == "ok").all()
    refused = by_label.get_group("unknown encoder")
    assert (refused.status == "failed").all()
    assert refused.reason.str.contains("perceptron").all()


def test_every_part_of_a_network_can_be_set():
    rng = np.random.default_rng(0)
    samples = Samples(
        [
            Modality("scan", "image", rng.normal(size=(12, 16, 16))),
            Modality("ecg", "signal", rng.normal(size=(12, 2, 30))),
            Modality("age", "table", rng.normal(size=(12, 2))),
        ]
    )
    encoders = {"image": {"name": "vit", "width": 8, "depth": 1}, "ecg": "gru", "age": {"name": "mlp", "dropout": 0.2}}
    model = NeuralAdditive(encoders=encoders, max_epochs=2, flip=True, shift=0.1).fit(samples, np.arange(12) % 2)
    bodies = [type(encoder.body).__name__ for encoder in model.networks_["early"].encoders]
    assert bodies == ["VisionTransformer", "Gru", "Mlp"]
