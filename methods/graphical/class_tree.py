"""The best tree of dependences between columns that all depend on the class, as experts allow it."""

from __future__ import annotations

from collections.abc import Sequence

from ..vectors import Codes, Floats
from .knowledge import Knowledge
from .network import CLASS
from .tree import constrained_tree


def expert_tree(weights: Floats, knowledge: Knowledge, columns: Codes, names: Sequence[str], model: str) -> Codes:
    """Each column's parent beside the class, -1 for none: the heaviest directed tree, or forest, that is allowed.

    Parameters
    ----------
    weights: (D, D), symmetric.
    columns: positions among the features that ``knowledge`` knows of the D columns, then of categorical ones that can
        have no edge but the one from the class; ``names``: what they are called.
    model: how an error calls the model.

    Raises
    ------
    ValueError: the class may not act on a column, a required edge enters the class, a column has two required parents,
        a categorical one has a required edge to another column.
    """
    allowed, required = knowledge.matrices(columns)
    if not allowed[-1, :-1].all():
        lone = names[int(allowed[-1, :-1].argmin())]
        raise ValueError(f"{model} always has the edge {CLASS} -> {lone}, which forbidden or tiers do not allow")
    if required[:, -1].any():
        raise ValueError(
            f"required: {names[int(required[:, -1].argmax())]} -> {CLASS}, but the class of {model} has no parent"
        )
    allowed, required = allowed[:-1, :-1], required[:-1, :-1]
    if (required.sum(axis=0) > 1).any():
        crowded = names[int(required.sum(axis=0).argmax())]
        raise ValueError(f"required: {crowded} has two parents, but {model} allows one beside the class")
    D = len(weights)
    bound = (required | required.T)[D:].any(axis=1)
    if bound.any():
        lone = names[D + int(bound.argmax())]
        raise ValueError(f"required: {lone} is categorical; in {model} such columns depend on the class alone")
    return constrained_tree(weights, allowed[:D, :D], required[:D, :D])
