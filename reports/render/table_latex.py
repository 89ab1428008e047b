"""Tables as LaTeX with booktabs, with everything from data and plugins escaped."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

from ..files import file_stem
from ..table import MISSING, ROLE_TITLES, Cell, Column, Row, Table, number, parts, sections

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "—": "---",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "²": r"\textsuperscript{2}",
    "…": r"\dots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "µ": r"$\mu$",
}
_LONG = 44
_PATTERN = re.compile("|".join(re.escape(key) for key in _ESCAPES))


def escape(text: str) -> str:
    """Text that LaTeX sets as it is, in the fonts that every engine has: specials are escaped.

    What plain Latin fonts lack is set without its marks where that leaves Latin letters, and spelt out by the letters'
    names elsewhere, so that different names of any script stay different.
    """
    single = unicodedata.normalize("NFC", " ".join(str(text).split()))
    plain = "".join(_spelt(script, list(run)) for script, run in itertools.groupby(single, _script))
    return _PATTERN.sub(lambda found: _ESCAPES[found.group()], plain)


def render(table: Table) -> str:
    """A ``table`` environment: caption, column groups, rules between roles, footnotes below."""
    columns = table.columns
    spec = _column([row.title for row in table.rows])
    for place, column in enumerate(columns):
        spec += _column([row.cells[place].text for row in table.rows]) if column.form == "text" else "r"
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escape(table.title)}}}",
        rf"\label{{tab:{file_stem(table.name)}}}",
    ]
    lines += [r"\fusebenchfit{%", rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}", r"\toprule"]
    if len(table.groups) > 1:
        cells, rules, place = [""], [], 2
        for group, width in table.groups:
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}")
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
            place += width
        lines += [" & ".join(cells) + r" \\", " ".join(rules)]
    lines += [" & ".join([escape(table.stub), *(escape(column.title) for column in columns)]) + r" \\"]
    for role, rows in sections(table):
        lines.append(r"\midrule")
        if len(sections(table)) > 1:
            lines.append(
                rf"\multicolumn{{{len(columns) + 1}}}{{@{{}}l}}{{\textit{{{escape(ROLE_TITLES.get(role, role))}}}}} \\"
            )
        lines += [_row(row, columns) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}}"]
    below = [escape(table.legend)] if table.legend else []
    below += [rf"\textsuperscript{{{i}}} {escape(note)}" for i, note in enumerate(table.notes, 1)]
    if below:
        lines.append(
            r"\par\vspace{4pt}\begin{minipage}{\linewidth}\scriptsize\raggedright "
            + r"\par ".join(below)
            + r"\end{minipage}"
        )
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _column(texts: Sequence[str]) -> str:
    """How a column of words is set: in lines of a fixed width where one of them is long."""
    longest = max((len(text) for text in texts), default=0)
    if longest <= _LONG:
        return "l"
    return rf">{{\raggedright\arraybackslash}}p{{{min(82, 40 + longest // 4)}mm}}"


def _row(row: Row, columns: tuple[Column, ...]) -> str:
    name = escape(row.title) + _numbers(row.notes)
    if row.status:
        return rf"{name} & \multicolumn{{{len(columns)}}}{{l}}{{\textit{{{escape(row.status)}}}}} \\"
    return " & ".join([name, *(_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True))]) + r" \\"


def _cell(cell: Cell, column: Column) -> str:
    value, interval = parts(cell, column)
    shown = "--" if value == MISSING else escape(value)
    if cell.mark == "best":
        shown = rf"\textbf{{{shown}}}"
    if interval.startswith("["):  # above and below the figure, which is narrower than both ends beside it
        figure, scale = cell.estimate, column.scale
        above, below = ((figure.high - figure.value) * scale, (figure.value - figure.low) * scale)
        shown += rf"\,{{\tiny$^{{+{escape(number(above, column.form))}}}_{{-{escape(number(below, column.form))}}}$}}"
    elif interval:
        shown += rf"\,{{\tiny {escape(interval)}}}"
    if cell.mark == "tied":
        shown += r"$^{\approx}$"
    return shown + _numbers(cell.notes)


def _numbers(notes: tuple[int, ...]) -> str:
    return rf"\textsuperscript{{{','.join(map(str, notes))}}}" if notes else ""


def _script(character: str) -> str:
    """Empty for what plain Latin fonts can set or come near to; the script of other letters; "U" for all else."""
    if ord(character) < 0x180 or character in _ESCAPES or _unmarked(character):
        return ""
    name = unicodedata.name(character, "")
    return name.split()[0].capitalize() if " LETTER " in name else "U"


def _spelt(script: str, run: Sequence[str]) -> str:
    """Letters of one script in order: "<Hebrew: alef-final mem>"; characters that are no letters by their codes."""
    if not script:
        return "".join(c if ord(c) < 0x180 or c in _ESCAPES else _unmarked(c) for c in run)
    if script == "U":
        return f"<{' '.join(f'U+{ord(c):04X}' for c in run)}>"
    names = [unicodedata.name(c).split(" ", 1)[1].replace("SMALL LETTER ", "").replace("LETTER ", "") for c in run]
    return f"<{script}: {'-'.join(names).lower()}>"


def _unmarked(character: str) -> str:
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
