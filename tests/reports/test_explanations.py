"""What modalities add and what counts within them: means and intervals by hand, what is left out, hostile names."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.figures.contributions import contributions_figure
from fusebench.reports.figures.features import features_figure
from fusebench.reports.figures.maps import maps_figure
from fusebench.reports.models.attributions import attributed, strongest
from fusebench.reports.models.contributions import contributions, most_first, reasons
from fusebench.reports.models.findings import contribution_finding
from fusebench.reports.models.tables import contributions_table
from fusebench.reports.parts import task_parts
from fusebench.reports.results import Results
from fusebench.reports.statistics.intervals import corrected_t
from fusebench.reports.write import write_report

PRIMARY = "balanced_accuracy"
MODALITIES = ("mean", "error", "worst")
NAMES = ("prior", "concat-logistic", "alignf-svm", "early-additive", "late-mean")


def part(names: tuple[str, ...] = (), sizes: tuple[float, ...] = (), gradient: Any = None, cam: Any = None) -> dict:
    return {"names": names, "sizes": np.array(sizes, dtype=np.float32), "gradient": gradient, "cam": cam}


def told(shapley: Any = None, why: tuple[str, ...] = (), modalities: tuple[str, ...] = MODALITIES, **parts: Any) -> Any:
    """An explanation as the results frame holds it."""
    values = None if shapley is None else np.array(shapley, dtype=np.float32)
    nothing = None if values is None else np.full(len(values), 0.5, dtype=np.float32)
    rows = np.arange(2 if values is None else len(values))
    return {
        "rows": rows,
        "modalities": modalities,
        "shapley": values,
        "nothing": nothing,
        "reasons": why,
        "attributions": parts,
    }


def explained(
    kit: SimpleNamespace,
    stored: dict[str, list[Any]],
    names: tuple[str, ...] = MODALITIES,
    methods: tuple[str, ...] = NAMES,
) -> Evaluation:
    """Results of three splits with what each split of a method has stored."""
    modalities = tuple((name, "table", 10) for name in names)
    spec = replace(kit.TASKS[0], folds=3, repeats=1, n=150, modalities=modalities)
    found = kit.synthetic((spec,), tuple(m for m in kit.METHODS if m[0] in methods))
    frame = found.outcomes.copy()
    frame["explanation"] = [
        stored[method][fold] if full and method in stored else None
        for method, fold, full in zip(frame["method"], frame["fold"], frame["full"], strict=True)
    ]
    return Evaluation(Results(frame, found.tasks, found.methods))


ROWS = [[[0.5, 0.0, 0.25], [0.25, 0.0, 0.0]], [[0.25, 0.0, 0.0]], [[0.125, 0.0, 0.5]]]


@pytest.fixture(scope="module")
def evaluation(kit: SimpleNamespace) -> Evaluation:
    return explained(
        kit,
        {
            "prior": [told([[0.0, 0.0, 0.0]])] * 3,
            "concat-logistic": [told(rows) for rows in ROWS],
            "alignf-svm": [told([[0.0, 0.1, 0.3]])] * 2 + [told(None, why=("failed: <b>",))],
            "early-additive": [
                told(
                    mean=part(("x0", "x1"), (3.0, 1.0)),
                    error=part(gradient=np.array([[1.0, 3.0]]), cam=np.array([[0.0, 4.0]])),
                ),
                told(mean=part(("x1", "x2"), (1.0, 1.0)), error=part(gradient=np.array([[3.0, 1.0]]))),
                None,
            ],
            "late-mean": [told(mean=part(("x2",), (5.0,)), worst=part(gradient=np.zeros(4)))] * 3,
        },
    )


def test_means_intervals_and_order_by_hand(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    found = {own.method: own for own in contributions(evaluation, task, PRIMARY)}
    assert list(found) == ["alignf-svm", "concat-logistic", "prior"]
    own = found["concat-logistic"]
    assert own.values.tolist() == [[0.375, 0.0, 0.125], [0.25, 0.0, 0.0], [0.125, 0.0, 0.5]]
    assert own.rows == 4
    assert own.estimates["mean"] == corrected_t(np.array([0.375, 0.25, 0.125]), 0.5)
    assert own.first is None
    assert len(found["alignf-svm"].values) == 2
    assert found["alignf-svm"].first == "worst"
    assert {name for name, own in found.items() if own.guessing} == {"prior"}
    assert most_first(list(found.values())) == ("worst", "mean", "error")
    assert reasons(task) == ("failed: <b>",)


def test_table_figure_and_finding_say_the_same(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    found = contributions(evaluation, task, PRIMARY)
    table = contributions_table(evaluation, task, found)
    assert [column.title for column in table.columns] == ["worst", "mean", "error"]
    picture = contributions_figure(evaluation, task, found)
    for row in picture.frame().itertuples():
        estimate = table.cell(row.method, f"added_{row.modality}").estimate
        assert (row.mean, row.low, row.high) == pytest.approx(
            (estimate.value, estimate.low, estimate.high), nan_ok=True
        )
    figure = picture.plot()
    assert [t.get_text() for axes in figure.axes for t in axes.texts if t.get_text() != "■"] == list(picture.modalities)
    low, high = figure.axes[0].get_xlim()
    assert low < 0 < 0.5 < high < 1
    finding = contribution_finding(found)
    assert finding is not None
    assert finding.text == (
        "It is not settled which modality adds most: 1 of 2 gain most from worst in every split; "
        "for 1 it changes between splits."
    )


def test_features_and_maps_by_hand(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    features, maps = attributed(evaluation, task, PRIMARY)
    own = next(f for f in features if f.method == "early-additive")
    assert own.names == ("x0", "x1", "x2")
    assert own.values.tolist() == [[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
    assert own.share == pytest.approx({"x0": 0.375, "x1": 0.375, "x2": 0.25})
    assert own.sd["x0"] == pytest.approx(np.std([0.75, 0.0], ddof=1))
    assert strongest(features, "mean", 2) == ["x2", "x0"]
    by_kind = {(m.method, m.modality, m.kind): m for m in maps}
    gradient = by_kind["early-additive", "error", "gradient"]
    assert gradient.mean.tolist() == [[1.0, 1.0]]
    assert gradient.sd == pytest.approx(np.full((1, 2), np.sqrt(2.0) / 2.0))
    assert by_kind["early-additive", "error", "cam"].mean.tolist() == [[0.0, 1.0]]
    assert np.isnan(by_kind["early-additive", "error", "cam"].sd).all()
    assert not by_kind["late-mean", "worst", "gradient"].mean.any()

    drawn = features_figure(evaluation, task, tuple(features))
    assert drawn is not None
    frame = drawn.frame().set_index(["method", "feature"])
    assert frame.loc[("early-additive", "x1"), ["mean", "share"]].tolist() == pytest.approx([1.0, 0.375])
    assert len(drawn.plot().axes) == 1
    pictures = maps_figure(evaluation, task, tuple(maps))
    assert pictures is not None
    frame = pictures.frame().set_index(["method", "modality", "map", "position"])
    assert frame.loc[("early-additive", "error", "cam", "0,1"), "mean"] == 1.0
    assert len(pictures.plot().axes) == 6  # two methods; error has two kinds of map, worst one


def test_what_is_not_stored_is_not_shown(kit: SimpleNamespace) -> None:
    evaluation = explained(kit, {})
    task = evaluation.tasks["breast-cancer"]
    assert contributions(evaluation, task, PRIMARY) == ()
    assert contribution_finding(()) is None
    assert features_figure(evaluation, task, ()) is maps_figure(evaluation, task, ()) is None
    parts = task_parts(evaluation, task, PRIMARY)
    assert not any("Shapley" in text for p in parts for text in p.paragraphs)
    assert all(p.title != "What counted within modalities" for p in parts)
    foreign = told(ROWS[0], modalities=("mean", "error", "other"))
    other = explained(kit, {"tan": [foreign] * 3, "alignf-svm": [foreign] * 3})
    assert contributions(other, other.tasks["breast-cancer"], PRIMARY) == ()


@pytest.mark.parametrize("sides", [(9,), (4, 5), (3, 4, 5)], ids=["signal", "image", "volume"])
def test_maps_of_every_number_of_sides_are_drawn(kit: SimpleNamespace, sides: tuple[int, ...]) -> None:
    grid = np.arange(np.prod(sides), dtype=np.float32).reshape(sides)
    evaluation = explained(kit, {"early-additive": [told(mean=part(gradient=grid, cam=grid))] * 3})
    task = evaluation.tasks["breast-cancer"]
    picture = maps_figure(evaluation, task, tuple(attributed(evaluation, task, PRIMARY)[1]))
    assert picture is not None
    assert len(picture.plot().axes) == 2
    assert ("first side" in picture.caption) == (len(sides) == 3)


def test_hostile_names_are_escaped_and_maps_reach_the_page(kit: SimpleNamespace, tmp_path: Path) -> None:
    names = ("mean", kit.TRAP, "worst")
    parts = {"mean": part((kit.TRAP, "$y_2$"), (2.0, 1.0)), kit.TRAP: part(cam=np.eye(3))}
    stored = told(ROWS[0], why=(kit.TRAP,), modalities=names, **parts)
    evaluation = explained(kit, {"early-additive": [stored] * 3}, names, ("early-additive",))
    page = write_report(evaluation, tmp_path).read_text()
    assert "<script>alert" not in page
    (image,) = set(re.findall(r'xlink:href="data:image/png;base64,([^"]+)"', page))
    assert base64.b64decode(image).startswith(b"\x89PNG")
    assert {"contributions-breast-cancer.svg", "features-breast-cancer.csv", "maps-breast-cancer.pdf"} <= {
        path.name for path in (tmp_path / "figures").iterdir()
    }
    assert "<script>alert" not in (tmp_path / "report.md").read_text()
