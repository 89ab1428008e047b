"""Learnt graphs: counts over splits by hand, what is drawn and where, and a report that holds hostile ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.figures.edges import Edge, control, draw_edges
from fusebench.reports.figures.ring_layout import middle, ring, spot
from fusebench.reports.figures.structure import MOST, StructureFigure, stability, structure_figure
from fusebench.reports.models.findings import structure_finding
from fusebench.reports.models.structures import Structures, direction, main_part, structures
from fusebench.reports.models.tables import structures_table
from fusebench.reports.results import Results
from fusebench.reports.write import write_report

TREE, NET = "tan", "naive-bayes"
LETTERS = ("a", "b", "c", "d")


def record(
    edges: Sequence[tuple[str, str]], names: Sequence[str] = LETTERS, directed: bool = True, latent: Sequence[str] = ()
) -> dict[str, Any]:
    """A graph as the store keeps it: half of the names belong to the modality "rest", the others to "stress"."""
    half = len(names) / 2
    nodes = [("class", "", "class")]
    nodes += [(name, "rest" if i < half else "stress", "feature") for i, name in enumerate(names)]
    nodes += [(name, "", "latent") for name in latent]
    return {"nodes": nodes, "edges": list(edges), "directed": directed}


def evaluated(kit: SimpleNamespace, graphs: dict[str, list[Any]]) -> Evaluation:
    """Results of one method's graphs split by split, or of several."""
    modalities = (("rest", "table", 2), ("stress", "table", 2))
    folds = max(map(len, graphs.values()))
    spec = replace(kit.TASKS[0], modalities=modalities, folds=folds, repeats=1, n=30 * folds)
    found = kit.synthetic((spec,), tuple(m for m in kit.METHODS if m[0] in graphs))
    frame = found.outcomes.copy()
    frame["structure"] = [graphs[m][f] for m, f in zip(frame["method"], frame["fold"], strict=True)]
    return Evaluation(Results(frame, found.tasks, found.methods))


def learnt(kit: SimpleNamespace, *graphs: Any) -> Structures:
    (found,) = structures(evaluated(kit, {TREE: list(graphs)}).tasks["breast-cancer"])
    return found


STAR = [("class", name) for name in LETTERS]


def test_counts_and_agreement_by_hand(kit: SimpleNamespace) -> None:
    found = learnt(
        kit,
        record([("class", "a"), ("a", "b"), ("b", "c")]),
        record([("class", "a"), ("b", "a"), ("c", "d")]),
        record([("a", "class"), ("a", "b"), ("b", "c"), ("c", "d")]),
    )
    links = {tuple(sorted(link.ends)): link for link in found.links}
    counts = {ends: link.count for ends, link in links.items()}
    assert counts == {("a", "b"): 3, ("a", "class"): 3, ("b", "c"): 2, ("c", "d"): 2}
    assert found.links[0].count == 3
    # Shared of all: splits 1 and 2 {a-class, a-b} of 4, splits 1 and 3 three of 4, splits 2 and 3 three of 4.
    assert found.jaccard == pytest.approx((2 / 4 + 3 / 4 + 3 / 4) / 3)
    assert found.in_all == 2
    assert not found.by_design
    assert direction(links["a", "b"]) == "forward"
    assert (links["a", "b"].forward, links["a", "b"].backward) == (2, 1)
    assert found.blanket == pytest.approx(
        {"class": 0, "a": 1, "b": 1 / 3, "c": 0, "d": 0}
    )  # b is a's other parent once
    assert found.between == pytest.approx(2 / 7)  # b-c crosses, twice; a-b and c-d do not, five times
    assert stability(found) == (
        "Of 4 different edges 2 (50 %) are found in all 3 splits; two splits share 67 % of their edges on average "
        "(Jaccard)."
    )


def test_edges_to_the_class_that_are_there_by_design_are_not_counted(kit: SimpleNamespace) -> None:
    found = learnt(kit, record([*STAR, ("a", "b")]), record([*STAR, ("b", "c")]))
    assert found.by_design
    assert not found.star
    assert {tuple(sorted(link.ends)) for link in found.links} == {("a", "b"), ("b", "c")}
    assert (found.jaccard, found.in_all) == (0.0, 0)


def test_a_star_is_told_and_not_drawn(kit: SimpleNamespace) -> None:
    evaluation = evaluated(kit, {TREE: [record(STAR)] * 2, NET: [record([*STAR, ("a", "b")])] * 2})
    task = evaluation.tasks["breast-cancer"]
    net, tree = structures(task)
    assert tree.star
    assert np.isnan(tree.jaccard)
    assert structure_figure(evaluation, task, tree) is None
    assert structure_figure(evaluation, task, net) is not None
    table = structures_table(evaluation, task, [net, tree])
    assert "to nothing else" in table.notes[table.rows[1].notes[0] - 1]
    assert table.cell(TREE, "edges").estimate.value == 0
    assert table.cell(NET, "in_all").estimate.value == 1
    assert stability(net) == "The one edge is found in all 2 splits."


