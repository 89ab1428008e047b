"""Exact class posteriors of any discrete network, for many rows at once; what is missing is summed out, not imputed."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats
from .discretise import Table
from .elimination import Factor, elimination_order, log_sum
from .network import Network
from .tables import posterior

Flags = npt.NDArray[np.bool_]

_CELLS = 2**22
"""Numbers in the largest table of a block of rows: 32 MB."""
_MOST_CELLS = 2**27
"""Numbers that the table of a single row may have: 1 GB."""
_CALL = 2e4
"""Numbers that can be multiplied and summed in the time that arranging one elimination takes (measured)."""


class ClassPosterior:
    """p(class | what is observed of a row), by variable elimination over the missing variables that matter to the row.

    A missing variable without observed descendants sums to one; one that the observed variables part from the class is
    a constant. What remains is eliminated for all rows that miss the same; or, where rows miss many different things,
    for all rows together, with observed values as indicators. A row that misses nothing needs a sum of logarithms only.
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    def __call__(self, table: Table) -> Floats:
        """Posteriors, shape (n, k), of a table of codes (n, D) with -1 where a cell is missing.

        Raises
        ------
        MemoryError: missing variables hang together so closely that the table of one row would not fit.
        """
        codes = np.column_stack([table, np.full(len(table), -1)]).astype(np.intp)
        log_joint = np.zeros((len(table), self.network.levels[-1]))
        holes = (table < 0).any(axis=1)
        self._add_direct(log_joint, np.flatnonzero(~holes), codes, np.ones((codes.shape[1], 1), dtype=bool))
        if holes.any():
            self._add_incomplete(log_joint, np.flatnonzero(holes), codes)
        return posterior(log_joint)

    @cached_property
    def order(self) -> dict[int, float]:
        """The features in the order of elimination, each with the numbers in the largest table that it may need.

        What a row observes only takes variables out of the graph, so the bounds hold whatever is missing.
        """
        return elimination_order(self._families, self.network.levels, keep=self.network.target)

    @cached_property
    def _families(self) -> list[list[int]]:
        return [[*above, j] for j, above in enumerate(self.network.parents)]

    @cached_property
    def _evidence(self) -> list[tuple[int, list[int], tuple[int, ...], Floats]]:
        """Factors that tell of the class: variable, its family without the class, their levels, logs (cells, k)."""
        target, found = self.network.target, []
        for j, family in enumerate(self._families):
            if target in family:
                table = np.moveaxis(self.network.tables[j], family.index(target), -1)
                others = [v for v in family if v != target]
                found.append((j, others, table.shape[:-1], np.log(table.reshape(-1, table.shape[-1]))))
        return found

    def _add_direct(self, log_joint: Floats, rows: Codes, codes: Codes, chosen: Flags) -> None:
        """Add the factors that tell of the class and whose other variables are observed; ``chosen`` (V, rows or 1)."""
        seen, total = codes[rows], log_joint[rows]
        for j, others, shape, logs in self._evidence:
            if chosen[j].all():
                total += logs[_cells(seen, others, shape)]
            else:
                total[chosen[j]] += logs[_cells(seen[chosen[j]], others, shape)]
        log_joint[rows] = total

    def _add_incomplete(self, log_joint: Floats, rows: Codes, codes: Codes) -> None:
        free, inside, direct = self._relevant(codes[rows].T < 0)
        hard = free[:-1].any(axis=0)
        self._add_direct(log_joint, rows[~hard], codes, direct[:, ~hard])
        if not hard.any():
            return
        rows, free, inside, direct = rows[hard], free[:, hard], inside[:, hard], direct[:, hard]
        groups = _groups(np.vstack([free, inside]))
        apart = _CALL * sum(np.count_nonzero(free[:, group[0]]) for group in groups)
        anywhere = np.asarray((codes[rows] < 0).any(axis=0))
        if len(rows) * sum(size for v, size in self.order.items() if anywhere[v]) < apart:
            target = self.network.target
            touched = np.array([bool(anywhere[[v for v in f if v != target]].any()) for f in self._families])
            self._add_direct(log_joint, rows, codes, direct & ~touched[:, None])
            self._add_eliminated(log_joint, rows, codes, anywhere, touched, indicators=True)
            return
        self._add_direct(log_joint, rows, codes, direct)
        for group in groups:
            self._add_eliminated(log_joint, rows[group], codes, free[:, group[0]], inside[:, group[0]])

    def _add_eliminated(
        self, log_joint: Floats, rows: Codes, codes: Codes, free: Flags, chosen: Flags, indicators: bool = False
    ) -> None:
        """Add the chosen factors of (V,) with the free variables summed out, the class being free but kept.

        With ``indicators`` a row may observe free variables; otherwise all of them are missing in all rows.
        """
        sizes = {v: size for v, size in self.order.items() if free[v]}
        largest = max(sizes.values())
        if largest > _MOST_CELLS:
            raise MemoryError(
                f"summing out the missing cells of a row takes a table of {largest:.0e} numbers; "
                "use fewer columns, bins or parents"
            )
        step = max(1, int(_CELLS / largest))
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            seen = codes[block]
            factors = [self._restricted(int(j), free, seen) for j in np.flatnonzero(chosen)]
            if indicators:
                factors += [_indicator(v, self.network.levels[v], seen[:, v]) for v in sizes]
            log_joint[block] += log_sum(factors, sizes, keep=self.network.target)

    def _restricted(self, j: int, free: Flags, codes: Codes) -> Factor:
        """The table of variable j at the values observed in each row, over the free variables of its family."""
        family = self._families[j]
        left = [v for v in family if free[v]]
        order = [i for i, v in enumerate(family) if not free[v]] + [i for i, v in enumerate(family) if free[v]]
        table = self.network.tables[j].transpose(order)
        known = table.shape[: len(family) - len(left)]
        if not known:
            return left, table[None]
        flat = table.reshape(-1, *table.shape[len(known) :])
        return left, flat[_cells(codes, [v for v in family if not free[v]], known)]

    def _relevant(self, missing: Flags) -> tuple[Flags, Flags, Flags]:
        """What the class's posterior needs of rows in which these of the (V, n) variables are missing; three (V, n).

        ``free``: the variables to eliminate, and the class. ``inside``: factors with a free variable other than the
        class. ``direct``: factors with the class whose other variables are observed.
        """
        target = self.network.target
        needed = ~missing
        needed[target] = True
        for j in reversed(self.network.topological):
            for parent in self.network.parents[j]:
                needed[parent] |= needed[j]
        free = np.zeros_like(missing)
        free[target] = True
        reached = 0
        while (now := int(free.sum())) > reached:
            reached = now
            for j, family in enumerate(self._families):
                touched = needed[j] & free[family].any(axis=0)
                free[family] |= touched & missing[family]
        inside, direct = np.zeros_like(missing), np.zeros_like(missing)
        for j, family in enumerate(self._families):
            inside[j] = needed[j] & free[[v for v in family if v != target]].any(axis=0)
            direct[j] = needed[j] & ~inside[j] & (target in family)
        return free, inside, direct


def _cells(codes: Codes, variables: list[int], shape: tuple[int, ...]) -> Codes:
    """Positions in a flattened table over the variables, for rows of codes (n, V)."""
    at = np.zeros(len(codes), dtype=np.intp)
    for v, size in zip(variables, shape, strict=True):
        at = at * size + codes[:, v]
    return at


def _indicator(variable: int, levels: int, seen: Codes) -> Factor:
    """One at the observed value and zero elsewhere; one everywhere in rows where the variable is missing."""
    table = (seen[:, None] == np.arange(levels)) | (seen < 0)[:, None]
    return [variable], table.astype(np.float64)


def _groups(flags: Flags) -> list[Codes]:
    """Positions of equal columns of (F, n) flags, group by group."""
    packed = np.packbits(flags, axis=0)
    _, which = np.unique(packed, axis=1, return_inverse=True)
    which = which.ravel()  # NumPy 2.0 gives it a second axis
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
