"""Expert knowledge: honoured by every method that takes it, and refused with a reason where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical.bayes_net_bdeu import BayesNetBDeu
from fusebench.methods.graphical.bayes_net_bic import BayesNetBIC
from fusebench.methods.graphical.conditional_gaussian import ConditionalGaussian
from fusebench.methods.graphical.knowledge import Knowledge
from fusebench.methods.graphical.tan import TAN

SEARCHED = [BayesNetBDeu, BayesNetBIC]
TREES = [TAN, ConditionalGaussian]
ALL = [*TREES, *SEARCHED]


def linked(n=800, seed=0):
    """Three modalities whose first columns follow one another and the class; second columns are noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)

    def follow(source):
        return np.where(rng.random(n) < 0.8, source, rng.integers(0, 2, n))

    genes = follow(y)
    blood = follow(genes)
    image = follow(blood)
    columns = {"genes": genes, "blood": blood, "image": image}
    noise = {name: rng.integers(0, 2, n) for name in columns}
    return Samples.from_arrays({m: np.column_stack([columns[m], noise[m]]).astype(float) for m in columns}), y


def edges(method):
    return set(method.structure_.edges)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("order", [("genes", "blood", "image"), ("image", "blood", "genes")])
def test_tiers_are_respected_either_way_round(cls, order):
    samples, y = linked()
    method = cls(tiers=[[name] for name in order]).fit(samples, y)
    between = {(a.split(".")[0], b.split(".")[0]) for a, b in edges(method) if a != "class" and b != "class"}
    assert all(order.index(a) <= order.index(b) for a, b in between)
    assert (order[0], order[1]) in between or (order[1], order[2]) in between


@pytest.mark.parametrize("cls", SEARCHED)
def test_the_class_may_stand_in_a_tier(cls):
    samples, y = linked()
    last = cls(tiers=[["genes", "blood", "image"], ["class"]]).fit(samples, y)
    assert not any(a == "class" for a, _ in edges(last))
    first = cls(tiers=[["class"], ["genes", "blood", "image"]]).fit(samples, y)
    assert not any(b == "class" for _, b in edges(first))
    assert edges(last) != edges(first)


@pytest.mark.parametrize("cls", ALL)
def test_required_edges_are_present_even_where_the_data_say_nothing(cls):
    samples, y = linked()
    edge = ("image.x1", "genes.x1")
    assert edge not in edges(cls(forbidden=["image.x1 -> genes.x1"]).fit(samples, y))
    method = cls(required=["image.x1 -> genes.x1", "blood.x0 -> genes.x0"]).fit(samples, y)
    assert {edge, ("blood.x0", "genes.x0")} <= edges(method)
    assert np.isfinite(method.predict_proba(samples)).all()


@pytest.mark.parametrize("cls", ALL)
def test_forbidden_edges_are_absent_also_between_whole_modalities(cls):
    samples, y = linked()
    free = cls().fit(samples, y)
    pair = {("genes.x0", "blood.x0"), ("blood.x0", "genes.x0")}
    assert pair & edges(free)
    both = ["genes.x0 -> blood.x0", "blood.x0 -> genes.x0"]
    assert not pair & edges(cls(forbidden=both).fit(samples, y))
    whole = cls(forbidden=["genes -> blood", "blood -> genes", "blood -> blood"]).fit(samples, y)
    ends = {frozenset((a.split(".")[0], b.split(".")[0])) for a, b in edges(whole)}
    assert not {frozenset(("genes", "blood")), frozenset(("blood",))} & ends


@pytest.mark.parametrize("cls", SEARCHED)
def test_the_class_can_be_made_to_point_at_a_whole_modality(cls):
    samples, y = linked()
    method = cls(required=["class -> image"]).fit(samples, y)
    assert {("class", "image.x0"), ("class", "image.x1")} <= edges(method)
    assert ("class", "image.x1") not in edges(cls().fit(samples, y))


@pytest.mark.parametrize("cls", ALL)
def test_columns_of_required_edges_are_kept_when_columns_are_dropped(cls):
    samples, y = linked()
    method = cls(max_columns=2, required=["image.x1 -> blood.x1"]).fit(samples, y)
    assert method.features_ == ["blood.x1", "image.x1"]
    assert ("image.x1", "blood.x1") in edges(method)


@pytest.mark.parametrize("cls", ALL)
def test_required_edges_are_kept_also_where_they_name_more_columns_than_the_method_takes(cls):
    samples, y = linked()
    method = cls(max_columns=2, required=["image.x1 -> blood.x1", "image.x1 -> genes.x1"]).fit(samples, y)
    assert set(method.features_) == {"blood.x1", "genes.x1", "image.x1"}
    assert {("image.x1", "blood.x1"), ("image.x1", "genes.x1")} <= edges(method)


@pytest.mark.parametrize(
    ("knowledge", "message"),
    [
        ({"forbidden": ["genes -> blood"]}, "genes.x0 -> blood.x0 is also forbidden"),
        ({"tiers": [["blood"], ["genes"]]}, "genes.x0 -> blood.x0 goes from a later tier to an earlier one"),
        ({"required": ["genes.x0 -> blood.x0", "blood.x0 -> genes.x0"]}, "the edges make a cycle, .*genes.x0"),
    ],
)
@pytest.mark.parametrize("cls", ALL)
def test_every_method_names_what_contradicts_itself(cls, knowledge, message):
    samples, y = linked(100)
    with pytest.raises(ValueError, match=message):
        cls(**{"required": ["genes.x0 -> blood.x0"], **knowledge}).fit(samples, y)


