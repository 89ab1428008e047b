"""What a report cites: papers of its methods and tasks, and of its own statistics, as a list and as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .evaluation import Evaluation


@dataclass(frozen=True)
class Reference:
    """One entry. ``key`` is stable: the first author, the year, and a letter where two would be alike."""

    key: str
    text: str
    bibtex: str


def references(evaluation: Evaluation) -> tuple[Reference, ...]:
    """Papers of the methods and tasks in the report, and of its statistics, in the order of their keys."""
    cited = [evaluation.info(name).citation for name in evaluation.methods]
    cited += [task.info.citation for task in evaluation.tasks.values()]
    found = {entry.key: entry for entry in _statistics()}
    texts = {entry.text for entry in found.values()}
    for text in dict.fromkeys(part for citation in cited for part in split(citation)):
        if text not in texts:
            key = _free(_key(text), found)
            found[key] = Reference(key, text, _misc(key, text))
    return tuple(found[key] for key in sorted(found))


def split(citation: str) -> tuple[str, ...]:
    """The papers of a citation, which semicolons part, without the remarks in brackets behind a year."""
    parts = (re.sub(r"(\d{4}[a-z]?)\s*\([^)]*\)$", r"\1", part.strip()) for part in citation.split(";"))
    return tuple(part for part in parts if re.search(r"\d{4}", part))


def keys_of(citation: str, known: Iterable[Reference]) -> tuple[str, ...]:
    """The keys of the papers in a citation."""
    by_text = {entry.text: entry.key for entry in known}
    return tuple(by_text[text] for text in split(citation) if text in by_text)


def bibliography(entries: Iterable[Reference]) -> str:
    """A BibTeX file."""
    return "\n".join(entry.bibtex for entry in entries)


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    word = re.search(r"[A-Za-z]{2,}", plain)
    year = re.search(r"\d{4}", plain)
    return f"{word.group().lower() if word else 'anonymous'}{year.group() if year else ''}"


def _free(key: str, taken: dict[str, Reference]) -> str:
    if key not in taken:
        return key
    return next(f"{key}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz" if f"{key}{letter}" not in taken)


def _misc(key: str, text: str) -> str:
    """An entry that shows the text as the card has it."""
    from .render.table_latex import escape

    return f"@misc{{{key},\n  key = {{{key}}},\n  note = {{{escape(text)}}}\n}}\n"


@cache
def _statistics() -> tuple[Reference, ...]:
    """The entries of the statistics that every report uses."""
    source = resources.files(__package__).joinpath("statistics.bib").read_text(encoding="utf-8")
    return tuple(_parsed(source))


def _parsed(source: str) -> Iterator[Reference]:
    for entry in re.findall(r"@\w+\{.*?\n\}", source, re.DOTALL):
        key = re.match(r"@\w+\{([^,]+),", entry)
        fields = dict(re.findall(r"(\w+)\s*=\s*\{(.*)\},?\n", entry))
        if key is None or not {"author", "title", "year"} <= set(fields):
            raise ValueError(f"statistics.bib: an entry without key, author, title or year: {entry[:60]!r}")
        where = fields.get("journal") or fields.get("booktitle") or fields.get("note", "")
        pages = ", ".join(part for part in (fields.get("volume"), fields.get("pages", "").replace("--", "-")) if part)
        text = f"{fields['author'].replace(' and ', '; ')} ({fields['year']}). {fields['title']}. {where}"
        between = ", " if pages and "booktitle" in fields else " "
        yield Reference(key.group(1), f"{text}{between}{pages}.".replace(" .", "."), entry + "\n")
