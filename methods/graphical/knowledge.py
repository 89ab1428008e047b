"""What experts know of a network's edges: which there are, which there are not, and what cannot act on what."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

import numpy as np
import numpy.typing as npt

from ..vectors import Codes
from .network import CLASS

Flags = npt.NDArray[np.bool_]


class Knowledge:
    """Tiers, required and forbidden edges, resolved to positions: features 0..D-1, the class at D.

    Parameters
    ----------
    features: names of D features, "modality.column"; ``modalities``: the modality of each.
    tiers: lists of modality names, and perhaps "class", from causes to effects: no edge goes from a later tier to an
        earlier one. What stands in no tier is free.
    required, forbidden: edges "a -> b", where a and b are "modality.column" or "class". A whole modality stands for all
        its columns in ``forbidden``; in ``required`` only in "class -> modality", which makes each of its kept columns
        depend on the class.

    ``needed`` holds the features that required edges name: a method that drops columns must keep them.

    Raises
    ------
    ValueError: a name that does not exist, an edge that cannot be read, knowledge that contradicts itself.
    """

    def __init__(
        self,
        features: Sequence[str],
        modalities: Sequence[str],
        tiers: Sequence[Sequence[str]] = (),
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> None:
        self._names = [*features, CLASS]
        self._positions = {name: j for j, name in enumerate(self._names)}
        self._owners = np.array([*modalities, ""])
        self._modalities = list(dict.fromkeys(modalities))
        self._tier = np.full(len(self._names), np.nan)
        self._read_tiers(tiers)
        self._forbidden = [self._sides("forbidden", edge) for edge in _listed("forbidden", forbidden)]
        self.needed: list[int] = []
        self._required: list[tuple[Codes, Codes]] = [
            self._required_sides(edge) for edge in _listed("required", required)
        ]
        self._check()

    def matrices(self, columns: Codes) -> tuple[Flags, Flags]:
        """Which edges among the kept columns and the class may be, and which must be: both (parent, child)."""
        kept = [*columns, len(self._names) - 1]
        place = np.full(len(self._names), -1)
        place[kept] = np.arange(len(kept))
        tier = self._tier[kept]
        allowed = ~(tier[:, None] > tier[None, :])  # comparisons with no tier are false
        np.fill_diagonal(allowed, False)
        required = np.zeros_like(allowed)
        for matrix, value, pairs in ((allowed, False, self._forbidden), (required, True, self._required)):
            for sources, ends in pairs:
                a, b = place[sources], place[ends]
                matrix[np.ix_(a[a >= 0], b[b >= 0])] = value
        return allowed, required

    def _read_tiers(self, tiers: Sequence[Sequence[str]]) -> None:
        for number, tier in enumerate(_listed("tiers", tiers, strings=False)):
            for name in tier:
                where = self._owners == name if name != CLASS else np.array(self._names) == CLASS
                if not where.any():
                    raise self._unknown("tiers", "modality", name, [*self._modalities, CLASS])
                if not np.isnan(self._tier[where]).all():
                    raise ValueError(f"tiers: {name!r} stands in two places")
                self._tier[where] = number

    def _sides(self, parameter: str, edge: str) -> tuple[Codes, Codes]:
        ends = [end.strip() for end in edge.split("->")]
        if len(ends) != 2 or not all(ends):
            raise ValueError(f'{parameter}: {edge!r} is no edge; write "a -> b"')
        return self._resolve(parameter, ends[0]), self._resolve(parameter, ends[1])

    def _resolve(self, parameter: str, name: str) -> Codes:
        if name in self._positions:
            return np.array([self._positions[name]])
        columns = np.flatnonzero(self._owners == name)
        if not len(columns):
            raise self._unknown(parameter, "modality or column", name, [*self._modalities, *self._names])
        return columns

    def _unknown(self, parameter: str, what: str, name: str, known: Sequence[str]) -> ValueError:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(map(repr, close))}?"
            if close
            else (f"the modalities are {', '.join(self._modalities)}")
        )
        return ValueError(f"{parameter}: no {what} is called {name!r}; {hint}")

    def _required_sides(self, edge: str) -> tuple[Codes, Codes]:
        sources, ends = self._sides("required", edge)
        named = [end.strip() for end in edge.split("->")]
        for position, name in enumerate(named):
            if name not in self._positions and (position == 0 or named[0] != CLASS):
                example = self._names[int(np.flatnonzero(self._owners == name)[0])]
                raise ValueError(
                    f"required: {edge!r} names the whole modality {name!r}; name its columns, such as {example!r} "
                    f'(only "{CLASS} -> modality" may name a whole one)'
                )
        self.needed += [self._positions[name] for name in named if name in self._positions and name != CLASS]
        return sources, ends

    def _check(self) -> None:
        """No required edge is forbidden or goes back a tier, and together they make no cycle."""
        if not self._required:
            return
        forbidden = [(set(sources.tolist()), set(ends.tolist())) for sources, ends in self._forbidden]
        above: dict[int, set[int]] = {}
        for sides in self._required:
            for a, b in _pairs(sides):
                told = f"{self._names[a]} -> {self._names[b]}"
                if a == b:
                    raise ValueError(f"required: {told} goes from a variable to itself")
                if any(a in sources and b in ends for sources, ends in forbidden):
                    raise ValueError(f"required: {told} is also forbidden")
                if self._tier[a] > self._tier[b]:
                    raise ValueError(f"required: {told} goes from a later tier to an earlier one")
                above.setdefault(b, set()).add(a)
        try:
            TopologicalSorter(above).prepare()
        except CycleError as error:
            cycle = " -> ".join(self._names[j] for j in error.args[1])
            raise ValueError(f"required: the edges make a cycle, {cycle}") from None


def _pairs(sides: tuple[Codes, Codes]) -> Iterator[tuple[int, int]]:
    return ((int(a), int(b)) for a in sides[0] for b in sides[1])


def _listed(parameter: str, values: Sequence, strings: bool = True) -> Sequence:
    """The values, having checked that it is a list, of strings or of lists of names as asked for."""
    example = '["a -> b"]' if strings else '[["a", "b"], ["c"]]'
    if isinstance(values, str) or any(isinstance(value, str) != strings for value in values):
        raise ValueError(f"{parameter}: {values!r} is not a list such as {example}")
    return values
