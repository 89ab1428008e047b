"""Which modality counted: shares and spreads by hand, what is left out and why, and what single modalities score."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.figures.shares import shares_figure
from fusebench.reports.models.findings import alone_finding, weight_finding
from fusebench.reports.models.modality_shares import MethodShares, by_weight, modality_shares
from fusebench.reports.models.subsets import Measured, measured
from fusebench.reports.models.tables import measured_table, shares_table
from fusebench.reports.results import Results
from fusebench.reports.statistics.intervals import Estimate

PRIMARY = "balanced_accuracy"
NAMES = ("prior", "concat-logistic", "alignf-svm", "uniform-kernel-svm", "naive-bayes", "tan")


def weighed(kit: SimpleNamespace, weights: dict[str, list[dict[str, float] | None]]) -> Evaluation:
    """Results of three splits on three modalities (mean, error, worst) with the weights of each split."""
    spec = replace(kit.TASKS[0], folds=3, repeats=1, n=150)
    found = kit.synthetic((spec,), tuple(m for m in kit.METHODS if m[0] in NAMES))
    frame = found.outcomes.copy()
    frame["modality_weights"] = [
        weights[method][fold] if full and method in weights else None
        for method, fold, full in zip(frame["method"], frame["fold"], frame["full"], strict=True)
    ]
    return Evaluation(Results(frame, found.tasks, found.methods))


@pytest.fixture(scope="module")
def evaluation(kit: SimpleNamespace) -> Evaluation:
    equal = {"mean": 1.0, "error": 1.0, "worst": 1.0}
    return weighed(
        kit,
        {
            "concat-logistic": [{"mean": 5.0, "worst": 5.0}, {"worst": 2.0}, {"error": 0.0, "mean": 3.0, "worst": 1.0}],
            "alignf-svm": [{"mean": 0.1, "error": 0.1, "worst": 0.8}, None, {"mean": 0.0, "error": 0.0, "worst": 0.0}],
            "uniform-kernel-svm": [equal, equal, equal],
            "prior": [{"mean": 1.0}] * 3,
            "naive-bayes": [{"mean": 1.0, "error": 0.0, "worst": 3.0}] * 2 + [{"worst": 1.0}],
        },
    )


@pytest.fixture(scope="module")
def shares(evaluation: Evaluation) -> dict[str, MethodShares]:
    return {s.method: s for s in modality_shares(evaluation, evaluation.tasks["breast-cancer"], PRIMARY)}


def test_shares_and_spread_by_hand(shares: dict[str, MethodShares]) -> None:
    own = shares["concat-logistic"]
    assert own.modalities == ("mean", "error", "worst")
    assert own.values.tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0], [0.75, 0.0, 0.25]]
    assert own.mean == pytest.approx([1.25 / 3, 0.0, 1.75 / 3])
    assert own.sd == pytest.approx([np.sqrt(0.2916666667 / 2), 0.0, np.sqrt(0.2916666667 / 2)])
    assert own.silent == 0


def test_splits_without_weights_are_left_out_and_counted(shares: dict[str, MethodShares]) -> None:
    own = shares["alignf-svm"]
    assert own.values.tolist() == [[pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.8)]]
    assert own.silent == 2
    assert np.isnan(own.sd).all()
    assert "tan" not in shares


def test_guesses_and_weights_by_design_do_not_tell(shares: dict[str, MethodShares]) -> None:
    assert {name for name, own in shares.items() if own.guessing} == {"prior"}
    assert {name for name, own in shares.items() if own.fixed} == {"uniform-kernel-svm"}
    assert not shares["prior"].telling
    always = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert not MethodShares("picked", ("a", "b"), always, 0, False).fixed  # the same choice each time is a choice


def test_a_modality_is_first_only_when_every_split_says_so(shares: dict[str, MethodShares]) -> None:
    assert shares["naive-bayes"].first == "worst"
    assert shares["concat-logistic"].first is None
    assert shares["uniform-kernel-svm"].first is None
    assert by_weight(list(shares.values())) == ("worst", "mean", "error")
    assert by_weight([]) == ()


def test_families_stand_together_and_simple_baselines_last(shares: dict[str, MethodShares]) -> None:
    assert list(shares)[2:] == ["naive-bayes", "concat-logistic", "prior"]
    assert set(list(shares)[:2]) == {"alignf-svm", "uniform-kernel-svm"}


@pytest.mark.parametrize("bad", [{"mean": np.nan}, {"mean": -1.0, "worst": 2.0}, {}, {"mean": 0.0}, {"other": 1.0}])
def test_weights_that_are_none_give_no_shares(kit: SimpleNamespace, bad: dict[str, float]) -> None:
    evaluation = weighed(kit, {"tan": [bad, bad, bad]})
    assert modality_shares(evaluation, evaluation.tasks["breast-cancer"], PRIMARY) == ()


def test_table_and_figure_hold_the_same_numbers(evaluation: Evaluation, shares: dict[str, MethodShares]) -> None:
    task, every = evaluation.tasks["breast-cancer"], tuple(shares.values())
    table = shares_table(evaluation, task, every)
    assert [column.title for column in table.columns] == ["worst", "mean", "error"]
    figure = table.cell("concat-logistic", "share_worst").estimate
    assert (figure.value, figure.half) == (pytest.approx(1.75 / 3), pytest.approx(np.sqrt(0.2916666667 / 2)))
    assert "0.583 ± 0.382" in table.to_markdown()
    notes = {row.name: [table.notes[n - 1] for n in row.notes] for row in table.rows}
    assert "No better than guessing" in notes["prior"][0]
    assert "by design" in notes["uniform-kernel-svm"][0]
    assert notes["alignf-svm"] == ["No weights in 2 of 3 splits; shares are over the others."]
    assert notes["naive-bayes"] == []

    picture = shares_figure(evaluation, task, every)
    frame = picture.frame().set_index(["method", "modality"])
    assert frame.loc[("concat-logistic", "worst"), ["mean", "least", "greatest"]].tolist() == pytest.approx(
        [1.75 / 3, 0.25, 1.0]
    )
    assert "Hollow" in picture.caption
    assert "Diamonds" in picture.caption
    texts = [text.get_text() for axes in picture.plot().axes for text in axes.texts]
    assert [t for t in texts if t != "■"] == ["worst", "mean", "error"]


def test_one_modality_has_no_shares(kit: SimpleNamespace) -> None:
    spec = replace(kit.TASKS[0], modalities=(("mean", "table", 3),), folds=2, repeats=1, n=60)
    found = kit.synthetic((spec,), kit.METHODS[2:3])
    frame = found.outcomes.assign(modality_weights=[{"mean": 1.0}] * len(found.outcomes))
    evaluation = Evaluation(Results(frame, found.tasks, found.methods))
    task = evaluation.tasks["breast-cancer"]
    assert modality_shares(evaluation, task, PRIMARY) == ()
    assert measured(evaluation, task, PRIMARY) == ()


def made(*firsts: str | None, **known: Any) -> list[MethodShares]:
    """Methods with two splits, whose largest share is on the modality that is named, or changes."""
    rows = {"a": [[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]], "b": [[0.1, 0.8, 0.1], [0.2, 0.7, 0.1]]}
    change = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]
    shape = {"silent": 0, "guessing": False, **known}
    return [
        MethodShares(f"m{i}", ("a", "b", "c"), np.array(rows[f] if f else change), **shape)
        for i, f in enumerate(firsts)
    ]


@pytest.mark.parametrize(
    ("firsts", "told"),
    [
        (
            ("a", "a"),
            "The methods agree which modality counted: all 2 that learn weights put most on a in every split.",
        ),
        (
            ("a", "a", "b"),
            "Most methods agree which modality counted: 2 of 3 that learn weights put most on a in every split, "
            "1 on b.",
        ),
        (
            ("b", None, "a", None),
            "The methods disagree which modality counted: 1 of 4 that learn weights put most on a in every split, "
            "1 on b; for 2 it changes between splits.",
        ),
        ((None, None), "For none of the 2 methods that learn weights the same modality is first in every split."),
    ],
)
def test_finding_follows_from_the_counts(firsts: tuple[str | None, ...], told: str) -> None:
    found = weight_finding(made(*firsts))
    assert found is not None
    assert found.text == told


def test_finding_needs_two_methods_that_tell() -> None:
    assert weight_finding(made("a")) is None
    assert weight_finding([*made("a"), *made("b", guessing=True)]) is None


def test_single_modalities_are_measured_by_hand(evaluation: Evaluation, kit: SimpleNamespace) -> None:
    task = evaluation.tasks["breast-cancer"]
    found = measured(evaluation, task, PRIMARY)
    assert [own.method for own in found] == ["concat-logistic", "alignf-svm"]
    frame = evaluation.results.outcomes
    own = frame[frame["method"] == "concat-logistic"].to_dict("records")

    def splits(*names: str) -> list[dict[str, Any]]:
        return sorted((row for row in own if set(row["modalities"]) == set(names)), key=lambda row: row["fold"])

    def recall(row: dict[str, Any]) -> float:
        """Mean over both classes."""
        return float(np.mean([(row["proba"].argmax(axis=1)[row["y"] == c] == c).mean() for c in (0, 1)]))

    def loss(row: dict[str, Any]) -> float:
        return float(-np.log(row["proba"][np.arange(len(row["y"])), row["y"]]).mean())

    everything, without, alone = splits("mean", "error", "worst"), splits("mean", "error"), splits("worst")
    assert found[0].alone["worst"].value == pytest.approx(np.mean([recall(row) for row in alone]))
    gap = [recall(a) - recall(b) for a, b in zip(everything, without, strict=True)]
    assert found[0].lost["worst"].value == pytest.approx(np.mean(gap))
    gap = [loss(b) - loss(a) for a, b in zip(everything, without, strict=True)]  # lower is better
    assert measured(evaluation, task, "log_loss")[0].lost["worst"].value == pytest.approx(np.mean(gap), abs=1e-6)
    table = measured_table(evaluation, task, found, ("worst", "mean", "error"), PRIMARY)
    assert [c.title for c in table.columns] == ["worst", "mean", "error"] * 2
    assert table.cell("alignf-svm", "alone_mean").estimate == found[1].alone["mean"]


def test_best_alone_is_only_said_when_it_is_distinguishable(evaluation: Evaluation) -> None:
    known = {"a": Estimate(0.9), "b": Estimate(0.5)}
    sure, unsure = (Measured(m, known, known, best) for m, best in (("tan", "a"), ("prior", None)))
    text = alone_finding(evaluation, [sure, unsure])
    assert text is not None
    assert text.text == (
        "Measured alone, a is distinguishably better than every other (with tan); no modality is distinguishably "
        "better than any other (with prior)."
    )
    assert alone_finding(evaluation, []) is None
