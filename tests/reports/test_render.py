"""Renderers: escaping of hostile text, number formats, and the terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from fusebench.reports.files import file_stem
from fusebench.reports.render import table_latex, table_markdown
from fusebench.reports.statistics.intervals import Estimate
from fusebench.reports.table import Cell, Column, Row, Table, number, parts
from fusebench.reports.tables import leaderboard
from fusebench.reports.terminal import TerminalTable

TRAP = "<script>alert('x')</script> 50% of $x_1$ | a_b & c # {d} \\e ~f ^g"
SCORE = Column("s", "Score", "Accuracy", "score", "higher", paper=True)
SECONDS = Column("t", "Fit (s)", "Cost", "seconds", "lower")


def hostile() -> Table:
    cells = (Cell(Estimate(0.9, 0.85, 0.95, 5), "best"), Cell(Estimate(0.0123, 0.01, 0.02, 5), "tied"))
    rows = (
        Row("m", TRAP, "kernel", "method", cells, notes=(1,)),
        Row("n", "[bold]n[/bold]", "neural", "floor", (Cell(), Cell()), status=TRAP),
    )
    return Table("evil", TRAP, (replace(SCORE, title=TRAP), SECONDS), rows, (TRAP,), TRAP)


def test_html_lets_no_markup_through() -> None:
    text = hostile().to_html()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "alert('" not in text


def test_markdown_keeps_its_columns_and_lets_no_markup_through() -> None:
    lines = [line for line in hostile().to_markdown().splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert widths == {4}
    assert "<script" not in hostile().to_markdown()


def test_latex_escapes_every_special() -> None:
    text = table_latex.escape(TRAP)
    for special in ("_", "%", "$", "#", "&"):
        assert not re.search(rf"(?<!\\)\{special}", re.sub(r"\\textbackslash\{\}", "", text))
    assert r"\textless{}script\textgreater{}" in text
    assert r"\textbackslash{}e" in text
    assert table_latex.escape("é 中 ≈ ±") == r"é \textless{}U+4E2D\textgreater{} $\approx$ $\pm$"
    assert table_latex.escape("e\u0301 Ǎ") == "é A"
    assert table_latex.escape("שלום") == r"\textless{}Hebrew: shin-lamed-vav-final mem\textgreater{}"


@given(*[st.text(st.characters(min_codepoint=0x590, max_codepoint=0x6FF), min_size=1, max_size=8)] * 2)
@settings(max_examples=200, deadline=None)
def test_different_hebrew_and_arabic_names_stay_different(first: str, second: str) -> None:
    first, second = (unicodedata.normalize("NFC", " ".join(text.split())) for text in (first, second))
    for spelt in (table_latex.escape, file_stem):
        assert (spelt(first) == spelt(second)) == (first == second)
        assert "?" not in spelt(first)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_escaped_text_is_one_line_with_balanced_braces(text: str) -> None:
    latex = table_latex.escape(text)
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert "\n" not in latex
    assert "\n" not in table_markdown.escape(text)
    assert "<" not in table_markdown.escape(text)


def test_marks_in_every_format() -> None:
    table = hostile()
    assert "**0.900** ± 0.050" in table.to_markdown()
    assert "≈" in table.to_markdown()
    assert r"\textbf{0.900}\,{\tiny $\pm$ 0.050}" in table.to_latex()
    assert r"0.012\,{\tiny$^{+0.008}_{-0.002}$}$^{\approx}$" in table.to_latex()
    assert 'class="n best"' in table.to_html()
    assert table.frame()["s_mark"].tolist() == ["best", ""]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (0.12345, "score", "0.123"),
        (-0.0501, "score", "-0.050"),
        (float("nan"), "score", "–"),
        (0.0004, "seconds", "<0.001"),
        (0.0, "seconds", "0.000"),
        (4.5678, "seconds", "4.57"),
        (45.678, "seconds", "45.7"),
        (456.78, "seconds", "457"),
        (1_234_567, "count", "1.23M"),
        (950, "count", "950"),
        (2.345, "rank", "2.3"),
    ],
)
def test_numbers(value: float, form: str, shown: str) -> None:
    assert number(value, form) == shown  # type: ignore[arg-type]


def test_intervals_say_half_width_only_where_symmetric() -> None:
    assert parts(Cell(Estimate(0.5, 0.4, 0.6, 3)), SCORE) == ("0.500", "± 0.100")
    assert parts(Cell(Estimate(0.5, 0.45, 0.6, 3)), SCORE) == ("0.500", "[0.450, 0.600]")
    assert parts(Cell(Estimate(0.5)), SCORE) == ("0.500", "")
    assert parts(Cell(), SCORE) == ("–", "")
    assert parts(Cell(Estimate(2e6, 1e6, 3e6, 3)), replace(SECONDS, scale=1e-6)) == ("2.00", "± 1.00")


def test_terminal_reads_no_markup_and_shows_marks() -> None:
    stream = io.StringIO()
    Console(file=stream, width=200, color_system=None).print(TerminalTable(hostile()))
    text = stream.getvalue()
    assert "[bold]n[/bold]" in text
    assert "0.900 ± 0.050" in text
    assert "0.012 [0.010, 0.020]≈" in text
    assert "<script>" in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_narrow_terminal_loses_columns_but_never_part_of_a_figure(results, width):
    stream = io.StringIO()
    table = leaderboard(results)
    Console(file=stream, width=width, color_system=None).print(TerminalTable(table))
    lines = stream.getvalue().splitlines()
    assert "…" not in "".join(lines[: 2 + len(table.rows)])
    assert all(len(line) <= width for line in lines)
    at = next(i for i, column in enumerate(table.columns) if column.key == "balanced_accuracy")
    for row in table.rows:
        if row.cells and not row.status:
            shown = next(line for line in lines if line.startswith(row.title))
            assert parts(row.cells[at], table.columns[at])[0] in shown
