"""Every encoder: shapes, no trace of absent rows, and what it makes of order, padding and graphs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fusebench.datasets.errors import DataError, UnknownNameError  # noqa: E402
from fusebench.methods.neural.encoders.attention import Attention, Block  # noqa: E402
from fusebench.methods.neural.encoders.base import Encoder  # noqa: E402
from fusebench.methods.neural.encoders.convolution import ResidualCnn  # noqa: E402
from fusebench.methods.neural.encoders.graph import GraphConvolutions  # noqa: E402
from fusebench.methods.neural.encoders.make import default_encoder, make_encoder  # noqa: E402
from fusebench.methods.neural.encoders.recurrent import Gru  # noqa: E402
from fusebench.methods.neural.encoders.table import Identity, Mlp  # noqa: E402
from fusebench.methods.neural.encoders.text import TextTransformer  # noqa: E402
from fusebench.methods.neural.encoders.transformer import VisionTransformer  # noqa: E402
from fusebench.methods.neural.inputs import graph_key, present_key  # noqa: E402
from fusebench.methods.neural.shapes import Shape  # noqa: E402

IMAGE, VOLUME, SIGNAL = Shape("image", (2, 13, 9)), Shape("volume", (1, 9, 8, 7)), Shape("signal", (3, 50))
TABLE, TEXT, REGIONS = Shape("table", (7,)), Shape("text", (8,), words=16), Shape("roi", (6, 3), graph="wires")

BODIES = {
    "identity": lambda: Identity(TABLE),
    "identity of a connectivity": lambda: Identity(Shape("connectivity", (4, 4))),
    "mlp": lambda: Mlp(TABLE, width=5, depth=2),
    "cnn 1D": lambda: ResidualCnn(SIGNAL),
    "cnn 2D": lambda: ResidualCnn(IMAGE, depth=2),
    "cnn 3D": lambda: ResidualCnn(VOLUME),
    "vit 1D": lambda: VisionTransformer(SIGNAL, width=8),
    "vit 2D": lambda: VisionTransformer(IMAGE, width=8),
    "vit 3D": lambda: VisionTransformer(VOLUME, width=8),
    "gru": lambda: Gru(SIGNAL, width=5),
    "gcn": lambda: GraphConvolutions(REGIONS, width=4),
    "transformer": lambda: TextTransformer(TEXT, width=8, depth=2),
}
SHAPES = {
    "identity of a connectivity": Shape("connectivity", (4, 4)),
    "cnn 1D": SIGNAL, "cnn 2D": IMAGE, "cnn 3D": VOLUME, "vit 1D": SIGNAL, "vit 2D": IMAGE, "vit 3D": VOLUME,
    "gru": SIGNAL, "gcn": REGIONS, "transformer": TEXT,
}  # fmt: skip
every_encoder = pytest.mark.parametrize("name", BODIES)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def rows(name, n=4):
    shape = SHAPES.get(name, TABLE)
    if shape.words:
        words = torch.randint(1, shape.words, (n, *shape.dims))
        words[:, 5:] = 0
        return words
    return torch.randn(n, *shape.dims)


def graph(n=4, regions=6):
    weights = torch.rand(n, regions, regions)
    weights = weights + weights.transpose(1, 2)
    return weights - torch.diag_embed(weights.diagonal(dim1=1, dim2=2))


def batch(name, n=4):
    made = {"m": rows(name, n)}
    return {**made, graph_key("wires"): graph(n)} if name == "gcn" else made


@every_encoder
def test_shapes_are_as_stated_at_every_level(name):
    encoder = Encoder("m", BODIES[name]())
    made = batch(name)
    assert encoder(made).shape == (4, encoder.width)
    assert [tuple(level.shape) for level in encoder.levels(made)] == [(4, width) for width in encoder.level_widths]
    assert [tuple(level.shape[1:]) for level in encoder.token_levels(made)] == list(encoder.token_shapes)


@every_encoder
def test_absent_rows_are_zero_at_every_level_and_change_nothing_elsewhere(name):
    encoder = Encoder("m", BODIES[name]())
    whole = batch(name)
    here = torch.tensor([[1.0], [0.0], [1.0], [0.0]])
    lacking = {**whole, present_key("m"): here}
    for find in (encoder.levels, encoder.token_levels):
        for before, after in zip(find(whole), find(lacking), strict=True):
            assert (after[1::2] == 0).all()
            torch.testing.assert_close(after[::2], before[::2], rtol=0, atol=0)


@pytest.mark.parametrize("name", [name for name in BODIES if not name.startswith("identity")])
def test_what_stands_in_an_absent_row_has_no_influence_on_gradients(name):
    encoder = Encoder("m", BODIES[name]())
    gradients = []
    for seed in (1, 2):
        made = batch(name)
        torch.manual_seed(seed)
        other = rows(name)
        values = torch.where(torch.arange(4).view(-1, *[1] * (other.ndim - 1)) == 1, other, torch.ones_like(other))
        made = {**made, "m": values, present_key("m"): torch.tensor([[1.0], [0.0], [1.0], [1.0]])}
        if name == "gcn":
            made[graph_key("wires")] = torch.ones(4, 6, 6) - torch.eye(6)
        encoder.zero_grad()
        encoder(made).square().sum().backward()
        gradients.append([p.grad.clone() for p in encoder.parameters()])
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second)


@every_encoder
def test_a_stack_of_networks_gives_what_each_gives_alone(name):
    networks = [Encoder("m", BODIES[name]()) for _ in range(3)]
    made = batch(name)
    parameters, buffers = torch.func.stack_module_state(networks)
    found = torch.vmap(lambda p, b: torch.func.functional_call(networks[0], (p, b), (made,)))(parameters, buffers)
    if not parameters:
        found = networks[0](made).expand(3, -1, -1)
    for one, network in zip(found, networks, strict=True):
        torch.testing.assert_close(one, network(made))


# Tables


def test_a_linear_map_of_category_columns_is_an_embedding():
    mlp = Mlp(Shape("table", (4,)), width=5)
    categories = torch.tensor([2, 0, 3])
    (level,) = mlp.maps(nn.functional.one_hot(categories, 4).float(), {})
    vectors = nn.Embedding.from_pretrained(mlp.layers[0].weight.T)
    expected = nn.functional.silu(vectors(categories) + mlp.layers[0].bias)
    torch.testing.assert_close(level[:, 0], expected)


def test_of_a_symmetric_connectivity_each_connection_is_read_once():
    matrix = torch.arange(9.0).view(1, 3, 3)
    assert Identity(Shape("connectivity", (3, 3))).maps(matrix, {})[0].tolist() == [[[0, 1, 2, 4, 5, 8]]]
    assert Identity(Shape("connectivity", (3, 3), directed=True)).width == 9


# Convolutions


def test_convolutions_see_where_things_are_and_do_not_look_beyond_their_row():
    cnn = Encoder("m", ResidualCnn(IMAGE))
    made = rows("cnn 2D")
    turned = cnn({"m": made.flip(-1)})
    assert (turned - cnn({"m": made})).abs().max() > 1e-3
    torch.testing.assert_close(cnn({"m": made[1:2]}), cnn({"m": made})[1:2])


@pytest.mark.parametrize("sides", [(6,), (1, 6), (200,), (64, 64), (31, 7), (24, 24, 24), (9, 1, 6)])
def test_convolutions_come_down_to_few_places_whatever_the_sides(sides):
    kind = ("signal", "image", "volume")[len(sides) - 1]
    cnn = ResidualCnn(Shape(kind, (1, *sides)))
    assert cnn.maps(torch.randn(2, 1, *sides), {})[-1].shape[1:] == cnn.map_shapes[-1]
    assert cnn.map_shapes[-1][0] <= {"signal": 8, "image": 16, "volume": 8}[kind]


# Attention and the vision transformer


def test_the_block_is_torchs_pre_norm_transformer_layer():
    block = Block(8, heads=2).double()
    oracle = nn.TransformerEncoderLayer(
        8, 2, dim_feedforward=16, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    oracle.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([block.attention.queries.weight, block.attention.keys_values.weight]),
            "self_attn.in_proj_bias": torch.cat([block.attention.queries.bias, block.attention.keys_values.bias]),
            "self_attn.out_proj.weight": block.attention.out.weight,
            "self_attn.out_proj.bias": torch.zeros(8),
            "linear1.weight": block.hidden.weight, "linear1.bias": block.hidden.bias,
            "linear2.weight": block.back.weight, "linear2.bias": block.back.bias,
            "norm1.weight": block.norm.weight, "norm1.bias": block.norm.bias,
            "norm2.weight": block.second_norm.weight, "norm2.bias": block.second_norm.bias,
        }
    )  # fmt: skip
    tokens = torch.randn(3, 5, 8, dtype=torch.float64)
    valid = torch.ones(3, 5)
    valid[:, 3:] = 0
    torch.testing.assert_close(block(tokens, {}), oracle(tokens))
    masked = oracle(tokens, src_key_padding_mask=valid == 0)
    torch.testing.assert_close(block(tokens, {}, valid)[:, :3], masked[:, :3])


def test_attention_is_the_one_value_where_all_tokens_are_alike():
    attention = Attention(8, heads=2)
    queries, token = torch.randn(3, 4, 8), torch.randn(1, 1, 8)
    weights, values = attention.read(queries, token.expand(3, 5, 8))
    assert weights.shape == (3, 2, 4, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 4))
    torch.testing.assert_close(weights @ values, values[:, :, :1].expand(-1, -1, 4, -1))


def test_attention_to_nothing_adds_nothing():
    attention = Attention(8, heads=2)
    assert (attention(torch.randn(3, 4, 8), torch.randn(3, 5, 8), torch.zeros(3, 5)) == 0).all()


def test_patches_are_those_of_a_strided_convolution():
    vit = VisionTransformer(Shape("image", (2, 8, 6)), width=5, patch=2)
    image = torch.randn(3, 2, 8, 6)
    as_convolution = nn.functional.conv2d(image, vit.embedding.weight.view(5, 2, 2, 2), vit.embedding.bias, stride=2)
    torch.testing.assert_close(vit.embedding(vit.patches(image)), as_convolution.flatten(2).transpose(1, 2))


def test_without_positions_a_vision_transformer_does_not_see_the_order_of_patches():
    shape = Shape("image", (1, 8, 8))
    vit = Encoder("m", VisionTransformer(shape, width=8, patch=4))
    image = torch.randn(2, 1, 8, 8)
    turned = torch.cat([image[..., 4:], image[..., :4]], dim=-1)  # whole patches change places
    assert (vit({"m": image}) - vit({"m": turned})).abs().max() > 1e-4
    nn.init.zeros_(vit.body.positions)
    torch.testing.assert_close(vit({"m": image}), vit({"m": turned}))


# Signals


def test_the_gru_is_torchs():
    gru = Gru(SIGNAL, width=5)
    oracle = nn.GRU(3, 5, batch_first=True)
    oracle.load_state_dict(
        {
            "weight_ih_l0": gru.inputs.weight, "bias_ih_l0": gru.inputs.bias,
            "weight_hh_l0": gru.states.weight, "bias_hh_l0": gru.states.bias,
        }
    )  # fmt: skip
    signal = torch.randn(4, 3, 50)
    (states,) = gru.maps(signal, {})
    torch.testing.assert_close(states, oracle(signal.transpose(1, 2))[0])
    torch.testing.assert_close(Encoder("m", gru)({"m": signal}), states[:, -1])


def test_for_a_gru_order_matters():
    gru = Encoder("m", Gru(SIGNAL, width=5))
    signal = torch.randn(4, 3, 50)
    assert (gru({"m": signal}) - gru({"m": signal.flip(-1)})).abs().max() > 1e-3


def test_a_long_signal_is_read_in_windows_that_end_with_its_end():
    gru = Gru(Shape("signal", (2, 130)), width=5)
    assert (gru.window, gru.steps, gru.map_shapes) == (3, 44, ((44, 5),))
    signal = torch.randn(1, 2, 130)
    signal.requires_grad_()
    Encoder("m", gru)({"m": signal}).sum().backward()
    assert (signal.grad[0, :, -3:] != 0).all()


# Text


def test_padding_has_no_influence_on_words():
    short = Encoder("m", TextTransformer(Shape("text", (4,), words=16), width=8, depth=2))
    long = Encoder("m", TextTransformer(Shape("text", (8,), words=16), width=8, depth=2))
    state = short.state_dict()
    state["body.positions"] = torch.cat([state["body.positions"], torch.randn(4, 8)])
    long.load_state_dict(state)
    words = torch.randint(1, 16, (3, 4))
    padded = nn.functional.pad(words, (0, 4))
    torch.testing.assert_close(long({"m": padded}), short({"m": words}))
    with torch.no_grad():
        long.body.words.weight[0] += 5.0  # what padding itself is called
    torch.testing.assert_close(long({"m": padded}), short({"m": words}))
    assert (long.tokens({"m": padded})[:, 4:] == 0).all()


def test_word_order_matters_and_an_empty_text_is_zero():
    text = Encoder("m", TextTransformer(TEXT, width=8))
    nn.init.normal_(text.body.positions)
    words = torch.tensor([[3, 4, 5, 6, 0, 0, 0, 0], [6, 5, 4, 3, 0, 0, 0, 0], [0] * 8])
    code = text({"m": words})
    assert (code[0] - code[1]).abs().max() > 1e-3
    assert (code[2] == 0).all()


# Graphs


def test_graph_convolution_is_its_formula():
    gcn = GraphConvolutions(REGIONS, width=4, depth=1)
    values, weights = torch.randn(2, 6, 3), graph(2)
    (found,) = gcn.maps(values, {graph_key("wires"): weights})
    for row in range(2):
        looped = weights[row].numpy() + np.eye(6)
        root = np.diag(looped.sum(1) ** -0.5)
        mixed = root @ looped @ root @ values[row].numpy()
        expected = np.maximum(mixed @ gcn.layers[0].weight.detach().numpy().T + gcn.layers[0].bias.detach().numpy(), 0)
        np.testing.assert_allclose(found[row].detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_regions_may_be_named_anew():
    gcn = GraphConvolutions(REGIONS)
    values, weights = torch.randn(2, 6, 3), graph(2)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    plain = gcn.maps(values, {graph_key("wires"): weights})[-1]
    renamed = gcn.maps(values[:, order], {graph_key("wires"): weights[:, order][:, :, order]})[-1]
    torch.testing.assert_close(renamed, plain[:, order])
    assert (renamed - plain).abs().max() > 1e-3


def test_without_connectivity_every_region_speaks_for_itself():
    gcn = GraphConvolutions(REGIONS)
    values, weights = torch.randn(2, 6, 3), graph(2)
    alone = gcn.maps(values, {})[-1]
    absent = {graph_key("wires"): weights, present_key("wires"): torch.tensor([[0.0], [1.0]])}
    found = gcn.maps(values, absent)[-1]
    torch.testing.assert_close(found[0], alone[0])
    assert (found[1] - alone[1]).abs().max() > 1e-3


# Which encoder a modality gets


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (TABLE, "identity"), (Shape("phenotype", (3,)), "identity"), (IMAGE, "cnn"), (VOLUME, "cnn"), (SIGNAL, "cnn"),
        (Shape("image", (3, 5, 5)), "identity"), (TEXT, "transformer"), (REGIONS, "gcn"),
        (Shape("roi", (6, 3)), "identity"), (Shape("connectivity", (6, 6)), "identity"),
    ],
)  # fmt: skip
def test_defaults_suit_kind_and_size(shape, expected):
    assert default_encoder(shape) == expected


def test_settings_of_a_modality_count_before_those_of_its_kind():
    options = {"signal": "gru", "ecg": {"name": "vit", "width": 8}, "image": {"depth": 3}}
    assert isinstance(make_encoder("eeg", SIGNAL, options).body, Gru)
    ecg = make_encoder("ecg", SIGNAL, options).body
    assert isinstance(ecg, VisionTransformer)
    assert ecg.width == 8
    assert len(make_encoder("mri", IMAGE, options).body.map_shapes) == 3  # the default encoder, deeper
    assert isinstance(make_encoder("mri", IMAGE, options, raw=True).body, Identity)
    assert len(make_encoder("history", TABLE, {}, levels=2).body.map_shapes) == 2


def test_what_does_not_suit_is_refused_with_what_would():
    with pytest.raises(DataError, match=r"'history': encoder 'cnn' takes image, volume, signal, not kind 'table'"):
        make_encoder("history", TABLE, {"history": "cnn"})
    with pytest.raises(DataError, match=r"encoder 'mlp' has no setting layers; it has width, depth, dropout"):
        make_encoder("history", TABLE, {"history": {"name": "mlp", "layers": 2}})
    with pytest.raises(DataError, match=r"encoder 'vit' has width = 0; use a whole number of at least 1"):
        make_encoder("mri", IMAGE, {"mri": {"name": "vit", "width": 0}})
    with pytest.raises(DataError, match=r"encoder 'mlp' has dropout = 1.0; use a share from 0 to below 1"):
        make_encoder("history", TABLE, {"history": {"name": "mlp", "dropout": 1.0}})
    with pytest.raises(UnknownNameError, match="resnet"):
        make_encoder("mri", IMAGE, {"mri": "resnet"})
    with pytest.raises(DataError, match="a text has no numbers to fuse at the input"):
        make_encoder("notes", TEXT, raw=True)
