"""The Jinja environments: HTML always escapes, Markdown and LaTeX escape through their own filters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import table_latex, table_markdown


@cache
def html() -> Environment:
    """Templates of pages: everything that is not markup already is escaped."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def markdown() -> Environment:
    """Templates of Markdown: texts go through the filter ``e``, which escapes for Markdown."""
    return _text(table_markdown.escape)


@cache
def latex() -> Environment:
    """Templates of LaTeX with delimiters that LaTeX leaves alone; texts go through the filter ``e``."""
    return _text(
        table_latex.escape,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )


def _text(escape: Callable[[str], str], **delimiters: Any) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **delimiters,
    )
    environment.filters["e"] = escape
    return environment


def source(name: str) -> str:
    """A style sheet or script of this room, as text."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
