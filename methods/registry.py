"""All methods by name: the files of this room, files given by the user, and entry points of other packages."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fusebench.datasets.plugins import Found, Registry

from .card import Claim, MethodCard

ROOMS = ("fusebench.methods", "fusebench.datasets")


@cache
def method_registry() -> Registry[MethodCard]:
    """The one registry of methods of this process."""
    return Registry("method", MethodCard, "fusebench.methods", "fusebench.methods", nested=(Claim,))


def missing_packages(card: MethodCard) -> tuple[str, ...]:
    """Import names the method requires that are not installed; nothing is imported to find out."""
    return tuple(name for name in card.requires if importlib.util.find_spec(name) is None)


def cure(card: MethodCard) -> str:
    """The command that installs what the method requires."""
    return f'pip install "fusebench[{card.extra}]"' if card.extra else f"pip install {' '.join(card.requires)}"


def source_hash(found: Found[MethodCard], params: Mapping[str, Any] | None = None) -> str:
    """Hex SHA-256 of the method's file and of every file of fusebench that it imports, directly or through others.

    The files of the methods that it builds on count too: those on its card, and those named anywhere in ``params``.
    Results are stored under it, so that changed code never reuses old results.
    """
    files = {path for one in _with_bases(found, params or {}) for path in _closure(one.path, one.module)}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _with_bases(found: Found[MethodCard], params: Mapping[str, Any]) -> list[Found[MethodCard]]:
    """The method and all that it builds on, directly or through others; a base that does not exist fails in its job."""
    registry = method_registry()
    known = set(registry.names())
    seen = {found.name: found}
    todo = [found]
    while todo:
        card = todo.pop().card
        if card is not None and card.bases:
            named = known.intersection([*card.bases, *_words(params)])
            new = {name: registry.get(name) for name in named if name not in seen}
            seen |= new
            todo += new.values()
    return list(seen.values())


def _words(value: Any) -> Iterator[str]:
    """Every string in nested settings, as a key or a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _words(pair)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)


def _closure(path: Path, module: str) -> set[Path]:
    seen: set[Path] = set()
    todo = [(path, module)]
    while todo:
        path, module = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        imported = (_file_of(name) for name in _imports(path, module))
        todo += [pair for pair in imported if pair is not None and pair[0] not in seen]
    return seen


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    return tuple(_walk_imports(ast.parse(path.read_text(encoding="utf-8")), module))


def _walk_imports(tree: ast.Module, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".")[: -node.level]
                base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@cache
def _file_of(name: str) -> tuple[Path, str] | None:
    """The file of a module inside the rooms that methods may import, or None."""
    if not name.startswith(tuple(f"{room}." for room in ROOMS)):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return (Path(spec.origin), name) if spec is not None and spec.origin is not None else None
