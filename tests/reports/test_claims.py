"""Claims: every one is supported, contradicted and left open where that was planted."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.reports.claims.claim import Claim, Evidence, decide
from fusebench.reports.claims.on_skill import _depth
from fusebench.reports.claims.on_trust import learning_curves
from fusebench.reports.claims.registry import CLAIMS
from fusebench.reports.claims.section import claim_parts
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.results import MethodInfo, Results, TaskInfo

FOLDS, SIZE = 4, 50
METRIC = "accuracy"

METHODS = {
    "single": MethodInfo("single", "", "baseline", "none"),
    "early": MethodInfo("early", "", "neural", "early", method="net"),
    "late": MethodInfo("late", "", "neural", "late"),
    "hybrid": MethodInfo("hybrid", "", "neural", "hybrid"),
    "deep": MethodInfo("deep", "", "neural", "intermediate", method="mlp", settings={"encoders": {"t": {"depth": 4}}}),
    "flat": MethodInfo("flat", "", "neural", "intermediate", method="mlp", settings={"encoders": {"t": {"depth": 1}}}),
    "kernel": MethodInfo("kernel", "", "kernel", "intermediate"),
    "graph": MethodInfo("graph", "", "graphical", "intermediate"),
}


def probabilities(y, right, sure, shift):
    """Of rows in order: the share ``right`` is told ``sure`` for its class, spread evenly, offset by ``shift``."""
    good = (np.arange(len(y)) * 17 + shift) % len(y) < round(right * len(y))
    own = np.where(good, sure, 1 - sure) + 1e-6 * np.arange(len(y))
    return np.where(y[:, None] == [0, 1], own[:, None], 1 - own[:, None])


@pytest.fixture
def made(kit):
    """Results of the methods with planted scores; each may be a function of the task's number."""

    def make(tasks=("t0", "t1", "t2", "t3"), protocol="folds", planted=False, **cells) -> Evaluation:
        rows = []
        for t, name in enumerate(tasks):
            wobble = 0.02 * t
            for m, (method, own) in enumerate(cells.items()):
                own = {"test": 0.8, "train": 0.8, "val": 0.8, "sure": 0.8, "seconds": 1.0, "parts": {}} | own
                for fraction, right in {1.0: own["test"], **own["parts"]}.items():
                    for fold in range(FOLDS):
                        y = np.arange(SIZE) % 2
                        at = np.arange(SIZE) + SIZE * fold
                        shares = [s(t) if callable(s) else s - wobble for s in (right, own["train"], own["val"])]
                        shares[0] -= 0.02 * (m + 1) * (fraction == 1 and fold <= t)  # scores vary over splits
                        test, train, val = (probabilities(y, s, own["sure"], m + fold) for s in shares)
                        rows.append(
                            kit.outcome(
                                task=name, method=method, fold=fold, n_train=int(150 * fraction), n_test=SIZE, rows=at,
                                groups=at, y=y, proba=test, train_y=y, train_proba=train, val_y=y, val_proba=val,
                                full=fraction == 1, fraction=fraction, fit_wall=own["seconds"],
                            )
                        )  # fmt: skip
        modalities = (("a", "table", 1), ("b", "table", 1))
        infos = {
            t: TaskInfo(t, t, ("no", "yes"), (100, 100), 200, 200, modalities, protocol, planted=planted) for t in tasks
        }
        return Evaluation(Results(kit.frame_of(rows), infos, {m: METHODS[m] for m in cells}))

    return make


def verdict(evaluation, key):
    return next(v for v in decide(CLAIMS, evaluation, METRIC) if v.claim.key == key)


@pytest.mark.parametrize(
    ("early", "word"), [(0.9, "supported"), (0.6, "contradicted"), (lambda t: 0.5 + 0.3 * (t % 2), "undecided")]
)
def test_fusing_beats_the_best_single_one(made, early, word):
    found = verdict(made(single={"test": 0.7}, early={"test": early}), "fusing")
    assert found.word == word
    assert len(found.evidence.by_task) == 4


@pytest.mark.parametrize(("train", "word"), [(0.98, "supported"), (0.82, "contradicted")])
def test_early_overfits(made, train, word):
    found = verdict(made(early={"train": train}, late={"train": 0.9}), "early-overfits")
    assert found.word == word
    np.testing.assert_allclose(found.effect.value, train - 0.9, atol=0.02)


@pytest.mark.parametrize(
    ("late", "other", "word"), [(0.42, 0.95, "supported"), (0.9, 0.95, "contradicted"), (0.42, 0.5, "undecided")]
)
def test_late_misses_interactions(made, late, other, word):
    evaluation = made(tasks=("xor",), planted=True, late={"test": late}, kernel={"test": other})
    assert verdict(evaluation, "late-interactions").word == word


def test_interactions_are_looked_for_on_xor_alone(made):
    found = verdict(made(tasks=("add",), planted=True, late={}, kernel={}), "late-interactions")
    assert found.word == "undecided"
    assert "no evidence" in found.why
    assert "would be decided by the task xor" in found.why


