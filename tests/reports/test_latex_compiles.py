"""The LaTeX report compiles as it is, whatever text came from data, and cites what it lists."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.references import keys_of, references, split
from fusebench.reports.render.pdf import LatexError, compile_pdf, engine
from fusebench.reports.render.table_latex import escape
from fusebench.reports.results import Results
from fusebench.reports.write import write_report

needs_latex = pytest.mark.skipif(
    engine() is None and not os.environ.get("FUSEBENCH_REQUIRE_LATEX"), reason="no pdflatex is installed"
)
HARD = "<script>&%$#_{}~^\\ שלום عالم 你好 ½ " + "very" * 60


@pytest.fixture(scope="module")
def hard(kit) -> Results:
    """Names with everything that LaTeX stumbles over, in other scripts, and very long."""
    results = kit.synthetic(kit.TASKS[:2], kit.METHODS[:8])
    tasks = {name: replace(info, title=f"{info.title} {HARD}") for name, info in results.tasks.items()}
    methods = {n: replace(i, title=f"{i.title} {HARD}", citation=f"{HARD} 2020") for n, i in results.methods.items()}
    return Results(results.outcomes, tasks, methods, results.run)


@pytest.mark.slow
@needs_latex
@pytest.mark.timeout(600)
def test_the_report_compiles_with_its_references(hard: Results, tmp_path: Path) -> None:
    write_report(hard, tmp_path)
    made = compile_pdf(tmp_path)
    assert made.read_bytes().startswith(b"%PDF")
    assert made.stat().st_size > 50_000
    assert not list(tmp_path.glob("report.aux"))
    latex = (tmp_path / "report.tex").read_text(encoding="utf-8")
    keys = set(re.findall(r"@\w+\{([^,]+),", (tmp_path / "report.bib").read_text(encoding="utf-8")))
    cited = set(re.findall(r"\\cite\{([^}]+)\}", latex))
    assert cited
    assert cited <= keys


@needs_latex
def test_names_in_other_scripts_compile_and_stay_apart(tmp_path: Path) -> None:
    names = ("שלום", "שלוה", "سلام", "你好", "Привет", "a\u200fb", "😀")
    spelt = [escape(name) for name in names]
    assert len(set(spelt)) == len(names)
    lines = [r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{textcomp}"]
    lines += [r"\begin{document}\nocite{*}", *spelt, r"\bibliographystyle{plain}\bibliography{report}"]
    (tmp_path / "report.tex").write_text("\n\n".join([*lines, r"\end{document}"]), encoding="utf-8")
    (tmp_path / "report.bib").write_text("@misc{a,\n  key = {a},\n  note = {b}\n}\n")
    (tmp_path / "figures").mkdir()
    assert compile_pdf(tmp_path).read_bytes().startswith(b"%PDF")


@needs_latex
def test_what_does_not_compile_is_told_with_the_end_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "report.tex").write_text(r"\documentclass{article}\begin{document}\nothing\end{document}")
    (tmp_path / "report.bib").write_text("")
    (tmp_path / "figures").mkdir()
    with pytest.raises(LatexError, match="Undefined control sequence"):
        compile_pdf(tmp_path)
    assert not (tmp_path / "report.pdf").exists()


@needs_latex
def test_no_text_can_start_a_program(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    text = rf"\documentclass{{article}}\begin{{document}}\immediate\write18{{touch {mark}}}text\end{{document}}"
    (tmp_path / "report.tex").write_text(text)
    (tmp_path / "report.bib").write_text("")
    (tmp_path / "figures").mkdir()
    with suppress(LatexError):  # without a citation BibTeX complains
        compile_pdf(tmp_path)
    assert not mark.exists()


def test_citations_are_split_and_found(results: Results) -> None:
    assert split("Doe 2001; Roe et al. 2007 (hidden labels); no year") == ("Doe 2001", "Roe et al. 2007")
    entries = references(Evaluation(results))
    assert len({entry.key for entry in entries}) == len(entries)
    assert keys_of(next(iter(results.methods.values())).citation, entries) == ("doe2020",)
    by_key = {entry.key: entry for entry in entries}
    assert "Demsar, Janez (2006). Statistical comparisons" in by_key["demsar2006"].text
    assert all(entry.bibtex.count("{") == entry.bibtex.count("}") for entry in entries)
