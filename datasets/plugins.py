"""Finding plugins without running them: a folder, a single file, or another package's entry points.

Methods and tasks are found the same way. A plugin's file holds a card written in literals, ``card = MethodCard(...)``
in a class or ``card = TaskCard(...)`` in a module; it is read from the syntax tree, so that listing imports nothing and
a file that cannot be imported is still listed, with its reason.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from .errors import DataError, UnknownNameError

CardT = TypeVar("CardT")


@dataclass(frozen=True)
class Found(Generic[CardT]):
    """One plugin, found but not imported: either a card or the reason why there is none.

    ``attribute`` is the class that carries the card, or empty for a module that does.
    """

    name: str
    path: Path
    module: str
    attribute: str = ""
    card: CardT | None = None
    broken: str = ""

    def load(self) -> Any:
        """Import the plugin and give its class or module; ImportError and whatever its code raises pass through."""
        module = import_file(self.path, self.module)
        return getattr(module, self.attribute) if self.attribute else module


def import_file(path: Path, module: str) -> ModuleType:
    """Import ``module`` if it is importable by name, else the file under that private name."""
    if module in sys.modules:
        return sys.modules[module]
    if not module.startswith("fusebench_plugin_"):
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[module]
        raise
    return loaded


class Registry(Generic[CardT]):
    """The plugins of one sort, by name.

    Parameters
    ----------
    what: the word for messages, such as "method".
    card: the card's class; its name is what the syntax tree is searched for.
    package: the package whose files, also in folders below it, are plugins; files without a card are passed over.
    group: entry-point group through which other packages add theirs, as ``name = module:Class`` or ``name = module``.
    nested: further dataclasses that a card may be built of.
    """

    def __init__(self, what: str, card: type[CardT], package: str, group: str, nested: tuple[type, ...] = ()) -> None:
        self.what, self.package, self.group = what, package, group
        self._card = card
        self._makers: dict[str, Callable[..., Any]] = {cls.__name__: cls for cls in (card, *nested)}
        self._found: dict[str, Found[CardT]] | None = None

    def _all(self) -> dict[str, Found[CardT]]:
        if self._found is None:
            self._found = {}
            spec = importlib.util.find_spec(self.package)
            for folder in (spec.submodule_search_locations or []) if spec else []:
                for path in sorted(Path(folder).rglob("*.py")):
                    inside = path.relative_to(folder).with_suffix("").parts
                    self._add(self._read(path, ".".join([self.package, *inside]), required=False))
            self._add(self._entry_points())
        return self._found

    def _add(self, found: Iterable[Found[CardT]]) -> list[Found[CardT]]:
        added = []
        known = self._all()
        for one in found:
            other = known.get(one.name)
            if other is not None and (other.path, other.attribute) != (one.path, one.attribute):
                raise DataError(
                    f"two {self.what}s are called {one.name!r}: {other.path} and {one.path}; rename one of them"
                )
            known[one.name] = one
            added.append(one)
        return added

    def add_file(self, path: str | Path) -> list[Found[CardT]]:
        """Add the plugins of one file, broken ones too; DataError when a name clashes or there is no such file."""
        return self._add(self.read_file(path))

    def read_file(self, path: str | Path) -> list[Found[CardT]]:
        """The plugins of one file, without adding them; DataError when there is no such file."""
        path = Path(path).resolve()
        if not path.is_file():
            raise DataError(f"plugin {path}: no such file")
        if path.suffix != ".py":
            raise DataError(f"plugin {path}: a plugin is a Python file (.py)")
        package = importlib.util.find_spec(self.package)
        homes = [Path(p).resolve() for p in package.submodule_search_locations or []] if package else []
        # two files of one name in different folders are two modules
        private = f"fusebench_plugin_{path.stem}_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]}"
        home = next((home for home in homes if home in path.parents), None)
        module = private if home is None else ".".join([self.package, *path.relative_to(home).with_suffix("").parts])
        return list(self._read(path, module, required=True))

    def _read(self, path: Path, module: str, *, required: bool) -> Iterator[Found[CardT]]:
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        except (SyntaxError, UnicodeDecodeError) as error:
            yield Found(path.stem, path, module, broken=f"cannot be read: {error}")
            return
        cards = list(self._cards(tree))
        if not cards and required:
            yield Found(
                path.stem, path, module, broken=f"holds no `card = {self._card.__name__}(...)` with literal arguments"
            )
        for attribute, call in cards:
            try:
                card: Any = self._build(call)
            except Exception as error:  # whatever a card's own checks raise is the reason to show
                yield Found(
                    path.stem, path, module, attribute, broken=f"line {call.lineno}: the card cannot be read: {error}"
                )
            else:
                yield Found(card.name, path, module, attribute, card)

    def _cards(self, tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
        owners: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
        owners += [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
        for owner, body in owners:
            for node in body:
                targets = (
                    node.targets
                    if isinstance(node, ast.Assign)
                    else [node.target]
                    if isinstance(node, ast.AnnAssign)
                    else []
                )
                value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
                named = any(isinstance(t, ast.Name) and t.id == "card" for t in targets)
                if named and isinstance(value, ast.Call) and _called(value) == self._card.__name__:
                    yield owner, value

    def _build(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Call):
            maker = self._makers.get(_called(node))
            if maker is None:
                raise ValueError(f"line {node.lineno}: {ast.unparse(node.func)} cannot be used in a card")
            return maker(*map(self._build, node.args), **{k.arg: self._build(k.value) for k in node.keywords if k.arg})
        if isinstance(node, ast.Tuple):
            return tuple(map(self._build, node.elts))
        if isinstance(node, ast.List):
            return [self._build(e) for e in node.elts]
        return ast.literal_eval(node)

    def _entry_points(self) -> Iterator[Found[CardT]]:
        for point in metadata.entry_points(group=self.group):
            try:
                spec = importlib.util.find_spec(point.module)
                if spec is None or spec.origin is None:
                    raise ImportError(f"module {point.module} is not installed")
            except Exception as error:  # a broken package must not hide the others
                yield Found(
                    point.name, Path(point.value), point.module, broken=f"entry point of {_dist(point)}: {error}"
                )
                continue
            found = list(self._read(Path(spec.origin), point.module, required=True))
            wanted = [one for one in found if not point.attr or one.attribute == point.attr or one.broken]
            if not wanted:
                told = f"entry point of {_dist(point)}: {point.attr} holds no `card = {self._card.__name__}(...)`"
                yield Found(point.name, Path(spec.origin), point.module, broken=told)
            yield from wanted

    def names(self) -> list[str]:
        """Names of all plugins that can be read, sorted."""
        return sorted(name for name, one in self._all().items() if not one.broken)

    def broken(self) -> Mapping[str, Found[CardT]]:
        """Plugins that cannot be read, by file or entry-point name, each with its reason."""
        return {name: one for name, one in sorted(self._all().items()) if one.broken}

    def get(self, name: str) -> Found[CardT]:
        """The plugin of that name.

        Raises
        ------
        UnknownNameError: there is none; the message suggests close names.
        DataError: it is there but cannot be read.
        """
        found = self._all().get(name)
        if found is None:
            raise UnknownNameError(self.what, name, self.names())
        if found.broken:
            raise DataError(f"{self.what} {name!r} ({found.path}): {found.broken}")
        return found


def holds_plugin(registry: Registry[CardT], path: str | Path) -> bool:
    """Whether a file holds at least one plugin of the registry's sort that can be read."""
    return any(not one.broken for one in registry.read_file(path))


def _called(call: ast.Call) -> str:
    return (
        call.func.attr
        if isinstance(call.func, ast.Attribute)
        else call.func.id
        if isinstance(call.func, ast.Name)
        else ""
    )


def _dist(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an installed package"
