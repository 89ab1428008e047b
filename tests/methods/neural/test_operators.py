"""Signature tests of the operators: F1, F2, F2b, gates, attention, cross-attention; and that an absence is no trace."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.methods.neural.noise import NOISE, streams  # noqa: E402
from fusebench.methods.neural.operators.additive import Additive  # noqa: E402
from fusebench.methods.neural.operators.base import Part  # noqa: E402
from fusebench.methods.neural.operators.codes import Codes  # noqa: E402
from fusebench.methods.neural.operators.concat import Concat  # noqa: E402
from fusebench.methods.neural.operators.crossing import CrossAttention  # noqa: E402
from fusebench.methods.neural.operators.decision import MeanLogits  # noqa: E402
from fusebench.methods.neural.operators.gated import Gated  # noqa: E402
from fusebench.methods.neural.operators.pooling import AttentionPool  # noqa: E402
from fusebench.methods.neural.operators.tensor import (  # noqa: E402
    LowRank,
    TensorProduct,
    tensor_product,
    too_large,
    widest_code,
)

WIDTHS = [3, 2, 4]


def vectors(widths=WIDTHS, n=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn((n, width), generator=generator) for width in widths]


def parts(widths=WIDTHS, n=6, seed=0):
    return [Part(v) for v in vectors(widths, n, seed)]


def without(some, m):
    """The parts with modality m absent in every row."""
    gone = torch.zeros(len(some[m].values), 1)
    return [Part(p.values * 0, gone) if k == m else p for k, p in enumerate(some)]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# F1: z = f(sum_m W_m^T v_m)


def test_additive_equals_one_linear_map_on_the_concatenation():
    operator, some = Additive(WIDTHS, 5), parts()
    weights = operator.weights()
    assert [tuple(w.shape) for w in weights] == [(5, 3), (5, 2), (5, 4)]
    by_terms = sum(p.values @ w.T for p, w in zip(some, weights, strict=True)) + operator.map.bias
    stacked = torch.cat([p.values for p in some], dim=1) @ torch.cat(weights, dim=1).T + operator.map.bias
    torch.testing.assert_close(operator(some, {}), torch.nn.functional.silu(by_terms))
    torch.testing.assert_close(operator(some, {}), torch.nn.functional.silu(stacked))


def test_a_zero_modality_removes_exactly_its_term():
    operator, some = Additive(WIDTHS, 5, linear=True), parts()
    lacking = [some[0], Part(some[1].values * 0), some[2]]
    term = some[1].values @ operator.weights()[1].T
    torch.testing.assert_close(operator(some, {}) - operator(lacking, {}), term)


def test_additive_sum_is_free_of_order():
    operator, turned, some = Additive(WIDTHS, 5), Additive(WIDTHS[::-1], 5), parts()
    with torch.no_grad():
        turned.map.weight.copy_(torch.cat(operator.weights()[::-1], dim=1))
        turned.map.bias.copy_(operator.map.bias)
    torch.testing.assert_close(operator(some, {}), turned(some[::-1], {}))


# F2: z = [v_1; 1] (x) ... (x) [v_M; 1]


def test_tensor_product_slices_are_the_codes_their_products_and_one():
    a, b, c = vectors()
    z = tensor_product([a, b, c]).reshape(6, 4, 3, 5)
    torch.testing.assert_close(z[:, :3, -1, -1], a)
    torch.testing.assert_close(z[:, -1, :2, -1], b)
    torch.testing.assert_close(z[:, -1, -1, :4], c)
    torch.testing.assert_close(z[:, :3, :2, -1], torch.einsum("ni,nj->nij", a, b))
    torch.testing.assert_close(z[:, :3, -1, :4], torch.einsum("ni,nk->nik", a, c))
    torch.testing.assert_close(z[:, -1, :2, :4], torch.einsum("nj,nk->njk", b, c))
    torch.testing.assert_close(z[:, :3, :2, :4], torch.einsum("ni,nj,nk->nijk", a, b, c))
    assert (z[:, -1, -1, -1] == 1).all()


def test_tensor_operator_multiplies_codes_or_the_vectors_themselves():
    some = parts()
    plain = TensorProduct(Codes(WIDTHS, 8, None, 0.0))
    assert plain.width == 4 * 3 * 5
    torch.testing.assert_close(plain(some, {}), tensor_product([p.values for p in some]))
    coded = TensorProduct(Codes(WIDTHS, 8, 2, 0.0))
    codes = coded.codes(some, {})
    assert coded.width == 27
    assert all(c.shape == (6, 2) and (c.abs() <= 1).all() for c in codes)
    torch.testing.assert_close(coded(some, {}), tensor_product(codes))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("modalities", [2, 3, 5])
def test_a_tensor_product_is_classified_without_being_formed(modalities, classes):
    generator = torch.Generator().manual_seed(0)
    widths = [3, 5, 4, 2, 3][:modalities]
    some = [Part(torch.randn(6, width, generator=generator)) for width in widths]
    operator = TensorProduct(Codes(widths, 8, 4, 0.0))
    head = torch.nn.Linear(operator.width, classes)
    short, long = operator.classified(some, {}, head), head(operator(some, {}))
    torch.testing.assert_close(short, long)
    learnt = [*operator.parameters(), *head.parameters()]
    gradients = [torch.autograd.grad(logits.square().sum(), learnt) for logits in (short, long)]
    torch.testing.assert_close(*gradients)


def test_a_tensor_product_is_formed_where_that_is_shorter():
    formed = []

    class Watched(TensorProduct):
        def forward(self, parts, batch):
            formed.append(len(parts))
            return super().forward(parts, batch)

    operator = Watched(Codes([3, 3], 8, 4, 0.0))
    some = [Part(torch.ones(2, 3)), Part(torch.ones(2, 3))]
    assert operator.classified(some, {}, torch.nn.Linear(25, 3)).shape == (2, 3)  # 3 x 5 + 5 numbers against 25
    assert not formed
    assert operator.classified(some, {}, torch.nn.Linear(25, 4)).shape == (2, 4)  # 4 x 5 + 5
    alone = Watched(Codes([3], 8, 4, 0.0))
    assert alone.classified(some[:1], {}, torch.nn.Linear(5, 2)).shape == (2, 2)
    assert formed == [2, 1]


def test_a_tensor_networks_head_begins_as_a_layer_of_the_codes_beside_small_weights_of_products():
    torch.manual_seed(0)
    operator, head = TensorProduct(Codes([3, 2], 8, None, 0.0)), torch.nn.Linear(12, 4)
    products = head.weight.detach().clone()
    operator.begin(head)
    z = torch.arange(12).reshape(4, 3)  # z's places: three numbers of the first and 1, by two of the second and 1
    first = [*z[:3, 2].tolist(), *z[3, :2].tolist()]
    bound = 5 / 3 * (6 / (5 + 4)) ** 0.5
    assert 0.8 * bound < head.weight[:, first].abs().max() <= bound
    others = [place for place in range(12) if place not in first]
    torch.testing.assert_close(head.weight[:, others], products[:, others])


def test_width_rule_keeps_the_product_within_the_limit_and_is_the_widest():
    widths = {m: widest_code(m, 1024) for m in range(1, 11)}
    assert widths == {1: 8, 2: 8, 3: 8, 4: 4, 5: 3, 6: 2, 7: 1, 8: 1, 9: 1, 10: 1}
    for m, width in widths.items():
        assert (width + 1) ** m <= 1024
        assert width == 8 or (width + 2) ** m > 1024
    assert too_large([3] * 5, 1024) is None  # 4^5 is exactly the limit
    assert "2^11 entries, beyond 1024" in too_large([1] * 11, 1024)
    assert "101 x 31 entries" in too_large([100, 30], 1024)


# F2b: h = sum_r prod_m W_m^(r) [v_m; 1]


@pytest.mark.parametrize("rank", [1, 3])
def test_low_rank_equals_the_full_tensor_with_weights_of_that_rank(rank):
    operator, some = LowRank(Codes(WIDTHS, 8, None, 0.0), 5, rank), parts()
    with torch.no_grad():
        for factor in operator.factors:
            factor.bias.normal_()
    w = [operator.weights(m) for m in range(3)]
    full = torch.einsum("rhi,rhj,rhk->hijk", *w).flatten(1)
    z = tensor_product([p.values for p in some])
    torch.testing.assert_close(operator(some, {}), z @ full.T)


# Gates and attention


def test_gates_scale_each_modalitys_code():
    operator, some = Gated(WIDTHS, 5), parts()
    gates = operator.gates(some)
    assert gates.shape == (6, 3, 5)
    assert ((gates > 0) & (gates < 1)).all()
    codes = [layer(p.values).tanh() for layer, p in zip(operator.maps, some, strict=True)]
    torch.testing.assert_close(operator(some, {}), sum(gates[:, m] * codes[m] for m in range(3)))
    with torch.no_grad():
        operator.gate.weight.zero_()
        operator.gate.bias.copy_(torch.tensor([50.0] * 5 + [-50.0] * 10))
    torch.testing.assert_close(operator(some, {}), codes[0])


def test_attention_weights_lie_on_the_simplex_and_depend_on_the_row():
    operator, some = AttentionPool(WIDTHS, 5), parts()
    torch.testing.assert_close(operator.attention(some)[0], torch.full((6, 3), 1 / 3))  # training begins at equal ones
    torch.nn.init.normal_(operator.scores)
    weights, codes = operator.attention(some)
    torch.testing.assert_close(weights.sum(1), torch.ones(6))
    assert (weights >= 0).all()
    assert weights.std(0).min() > 1e-4
    z = operator(some, {})
    assert (z >= codes.amin(1) - 1e-6).all()
    assert (z <= codes.amax(1) + 1e-6).all()


def test_cross_attention_reads_the_others_alone():
    operator = CrossAttention([(1, 3), (5, 2), (7, 4)], 8, 2, 0.0)
    some = [Part(torch.randn(6, 1, 3)), Part(torch.randn(6, 5, 2)), Part(torch.randn(6, 7, 4))]
    tokens = operator.tokens(some)
    assert [t.shape[1:] for t in tokens] == [(4, 8), (5, 8), (7, 8)]
    z = operator(some, {})
    assert z.shape == (6, 24)
    others = torch.cat(tokens[1:], dim=1)
    torch.testing.assert_close(z[:, :8], operator.blocks[0](tokens[0], {}, None, others).mean(1))
    changed = operator([Part(some[0].values + 1), *some[1:]], {})
    assert (changed - z).abs().flatten().min() > 0  # every modality feels it
    swapped = operator([some[0], some[1], Part(some[2].values.flip(1))], {})
    assert (swapped - z).abs().max() > 1e-6  # tokens have places


def test_cross_attention_has_a_direction():
    operator = CrossAttention([(5, 2), (7, 2)], 8, 2, 0.0)
    operator.blocks[1].load_state_dict(operator.blocks[0].state_dict())  # so that roles alone differ
    a, b = operator.tokens([Part(torch.randn(6, 5, 2)), Part(torch.randn(6, 7, 2))])
    there, _ = operator.blocks[0].attention.read(a, b)
    back, _ = operator.blocks[1].attention.read(b, a)
    assert there.shape == (6, 2, 5, 7)
    assert back.shape == (6, 2, 7, 5)
    torch.testing.assert_close(there.sum(-1), torch.ones(6, 2, 5))
    assert (there - back.transpose(-1, -2)).abs().max() > 1e-3


def test_without_values_only_the_way_around_cross_attention_is_left():
    operator, some = (
        CrossAttention([(5, 2), (7, 2)], 8, 2, 0.0),
        [Part(torch.randn(6, 5, 2)), Part(torch.randn(6, 7, 2))],
    )
    block, (tokens, _) = operator.blocks[0], operator.tokens(some)
    with torch.no_grad():
        block.attention.keys_values.weight[8:] = 0
        block.attention.keys_values.bias[8:] = 0
    inner = torch.nn.functional.gelu(block.hidden(block.second_norm(tokens)))
    torch.testing.assert_close(operator(some, {})[:, :8], (tokens + block.back(inner)).mean(1))
    alone = operator(without(some, 1), {})[:, :8]
    torch.testing.assert_close(alone, operator(some, {})[:, :8])  # as without any other modality


def test_cross_attention_does_not_read_padding():
    operator = CrossAttention([(1, 3), (5, 2)], 8, 2, 0.0)
    a, b = torch.randn(6, 1, 3), torch.randn(6, 5, 2)
    valid = torch.ones(6, 5)
    valid[:, 3:] = 0
    changed = b.clone()
    changed[:, 3:] += 1
    first, second = (operator([Part(a), Part(values, None, valid)], {}) for values in (b, changed))
    torch.testing.assert_close(first, second)


# Decisions


def test_mean_of_logits_is_the_geometric_mean_of_probabilities():
    some = parts([3, 3])
    logits = MeanLogits(2, 3)(some, {})
    geometric = np.sqrt(np.prod([p.values.softmax(1).numpy() for p in some], axis=0))
    np.testing.assert_allclose(logits.softmax(1), geometric / geometric.sum(1, keepdims=True), rtol=1e-5)


def test_learnt_weights_of_decisions_lie_on_the_simplex():
    operator, some = MeanLogits(3, 2, weighted=True), parts([2] * 3)
    with torch.no_grad():
        operator.scores.copy_(torch.tensor([0.0, 1.0, 2.0]))
    weights = operator.weights(some)[0]
    torch.testing.assert_close(weights, torch.tensor([0.0, 1.0, 2.0]).softmax(0))
    torch.testing.assert_close(operator(some, {}), sum(w * p.values for w, p in zip(weights, some, strict=True)))
    torch.testing.assert_close(operator.weights(without(some, 2))[0, :2], torch.tensor([0.0, 1.0]).softmax(0))


# Absent modalities leave no trace


def decided(pool):
    """Attention that prefers some modalities, as after training."""
    torch.nn.init.normal_(pool.scores)
    return pool


OPERATORS = {
    "additive": lambda widths: Additive(widths, 5),
    "concat": lambda widths: Concat(widths, 5, 4, 0.0),
    "concat of vectors": lambda widths: Concat(widths, 5, None, 0.0),
    "tensor": lambda widths: TensorProduct(Codes(widths, 8, 2, 0.0)),
    "low rank": lambda widths: LowRank(Codes(widths, 8, 2, 0.0), 5, 3),
    "gated": lambda widths: Gated(widths, 5),
    "attention": lambda widths: decided(AttentionPool(widths, 5)),
    "cross-attention": lambda widths: CrossAttention([(1, width) for width in widths], 8, 2, 0.0),
}


def cut_out(name, whole, small, m):
    """Give ``small``, built without modality m, the weights of ``whole`` that do not belong to it."""
    kept = [k for k in range(3) if k != m]
    ends = np.cumsum([0, *WIDTHS])
    columns = [c for k in kept for c in range(ends[k], ends[k + 1])]
    source, target = whole.state_dict(), small.state_dict()
    for key, value in target.items():
        parts_ = key.split(".")
        numbered = next((i for i, p in enumerate(parts_) if p.isdigit()), None)
        if numbered is not None and "norm" not in key.split(".")[numbered - 1]:
            old = [*parts_]
            old[numbered] = str(kept[int(parts_[numbered])])
            value.copy_(source[".".join(old)])
            continue
        found = source[key]
        if name == "gated" and key.startswith("gate"):
            rows = [k * 5 + i for k in kept for i in range(5)]
            found = found[rows]
        if name == "attention" and key == "scores":
            found = found[kept]
        if name == "concat" and key == "join.weight":
            found = found[:, [k * 4 + i for k in kept for i in range(4)]]
        elif found.ndim == 2 and found.shape[1] == sum(WIDTHS):
            found = found[:, columns]
        value.copy_(found)


@pytest.mark.parametrize("m", range(3))
@pytest.mark.parametrize("name", OPERATORS)
def test_an_absent_modality_leaves_the_operator_without_it(name, m):
    whole = OPERATORS[name](WIDTHS)
    small = OPERATORS[name]([w for k, w in enumerate(WIDTHS) if k != m])
    cut_out(name, whole, small, m)
    some = parts()
    result = whole(without(some, m), {})
    expected = small([p for k, p in enumerate(some) if k != m], {})
    if name == "tensor":  # its slice at the absent modality's 1; nothing elsewhere
        result = result.unflatten(1, (3, 3, 3))
        np.testing.assert_allclose(result.narrow(m + 1, 0, 2).detach(), 0.0)
        result = result.select(m + 1, 2).flatten(1)
    if name == "cross-attention":
        assert (result[:, m * 8 : m * 8 + 8] == 0).all()
        result = result[:, [i for i in range(24) if i // 8 != m]]
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("name", OPERATORS)
def test_presence_is_looked_at_row_by_row(name):
    operator, some = OPERATORS[name](WIDTHS), parts()
    every = operator(some, {})
    gone = operator(without(some, 1), {})
    here = torch.tensor([[1.0], [0.0]] * 3)
    mixed = operator([some[0], Part(some[1].values * here, here), some[2]], {})
    torch.testing.assert_close(mixed[::2], every[::2])
    torch.testing.assert_close(mixed[1::2], gone[1::2])


@pytest.mark.parametrize("name", OPERATORS)
def test_a_row_without_any_modality_stays_finite_in_value_and_gradient(name):
    operator, some = OPERATORS[name](WIDTHS), parts()
    nothing = [Part(p.values * 0, torch.zeros(6, 1)) for p in some]
    result = operator(nothing, {NOISE: streams(torch.tensor(3), 8)})
    result.sum().backward()
    assert torch.isfinite(result).all()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in operator.parameters())
