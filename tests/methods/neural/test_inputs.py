"""What networks get of each kind: words, graphs, regions and channels, scaled and counted on training rows alone."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.arrays import CLIP, ArrayScaler, GraphScaler  # noqa: E402
from fusebench.methods.neural.inputs import Inputs, graph_key, present_key  # noqa: E402
from fusebench.methods.neural.shapes import Shape, array_shape  # noqa: E402
from fusebench.methods.neural.words import PADDING, UNKNOWN, Vocabulary  # noqa: E402


def texts(*lines, present=None):
    return Modality("note", "text", np.array(lines), present=present)


def symmetric(n, regions, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(n, regions, regions))
    return matrix + matrix.transpose(0, 2, 1)


# Words


def test_a_word_of_one_row_is_unknown_and_texts_are_padded():
    words = Vocabulary(texts("Cough, cough!", "no cough", "no pain here", "pain"))
    assert words.numbers_ == {"cough": 2, "no": 3, "pain": 4}
    assert words.shape == Shape("text", (4,), words=8)  # three words and two special ones, to the next power of two
    numbers = words(texts("No rash, no pain", "COUGH", "a b c d e", ""))
    assert numbers.tolist() == [[3, UNKNOWN, 3, 4], [2] + [PADDING] * 3, [UNKNOWN] * 4, [PADDING] * 4]


def test_rows_without_a_text_are_padding_and_teach_no_words():
    words = Vocabulary(texts("one two", "one two", "three", "three", present=[True, True, True, False]))
    assert words.numbers_ == {"one": 2, "two": 3}
    assert (words(texts("one", "two", present=[False, True]))[0] == PADDING).all()


# Arrays


def test_shapes_get_the_channel_or_feature_they_lack_and_odd_ones_are_tables():
    def shape(kind, *dims):
        return array_shape(Modality("m", kind, np.zeros((2, *dims))))

    assert shape("image", 5, 6) == Shape("image", (1, 5, 6))
    assert shape("volume", 2, 4, 5, 6) == Shape("volume", (2, 4, 5, 6))
    assert shape("signal", 9) == Shape("signal", (1, 9))
    assert shape("roi", 7) == Shape("roi", (7, 1))
    assert array_shape(Modality("m", "connectivity", symmetric(2, 4))) == Shape("connectivity", (4, 4))
    lopsided = np.arange(32.0).reshape(2, 4, 4)
    assert array_shape(Modality("m", "connectivity", lopsided)) == Shape("connectivity", (4, 4), directed=True)


def test_regions_have_centres_of_their_own_and_share_a_scale_by_feature():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 3, 2)) * [2.0, 0.1] + rng.normal(size=(3, 2)) * 10
    values[:, 1, 0] *= 3  # a region that varies more keeps its contrast
    scaled = ArrayScaler(Modality("roi", "roi", values))(Modality("roi", "roi", values))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose((scaled**2).mean(axis=(0, 1)), 1, rtol=1e-4)
    assert scaled[:, 1, 0].std() > 2 * scaled[:, 0, 0].std()


def test_what_is_far_from_training_is_cut_and_missing_cells_are_the_mean():
    train = Modality("s", "signal", np.random.default_rng(0).normal(loc=4, size=(50, 1, 8)))
    test = np.full((2, 1, 8), 1e300)
    test[1] = np.nan
    scaled = ArrayScaler(train)(Modality("s", "signal", test))
    assert (scaled[0] == CLIP).all()
    assert (scaled[1] == 0).all()


# Graphs


def test_connectivity_becomes_weights_without_a_diagonal_the_largest_of_training_being_one():
    matrix = symmetric(6, 5)
    scale = GraphScaler(Modality("wires", "connectivity", matrix[:4]))
    weights = scale(Modality("wires", "connectivity", matrix, present=np.arange(6) != 5))
    assert weights[:4].max() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert (np.diagonal(weights, axis1=1, axis2=2) == 0).all()
    assert (weights[5] == 0).all()
    np.testing.assert_allclose(
        weights[4, 0, 1], abs(matrix[4, 0, 1]) / np.abs(matrix[:4, ~np.eye(5, dtype=bool)]).max()
    )


def test_regions_are_joined_by_the_connectivity_of_as_many_regions():
    n = 20
    samples = Samples(
        [
            Modality("other", "connectivity", symmetric(n, 4)),
            Modality("wires", "connectivity", symmetric(n, 6), present=np.arange(n) % 4 != 0),
            Modality("regions", "roi", np.random.default_rng(1).normal(size=(n, 6, 3))),
        ]
    )
    inputs = Inputs().fit(samples)
    assert inputs.shapes_["regions"].graph == "wires"
    batch = inputs.open(samples, torch.device("cpu")).batch(torch.arange(4))
    assert batch[graph_key("wires")].shape == (4, 6, 6)
    assert batch[present_key("wires")].flatten().tolist() == [0, 1, 1, 1]
    alone = inputs.open(samples, torch.device("cpu")).select(["regions"]).batch(torch.arange(4))
    assert set(alone) == {"regions"}  # a network that sees the regions alone does not see how they are joined


def test_texts_and_regions_are_classified_end_to_end():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    notes = [f"patient {rng.choice(['tired', 'pale'])} {'cough' if c else 'fine'} today" for c in y]
    samples = Samples(
        [
            texts(*notes),
            Modality("regions", "roi", rng.normal(size=(80, 6, 3))),
            Modality("wires", "connectivity", symmetric(80, 6)),
        ]
    )
    model = NeuralAdditive(encoders={"connectivity": "mlp"}).fit(samples[:60], y[:60])
    bodies = [type(encoder.body).__name__ for encoder in model.networks_["early"].encoders]
    assert bodies == ["TextTransformer", "GraphConvolutions", "Mlp"]
    assert np.mean(model.predict(samples[60:]) == y[60:]) > 0.9