def test_graphs_that_agree_differ_and_are_missing(kit: SimpleNamespace) -> None:
    same, other = record([("class", "a"), ("a", "b")]), record([("class", "b"), ("c", "d")])
    assert learnt(kit, same, same).jaccard == 1
    assert learnt(kit, same, other).jaccard == 0
    some = learnt(kit, same, None, float("nan"), same)
    assert (some.splits, some.lacking) == (2, 2)
    empty = learnt(kit, record([]), record([]))
    assert np.isnan(empty.jaccard)
    assert structures(evaluated(kit, {TREE: [None, None]}).tasks["breast-cancer"]) == ()
    once = learnt(kit, same)
    assert np.isnan(once.jaccard)
    assert "One split only" in stability(once)


def test_undirected_edges_have_no_arrows(kit: SimpleNamespace) -> None:
    found = learnt(kit, record([("a", "b"), ("class", "a")], directed=False), record([("b", "a")], directed=False))
    assert not found.directed
    assert [(link.count, direction(link)) for link in found.links] == [(2, ""), (1, "")]
    assert found.blanket["b"] == 0


def test_finding_leaves_graphs_that_never_change_out(kit: SimpleNamespace) -> None:
    one, two = record([("a", "b"), ("c", "d")]), record([("a", "b"), ("b", "c")])
    evaluation = evaluated(kit, {TREE: [one, two], NET: [one, one]})
    found = structures(evaluation.tasks["breast-cancer"])
    told = structure_finding(evaluation, found)
    assert told is not None
    assert told.text == (
        "The graph of tan: 1 of 3 edges are found in all 2 splits, and two splits share 33 % of theirs."
    )
    assert structure_finding(evaluation, found[:1]) is None


def wide(kit: SimpleNamespace, size: int, *graphs: Any) -> tuple[Structures, StructureFigure]:
    evaluation = evaluated(kit, {TREE: list(graphs)})
    task = evaluation.tasks["breast-cancer"]
    (found,) = structures(task)
    figure = structure_figure(evaluation, task, found)
    assert figure is not None
    return found, figure


def test_a_huge_graph_is_cut_to_what_is_near_the_class(kit: SimpleNamespace) -> None:
    names = [f"v{i:03d}" for i in range(300)]
    rng = np.random.default_rng(0)
    chain = [(names[rng.integers(0, i)], names[i]) for i in range(1, 300)]
    near = [("class", name) for name in names[290:]] + [("v007", "v295")]
    found, figure = wide(kit, 300, *[record([*chain, *near], names)] * 2)
    assert len(figure.shown) == MOST
    assert {"v007", *names[290:]} <= set(figure.shown)  # neighbours of the class, and another parent of its child
    frame = figure.frame()
    assert len(frame) == len(found.links) == 310
    drawn = frame[frame["drawn"]]
    assert set(drawn["from"]) | set(drawn["to"]) <= {*figure.shown, "class"}
    assert f"270 of 300 variables and {310 - len(drawn)} of 310 edges" in figure.caption


def test_rare_edges_are_not_drawn(kit: SimpleNamespace) -> None:
    often, once = ("class", "a"), ("c", "d")
    _, figure = wide(kit, 4, record([often, once]), record([often]), record([often]))
    assert figure.shown == ("a",)
    frame = figure.frame().set_index("to")
    assert frame["drawn"].to_dict() == {"a": True, "d": False}
    assert frame.loc["d", "share"] == pytest.approx(1 / 3)


def test_the_part_hangs_together_and_serves_all_modalities(kit: SimpleNamespace) -> None:
    found = learnt(kit, *[record([*STAR, ("a", "c"), ("c", "d"), ("a", "b")])] * 2)
    assert main_part(found, found.links, 2) in (("a", "c"), ("c", "a"))
    hub = [("class", "h"), *(("h", name) for name in LETTERS)]
    latent = learnt(kit, *[record(hub, latent=["h"])] * 2)
    chosen = main_part(latent, latent.links, 2)
    assert chosen[0] == "h"
    assert {latent.variables[name].modality for name in chosen[1:]} == {"rest", "stress"}


def test_arrows_and_marks_of_a_drawing(kit: SimpleNamespace) -> None:
    edges = [("class", "h"), ("h", "a"), ("h", "b"), ("c", "h")]
    graph = record(edges, latent=["h"])
    _, figure = wide(kit, 4, graph, {**graph, "edges": [("class", "h"), ("a", "h"), ("c", "h")]}, graph)
    axes = figure.plot().axes[0]
    lines, heads = axes.collections[:2]
    assert len(lines.get_paths()) == 4
    assert len(heads.get_paths()) == 4
    widths, inks = lines.get_linewidths(), lines.get_edgecolors()[:, 3]
    assert widths[0] < widths[1] == widths[3]  # h-b in two of three splits is fainter than the others
    assert inks[0] < inks[1] == inks[3]
    dashed = [c for c in axes.collections[2:] if c.get_linestyle()[0][1] is not None]
    assert len(dashed) == 1
    assert {text.get_text() for text in axes.texts} == {"class", "a", "b", "c"}
    frame = figure.frame().set_index(["from", "to"])
    assert frame.loc[("h", "a"), ["count", "in_this_direction"]].tolist() == [3, 2]