@pytest.mark.parametrize(
    ("hybrid", "seconds", "word"), [(0.7, 9.0, "supported"), (0.95, 9.0, "contradicted"), (0.8, 0.5, "contradicted")]
)
def test_hybrid_costs_more_than_it_gains(made, hybrid, seconds, word):
    evaluation = made(early={}, late={"test": 0.76}, hybrid={"test": hybrid, "seconds": seconds})
    found = verdict(evaluation, "hybrid-costs")
    assert found.word == word
    assert f"{seconds:.1f} times the seconds" in found.why


def test_no_rule_is_best_everywhere(made):
    turns = made(early={"test": lambda t: 0.96 if t % 2 else 0.6}, kernel={"test": lambda t: 0.6 if t % 2 else 0.96})
    assert verdict(turns, "no-best").word == "supported"
    one_rules = verdict(made(early={"test": 0.95}, kernel={"test": 0.6}), "no-best")
    assert one_rules.word == "undecided"
    assert "1 of 2 methods are distinguishably beaten" in one_rules.why


@pytest.mark.parametrize(("test", "word"), [(0.6, "supported"), (0.88, "contradicted")])
def test_graphs_lose_more_under_shift(made, test, word):
    cells = {"graph": {"val": 0.9, "test": test}, "kernel": {"val": 0.9, "test": 0.75}}
    assert verdict(made(protocol="leave one site out", **cells), "graphs-shift").word == word
    assert "no evidence" in verdict(made(**cells), "graphs-shift").why


@pytest.mark.parametrize(("start", "word"), [(0.6, "supported"), (0.88, "contradicted")])
def test_networks_need_more_data(made, start, word):
    cells = {"early": {"test": 0.9, "parts": {0.2: start}}, "kernel": {"test": 0.9, "parts": {0.2: 0.75}}}
    evaluation = made(**cells)
    found = verdict(evaluation, "networks-data")
    assert found.word == word
    np.testing.assert_allclose(found.effect.value, 0.75 - start, atol=0.02)
    curves = learning_curves(evaluation, METRIC)
    assert set(curves["fraction"]) == {0.2, 1.0}
    assert set(curves["n_train"]) == {30, 150}
    (part,) = claim_parts(evaluation, METRIC)
    assert part.pictures[0].plot().axes
    assert "early" not in {m for task in evaluation.tasks.values() for m in task.failures("early")["method"]}


@pytest.mark.parametrize(("deep", "word"), [(0.7, "supported"), (0.95, "contradicted")])
def test_deeper_costs_more(made, deep, word):
    evaluation = made(deep={"test": deep, "seconds": 3.0}, flat={"seconds": 1.0}, early={})
    found = verdict(evaluation, "deeper-costs")
    assert found.word == word
    assert "3.0 times the seconds of fewer layers" in found.why


@pytest.mark.parametrize(("sure", "word"), [(0.99, "supported"), (0.8, "contradicted")])
def test_calibration_of_networks(made, sure, word):
    other = 0.8 if word == "supported" else 0.99
    evaluation = made(early={"sure": sure}, kernel={"sure": other}, graph={"sure": other})
    assert verdict(evaluation, "networks-kernels").word == word
    assert verdict(evaluation, "networks-graphs").word == word


def test_one_task_decides_nothing_by_a_mean(made):
    evaluation = made(tasks=("only",), single={"test": 0.5}, early={"test": 0.98})
    found = verdict(evaluation, "fusing")
    assert found.word == "undecided"
    assert found.effect.value > 0.4
    assert not found.effect.bounded


def test_claims_pay_for_their_number(made):
    """An effect that one test alone would believe is left open beside many others."""
    values = {f"t{i}": v for i, v in enumerate([0.05, 0.02, -0.01, 0.04, 0.06, 0.0, 0.03, 0.01])}
    nothing = {"t0": 0.01, "t1": -0.01}

    def claim(place):
        return Claim(str(place), "", "", "", "more tasks", lambda *_: Evidence(nothing if place else values))

    claims = tuple(map(claim, range(9)))
    evaluation = made(single={}, early={})
    alone = decide(claims[:1], evaluation, METRIC)[0]
    beside = decide(claims, evaluation, METRIC)[0]
    assert alone.p < 0.05 < 9 * alone.p
    assert beside.p == pytest.approx(9 * alone.p)
    assert (alone.word, beside.word) == ("supported", "undecided")


def test_depth_is_found_in_settings():
    assert _depth({"encoders": {"table": {"name": "mlp", "depth": 4}}}) == 4
    assert _depth({"layers": 2}) == 2
    assert _depth({"hidden": 64}) is None


def test_every_claim_has_all_that_a_reader_needs():
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS) == 10
    for claim in CLAIMS:
        assert claim.statement.endswith(".")
        assert claim.test
        assert claim.decides