@pytest.mark.parametrize(
    ("cls", "settings", "idle"),
    [
        (TAN, {"alpha": 1e-9, "strength": 1e-9}, "genes.x1 -> class"),  # the tree may hang from another root
        (BayesNetBDeu, {}, "genes.x1 -> image.x1"),
        (BayesNetBIC, {}, "genes.x1 -> image.x1"),
    ],
)
def test_knowledge_that_rules_out_nothing_changes_nothing(cls, settings, idle):
    samples, y = linked()
    free, told = cls(**settings).fit(samples, y), cls(forbidden=[idle], **settings).fit(samples, y)
    assert {frozenset(e) for e in edges(told)} == {frozenset(e) for e in edges(free)}
    np.testing.assert_allclose(told.predict_proba(samples), free.predict_proba(samples), atol=1e-8)


FEATURES = ["genes.x0", "genes.x1", "blood.x0", "blood.x1", "image.x0"]
OWNERS = ["genes", "genes", "blood", "blood", "image"]


@pytest.mark.parametrize(
    ("knowledge", "message"),
    [
        (
            {"required": ["blod.x0 -> genes.x0"]},
            "required: no modality or column is called 'blod.x0'; did you mean 'blood",
        ),
        ({"forbidden": ["gens -> blood"]}, "forbidden: no modality or column is called 'gens'; did you mean 'genes'"),
        ({"forbidden": ["q -> blood"]}, "called 'q'; the modalities are genes, blood, image"),
        ({"tiers": [["genes"], ["imag"]]}, "tiers: no modality is called 'imag'; did you mean 'image'"),
        ({"tiers": [["genes.x0"]]}, "tiers: no modality is called 'genes.x0'; did you mean 'genes'"),
        ({"tiers": [["genes"], ["blood", "genes"]]}, "tiers: 'genes' stands in two places"),
        ({"tiers": ["genes", "blood"]}, "tiers: .* is not a list such as"),
        ({"required": "genes.x0 -> blood.x0"}, "required: .* is not a list such as"),
        ({"required": [["genes.x0", "blood.x0"]]}, "required: .* is not a list such as"),
        ({"forbidden": ["genes, blood"]}, "forbidden: 'genes, blood' is no edge"),
        ({"forbidden": ["genes -> "]}, "forbidden: 'genes -> ' is no edge"),
        ({"required": ["genes -> blood.x0"]}, "required: 'genes -> blood.x0' names the whole modality 'genes'"),
        ({"required": ["image -> class"]}, "name its columns, such as 'image.x0'"),
        ({"required": ["genes.x0 -> genes.x0"]}, "required: genes.x0 -> genes.x0 goes from a variable to itself"),
        (
            {"required": ["genes.x0 -> blood.x1"], "forbidden": ["genes -> blood"]},
            "required: genes.x0 -> blood.x1 is also forbidden",
        ),
        (
            {"required": ["class -> blood"], "forbidden": ["class -> blood.x1"]},
            "required: class -> blood.x1 is also forbidden",
        ),
        (
            {"required": ["image.x0 -> genes.x1"], "tiers": [["genes"], ["image"]]},
            "required: image.x0 -> genes.x1 goes from a later tier to an earlier one",
        ),
        (
            {"required": ["genes.x0 -> class", "class -> blood.x0", "blood.x0 -> genes.x0"]},
            "required: the edges make a cycle, .*genes.x0 -> class",
        ),
    ],
)
def test_knowledge_that_makes_no_sense_is_told(knowledge, message):
    with pytest.raises(ValueError, match=message):
        Knowledge(FEATURES, OWNERS, **knowledge)


def test_matrices_by_hand_for_the_columns_that_are_kept():
    knowledge = Knowledge(
        FEATURES, OWNERS, [["genes"], ["class"]], ["class -> blood"], ["image.x0 -> blood", "blood -> blood"]
    )
    allowed, required = knowledge.matrices(np.array([1, 2, 3, 4]))  # genes.x1, both of blood, image.x0; then the class
    assert required.astype(int).tolist() == [[0] * 5, [0] * 5, [0] * 5, [0] * 5, [0, 1, 1, 0, 0]]
    assert allowed.astype(int).tolist() == [
        [0, 1, 1, 1, 1],
        [1, 0, 0, 1, 1],
        [1, 0, 0, 1, 1],
        [1, 0, 0, 0, 1],
        [0, 1, 1, 1, 0],  # the class is in a tier after genes
    ]


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (TAN, {"forbidden": ["class -> blood.x0"]}, "TAN always has the edge class -> blood.x0"),
        (TAN, {"tiers": [["genes"], ["class"]]}, "TAN always has the edge class -> genes.x0"),
        (TAN, {"required": ["genes.x0 -> class"]}, "the class of TAN has no parent"),
        (TAN, {"required": ["genes.x0 -> image.x0", "blood.x0 -> image.x0"]}, "image.x0 has two parents"),
        (
            BayesNetBIC,
            {"required": ["genes.x0 -> image.x0", "blood.x0 -> image.x0"], "max_parents": 1},
            "image.x0 has 2 parents, more than max_parents=1",
        ),
    ],
)
def test_knowledge_that_a_method_cannot_follow_is_told(cls, settings, message):
    samples, y = linked(200)
    with pytest.raises(ValueError, match=message):
        cls(**settings).fit(samples, y)
