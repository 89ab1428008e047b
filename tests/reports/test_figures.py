"""Figures: what they show as frames, fronts and bands by hand, labels that keep apart, clean files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import _pylab_helpers
from matplotlib.text import Annotation
from scipy.stats import binomtest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.figures import pareto, ranks
from fusebench.reports.figures.labels import label_points, spread
from fusebench.reports.figures.modalities import score_by_modalities
from fusebench.reports.figures.pareto import accuracy_against_calibration, accuracy_against_cost, pareto_front
from fusebench.reports.figures.ranks import ranks_over_tasks
from fusebench.reports.figures.reliability import reliability, wilson
from fusebench.reports.figures.style import inline_svg, new_figure, save, style, svg
from fusebench.reports.tables import survey_table, task_table

PRIMARY = "balanced_accuracy"


def test_pareto_front_by_hand() -> None:
    cost = np.array([1.0, 2.0, 3.0, 3.0, 1.0])
    loss = np.array([0.5, 0.3, 0.4, 0.1, 0.5])
    assert pareto_front(cost, loss).tolist() == [True, True, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_every_point_off_the_front_is_beaten_by_one_on_it(points: list[tuple[int, int]]) -> None:
    cost, loss = np.array(points, dtype=float).T
    front = pareto_front(cost, loss)
    assert front.any()
    for c, v in zip(cost[~front], loss[~front], strict=True):
        assert ((cost[front] <= c) & (loss[front] <= v)).any()


def test_wilson_is_scipys() -> None:
    low, high = wilson(np.array([0.3, 0.0]), np.array([20.0, 5.0]))
    for hits, n, a, b in ((6, 20, low[0], high[0]), (0, 5, low[1], high[1])):
        expected = binomtest(hits, n).proportion_ci(method="wilson")
        assert (a, b) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_spread_keeps_order_and_distance(values: list[float]) -> None:
    moved = spread(values, 0.1)
    order = np.argsort(values, kind="stable")
    assert (np.diff(moved[order]) >= 0.1 - 1e-9).all()
    far = [0.0, 5.0, 10.0]
    assert spread(far, 0.1) == pytest.approx(far)


def test_labels_of_crowded_points_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.2, 0.8, 14), rng.uniform(0.4, 0.6, 14)
    with style():
        figure = new_figure(6.3, 4.3)
        axes = figure.subplots()
        axes.scatter(x, y)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        label_points(axes, list(x), list(y), [f"a-method-{i}" for i in range(14)], ["#000000"] * 14)
        boxes = [t.get_window_extent() for t in axes.texts if isinstance(t, Annotation)]
    assert len(boxes) == 14
    frame = axes.get_window_extent()
    overlaps = 0
    for i, a in enumerate(boxes):
        assert frame.x0 - 2 <= a.x0
        assert a.x1 <= frame.x1 + 2
        overlaps += sum(a.shrunk(0.96, 0.8).overlaps(b.shrunk(0.96, 0.8)) for b in boxes[i + 1 :])
    assert overlaps == 0


def test_pareto_figures_leave_guesses_and_incomplete_methods_out(evaluation: Evaluation) -> None:
    task = evaluation.tasks["planted-add"]
    frame = accuracy_against_cost(evaluation, task_table(evaluation, task), PRIMARY, task).frame()
    assert "prior" not in set(frame["method"])
    assert "mklaren" not in set(frame["method"])
    row = frame.set_index("method").loc["alignf-svm"]
    assert row["x"] == pytest.approx(task.cost("fit_wall").estimate("alignf-svm").value * 9, rel=0.01)
    assert row["y"] == task.score(PRIMARY).estimate("alignf-svm").value
    survey = accuracy_against_calibration(evaluation, survey_table(evaluation), PRIMARY).frame()
    assert "small-vit" not in set(survey["method"])


def test_crowded_figures_name_the_front_and_the_best_and_leftmost_of_each_family(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pareto, "_ALL_NAMED", 5)
    figure = accuracy_against_cost(evaluation, survey_table(evaluation), PRIMARY)
    frame, named = figure.frame(), set(figure.frame().query("named")["method"])
    assert len(named) < len(frame)
    assert named >= set(frame.query("on_front")["method"])
    for _, family in frame.groupby("family"):
        assert named >= {family["method"][family["y"].idxmax()], family["method"][family["x"].idxmin()]}
    assert "Named:" in figure.caption
    drawn = {text.get_text() for text in figure.plot().axes[0].texts}
    assert drawn == named


def test_ranks_are_those_of_the_survey(evaluation: Evaluation) -> None:
    frame = ranks_over_tasks(evaluation, PRIMARY).frame().set_index("method")
    table = survey_table(evaluation)
    for name in frame.index:
        assert frame.loc[name, "mean_rank"] == pytest.approx(table.cell(name, "mean_rank").estimate.value)
    assert frame["rank_on_breast-cancer"].sum() == pytest.approx(len(frame) * (len(frame) + 1) / 2)


def test_of_many_methods_the_best_ranked_are_drawn(evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "MOST", 5)
    figure = ranks_over_tasks(evaluation, PRIMARY)
    drawn = [label.get_text() for label in figure.plot().axes[0].get_yticklabels()]
    assert drawn == list(figure.frame()["method"])[:5]
    assert len(figure.frame()) > 5
    assert figure.caption.endswith("The best 5 are drawn.")


def test_reliability_counts_rows_once_and_bins_lie_within_bands(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    frame = reliability(evaluation, task).frame()
    assert "prior" not in set(frame["method"])
    assert frame.groupby("method")["count"].sum().to_numpy() == pytest.approx(300)
    assert (frame["low"] <= frame["frequency"] + 1e-9).all()
    assert (frame["frequency"] <= frame["high"] + 1e-9).all()


def test_modalities_figure_shows_every_subset(evaluation: Evaluation) -> None:
    figure = score_by_modalities(evaluation, evaluation.tasks["breast-cancer"], PRIMARY)
    assert figure is not None
    points = figure.points[figure.points["method"] == "hybrid"]
    assert points.groupby("count").size().to_dict() == {1: 3, 2: 3, 3: 1}
    full = points[points["count"] == 3]["score"].iloc[0]
    assert full == pytest.approx(evaluation.tasks["breast-cancer"].score(PRIMARY).estimate("hybrid").value)
    means = figure.means.set_index(["method", "count"])["score"]
    assert means["hybrid", 1] < means["hybrid", 3]
    official = evaluation.tasks["heart-official"]
    assert score_by_modalities(evaluation, official, PRIMARY) is not None


def test_files_are_written_whole_and_global_state_is_left_alone(evaluation: Evaluation, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    figure = ranks_over_tasks(evaluation, PRIMARY).plot()
    document = save(figure, tmp_path / "ranks")
    assert dict(mpl.rcParams) == before
    assert not _pylab_helpers.Gcf.figs
    assert {p.name for p in tmp_path.iterdir()} == {"ranks.svg", "ranks.pdf"}
    assert (tmp_path / "ranks.pdf").read_bytes().startswith(b"%PDF")
    assert ET.fromstring(document).tag.endswith("svg")
    assert svg(figure) == document


def test_inline_svg_has_ids_of_its_own_and_follows_the_theme(evaluation: Evaluation) -> None:
    task = evaluation.tasks["heart-official"]
    document = svg(reliability(evaluation, task).plot())
    element = inline_svg(document, "first", "Ranks")
    assert set(re.findall(r'id="([^"]{6})', element)) == {"first-"}
    assert all(ref.startswith("#first-") for ref in re.findall(r'href="([^"]+)"', element))
    assert "var(--ink)" in element
    words = [re.sub(r"<[^>]+>", "", text) for text in re.findall(r"<text[^>]*>.*?</text>", document, flags=re.DOTALL)]
    assert words
    assert all(word.strip() in element for word in words)
    assert "<metadata" not in element
    ids = set(re.findall(r'id="([^"]+)"', element))
    assert set(re.findall(r"url\(#([^)]+)\)", element)) <= ids
