"""Findings, checks and the written report as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusebench.reports.checks.registry import run_checks
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.files import write_text
from fusebench.reports.findings import fusion_gain, task_findings
from fusebench.reports.results import Results
from fusebench.reports.write import write_report

FEW = ("prior", "best-single", "concat-logistic", "alignf-svm", "hybrid", "small-vit")


def some(kit: SimpleNamespace, *names: str) -> tuple[Any, ...]:
    return tuple(method for method in kit.METHODS if method[0] in names)


@pytest.fixture(scope="module")
def small(kit: SimpleNamespace) -> Results:
    trap = kit.TRAP
    few = (replace(kit.TASKS[0], folds=3, n=150), replace(kit.TASKS[2], folds=3, n=150))
    found = kit.synthetic(few, some(kit, *FEW))
    tasks = {name: replace(info, title=f"{info.title} {trap}", caveats=(trap,)) for name, info in found.tasks.items()}
    methods = {name: replace(info, title=f"{info.title} {trap}", summary=trap) for name, info in found.methods.items()}
    frame = found.outcomes.copy()
    frame["notes"] = [(trap,)] * len(frame)
    return Results(frame, tasks, methods, {**found.run, "command": f"fusebench run {trap}"})


@pytest.fixture(scope="module")
def written(small: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    assert write_report(small, folder) == folder / "report.html"
    return folder


class Page(HTMLParser):
    """Tags that stay open, and every address that the page would load."""

    VOID = frozenset({"meta", "link", "br", "input", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "poster") and value:
                self.addresses.append(value)
            if name == "id" and value:
                self.ids.append(value)
            assert not name.startswith("on"), f"inline handler {name}"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()


def test_page_is_one_sound_file_that_loads_nothing(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    inside = [address for address in page.addresses if not address.startswith("data:image/png;base64,")]
    assert all(address.startswith("#") for address in inside)
    assert {a[1:] for a in inside} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.scripts == 1
    assert "Content-Security-Policy" in text
    assert "<script>alert" not in text
    assert not re.search(r"url\((?!#)", text)
    assert len(text) < 2_000_000


def test_page_tells_what_was_asked_of_it(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    for words in (
        "What was found",
        "Survey",
        "not distinguishable",
        "Checks",
        "Cells without a result",
        "How to read",
        "reproduce",
        "Inferred",
        "Published",
    ):
        assert words.lower() in text.lower(), words


def test_files_of_a_report(written: Path) -> None:
    tasks = ("breast-cancer", "planted-add")
    parts = ("", "-measured", "-gains", "-hard-rows", "-against-best", "-price")
    tables = {"survey.csv", "order.csv", *(f"{task}{part}.csv" for task in tasks for part in parts)}
    assert tables <= {p.name for p in (written / "tables").iterdir()}
    frame = pd.read_csv(written / "tables" / "breast-cancer.csv").set_index("method")
    assert frame.loc["small-vit", "status"] == "failed"
    assert 0.5 < frame.loc["alignf-svm", "balanced_accuracy"] < 1
    stems = {p.stem for p in (written / "figures").iterdir()}
    assert {"ranks", "cost-survey", "reliability-breast-cancer", "modalities-breast-cancer"} <= stems
    assert not list(written.rglob(".*"))
    markdown = (written / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    for target in re.findall(r"\]\((figures/[^)]+)\)", markdown):
        assert (written / target).exists()
    latex = (written / "report.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") >= 3
    for target in re.findall(r"\\includegraphics\[[^]]*\]\{([^}]+)\}", latex):
        assert (written / target).exists()


@pytest.mark.slow
def test_latex_compiles_where_there_is_an_engine(written: Path) -> None:
    import shutil

    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        pytest.skip("no LaTeX engine is installed")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if engine.endswith("pdflatex") else []
    done = subprocess.run([engine, *options, "report.tex"], cwd=written, capture_output=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


@pytest.mark.slow
def test_same_results_same_page(small: Results, written: Path, tmp_path: Path) -> None:
    again = write_report(small, tmp_path)
    assert again.read_text(encoding="utf-8") == (written / "report.html").read_text(encoding="utf-8")


def test_report_refuses_what_it_cannot_tell(small: Results, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no metric 'kappa'"):
        write_report(small, tmp_path, primary="kappa")
    empty = Results(small.outcomes.iloc[:0], small.tasks, small.methods)
    with pytest.raises(ValueError, match="run a task first"):
        write_report(empty, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_report_of_one_task_and_one_method(kit: SimpleNamespace, tmp_path: Path) -> None:
    results = kit.synthetic((replace(kit.TASKS[0], folds=2, repeats=1, n=60),), some(kit, "concat-logistic"))
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "1 method on Breast cancer" in text
    assert "One task only" in text


def test_a_report_where_everything_failed(kit: SimpleNamespace, tmp_path: Path) -> None:
    results = kit.synthetic((replace(kit.TASKS[0], folds=2, repeats=1, n=60),), some(kit, "small-vit"))
    assert "No method completed every split" in write_report(results, tmp_path).read_text(encoding="utf-8")


def test_findings_follow_from_the_numbers(evaluation: Evaluation) -> None:
    task = evaluation.tasks["digits-views"]
    scores = task.score("balanced_accuracy")
    found = {f.topic: f.text for f in task_findings(evaluation, task)}
    assert found["best"].startswith(evaluation.info(str(scores.best)).title)
    assert f"{len(scores.tied)} of the {int(scores.complete.sum()) - 1} other" in found["best"]
    gain = fusion_gain(evaluation, scores)
    assert gain is not None
    assert gain[1] == "best-single"
    assert gain[2].value == pytest.approx(scores.estimate(gain[0]).value - scores.estimate("best-single").value)
    assert found["fusion"].startswith("Fusion helps here" if gain[2].low > 0 else "No distinguishable gain")
    cheap = min((str(scores.best), *scores.tied), key=lambda n: task.cost("fit_wall").estimate(n).value)
    assert evaluation.info(cheap).title in found["cost"]


def test_fusion_that_does_not_help_is_said_so(kit: SimpleNamespace) -> None:
    same = [
        ("best-single", "baseline", "none", "floor", 1.0, 1.0, 0.1),
        ("late-mean", "neural", "late", "method", 1.0, 1.0, 1.0),
    ]
    evaluation = Evaluation(kit.synthetic((replace(kit.TASKS[0], n=200),), tuple(same)))
    texts = {f.topic: f.text for f in task_findings(evaluation, evaluation.tasks["breast-cancer"])}
    assert texts["fusion"].startswith("No distinguishable gain")


def codes(evaluation: Evaluation) -> dict[str, set[tuple[str, str]]]:
    return {c.check.code: {(r.task, r.method) for r in c.remarks} for c in run_checks(evaluation)}


def test_checks_find_what_was_planted(evaluation: Evaluation) -> None:
    found = codes(evaluation)
    assert ("planted-add", "naive-bayes") in found["FB05"]
    assert ("breast-cancer", "alignf-svm") not in found["FB05"]
    assert {m for _, m in found["FB10"]} == {"hybrid"}
    assert ("breast-cancer", "naive-bayes") in found["FB11"]
    assert ("heart-official", "") in found["FB12"]
    assert ("", "") in found["FB15"]
    assert ("planted-add", "mklaren") in found["FB06"]
    assert ("digits-views", "tensor-fusion") not in found["FB06"]  # skipped by its own rule
    assert ("heart-official", "small-vit") in found["FB16"]
    assert found["FB09"] == {("", "population-gcn")}
    assert not found["FB07"]
    assert not found["FB08"]
    assert not found["FB04"]


def test_checks_find_leaks_guesses_budgets_and_machines(results: Results) -> None:
    frame = results.outcomes[results.outcomes["task"] == "planted-add"].reset_index(drop=True).copy()
    rng = np.random.default_rng(0)

    def planted(row: pd.Series) -> object:
        if row["status"] == "ok" and row["method"] == "hybrid":
            return np.eye(2)[row["y"]] * 0.98 + 0.01
        return rng.dirichlet([1, 1], size=len(row["y"])) if row["method"] == "tan" else row["proba"]

    frame["proba"] = [planted(row) for _, row in frame.iterrows()]
    frame.loc[frame["method"] == "tan", "budget"] = 99
    frame.loc[frame["method"] == "tan", "threads"] = 8
    found = codes(Evaluation(Results(frame, results.tasks, results.methods)))
    assert ("planted-add", "hybrid") in found["FB03"]
    assert ("planted-add", "hybrid") in found["FB04"]
    assert ("planted-add", "tan") in found["FB01"]
    assert ("planted-add", "tan") in found["FB02"]
    assert ("planted-add", "") in found["FB07"]
    assert ("planted-add", "") in found["FB08"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write_text(tmp_path / "a.txt", "old")

    def broken(self: Path, other: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_metric_cards_import_nothing_heavy() -> None:
    code = (
        "import sys; import fusebench.reports.metrics.cards; "
        "heavy = {'numpy', 'pandas', 'matplotlib', 'scipy', 'jinja2'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_this_room_imports_no_other() -> None:
    import fusebench.reports.results as anchor

    for path in Path(anchor.__file__).parent.glob("*.py"):
        assert not re.search(r"fusebench\.(datasets|methods|benchmarks)", path.read_text(encoding="utf-8")), path.name