def test_curves_stay_clear_of_the_middle_and_stop_at_the_rims() -> None:
    opposite = control((1.0, 0.0), (-1.0, 0.0), 0.26)
    assert np.hypot(*opposite) / 2 == pytest.approx(0.26)  # a quadratic curve comes half as far as its control point
    beside = control(spot(0.0), spot(0.3), 0.26)
    assert 0.75 < np.hypot(*beside) < np.cos(0.15)  # inwards of the chord, but little
    assert control((0.0, 0.0), (1.0, 0.0), 0.26) == (0.5, 0.0)
    figure = Figure()
    axes = figure.add_subplot()
    point = 0.01
    edge = Edge((-1.0, 0.0), (0.0, 0.0), (10.0, 20.0), 1.0, True)
    draw_edges(axes, [edge, replace(edge, end=(-0.99, 0.0))], point, 0.0)  # the second is shorter than its gaps
    lines, heads = axes.collections
    (line,), (head,) = lines.get_paths(), heads.get_paths()
    assert line.vertices[0, 0] == pytest.approx(-0.9, abs=0.006)
    assert head.vertices[0, 0] == pytest.approx(-0.2, abs=0.006)
    assert head.vertices[1:3, 0] == pytest.approx(head.vertices[0, 0] - 0.046)
    assert line.vertices[2, 0] < head.vertices[0, 0]  # the line ends within its head


def test_a_ring_keeps_groups_together_and_shortens_chords() -> None:
    groups = [["a1", "a2", "a3"], ["b1", "b2", "b3"]]
    links = {("a1", "b3"): 1.0, ("a3", "b1"): 1.0, ("a2", "b2"): 0.1}
    crossed = {("a1", "b1"): 1.0, ("a3", "b3"): 1.0, ("a2", "b2"): 0.1}
    for given in (links, crossed, {}):
        angles = ring(groups, given)
        right = {name for name, angle in angles.items() if np.cos(angle) > 0}
        assert right == {"a1", "a2", "a3"}

        def chord(pair: tuple[str, str], angles: dict[str, float] = angles) -> float:
            return float(np.hypot(*np.subtract(spot(angles[pair[0]]), spot(angles[pair[1]]))))

        if given:
            assert (
                sum(chord(pair) for pair in list(given)[:2]) < 2.65
            )  # across the two gaps between the groups, the shortest
    assert ring([[], ["a"]], {}) == {"a": pytest.approx(np.pi / 2)}
    assert middle([0.0, np.pi / 2]) == pytest.approx(np.pi / 4)


@pytest.fixture(scope="module")
def hostile(kit: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A report in which every name that a plugin or data may choose is a trap."""
    trap = kit.TRAP
    spec = replace(kit.TASKS[0], modalities=((trap, "table", 2), ("b", "table", 2)), folds=3, repeats=1, n=150)
    found = kit.synthetic((spec,), tuple(m for m in kit.METHODS if m[0] in ("alignf-svm", TREE, NET)))
    frame = found.outcomes.copy()
    names = [*(f"{trap} {i}" for i in range(14)), f"{trap}."]  # the last one is nothing but its modality
    nodes = [(trap, "", "class"), *((name, trap, "feature") for name in names), ("h", "", "latent")]
    edges = [(trap, "h"), *(("h", name) for name in names), (names[0], names[1])]
    frame["structure"] = [{"nodes": nodes, "edges": edges, "directed": True}] * len(frame)
    frame["modality_weights"] = [{trap: 0.75, "b": 0.25}] * len(frame)
    methods = {name: replace(info, title=f"{info.title} {trap}") for name, info in found.methods.items()}
    folder = tmp_path_factory.mktemp("hostile")
    write_report(Results(frame, found.tasks, methods, {}), folder)
    return folder, trap


def test_text_of_data_is_escaped_everywhere(hostile: tuple[Path, str]) -> None:
    folder, _ = hostile
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1  # the page's own
    assert "Which modality counted" in page
    assert "Learnt structures" in page
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "### Learnt structures" in markdown
    latex = (folder / "report.tex").read_text(encoding="utf-8")
    assert r"\textless{}script" in latex
    assert not re.search(r"(?<!\\)[#&]alert", latex)


def test_files_of_the_models(hostile: tuple[Path, str]) -> None:
    folder, trap = hostile
    tables = {path.name for path in (folder / "tables").iterdir()}
    assert {"breast-cancer-shares.csv", "breast-cancer-measured.csv", "breast-cancer-structures.csv"} <= tables
    shares = pd.read_csv(folder / "tables" / "breast-cancer-shares.csv").set_index("method")
    assert shares.loc[TREE, f"share_{trap}"] == 0.75
    edges = pd.read_csv(folder / "figures" / "structure-breast-cancer-tan.csv")
    assert edges["share"].eq(1).all()
    for text in ((folder / "report.md").read_text(encoding="utf-8"),):
        for target in re.findall(r"\]\((figures/[^)]+)\)", text):
            assert (folder / target).exists()
    svg = (folder / "figures" / "structure-breast-cancer-tan.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
