"""What the fitted models say, as sentences that follow from their weights and graphs by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..evaluation import Evaluation
from ..findings import Finding
from .contributions import MethodContributions
from .modality_shares import MethodShares
from .structures import Structures
from .subsets import Measured


def weight_finding(shares: Sequence[MethodShares]) -> Finding | None:
    """Whether the methods agree which modality counted: those that learn weights and are better than guessing.

    A method stands for a modality when that has its largest share in every split. None with fewer than two methods.
    """
    telling = [own for own in shares if own.telling]
    return _agreement(
        [own.first for own in telling],
        shares[0].modalities if shares else (),
        ("which modality counted", " that learn weights put most on ", " on "),
        "methods that learn weights the same modality is first",
    )


def contribution_finding(found: Sequence[MethodContributions]) -> Finding | None:
    """Whether methods that are better than guessing agree from which modality their predictions gain most."""
    telling = [own for own in found if not own.guessing]
    return _agreement(
        [own.first for own in telling],
        found[0].modalities if found else (),
        ("which modality adds most", " gain most from ", " from "),
        "methods the same modality adds most",
    )


def _agreement(
    firsts: Sequence[str | None], modalities: Sequence[str], words: tuple[str, str, str], none: str
) -> Finding | None:
    """A sentence on how many of the methods have which modality first in every split; None for fewer than two.

    ``words``: the question, and how the first and the other modalities follow the numbers of methods.
    """
    if len(firsts) < 2:
        return None
    question, most, other = words
    counts = Counter(first for first in firsts if first is not None)
    changing = len(firsts) - counts.total()
    ranked = sorted(counts, key=lambda name: (-counts[name], modalities.index(name)))
    if not ranked:
        return Finding("modality", ((f"For none of the {len(firsts)} {none} in every split.", False),))
    lead = counts[ranked[0]]
    if lead == len(firsts):
        verdict, which = "The methods agree", f"all {lead}"
    else:
        verdict = "The methods disagree" if len(ranked) > 1 else "It is not settled"
        verdict = "Most methods agree" if lead > len(firsts) / 2 else verdict
        which = f"{lead} of {len(firsts)}"
    pieces = [(f"{verdict} {question}: {which}{most}", False), (ranked[0], True), (" in every split", False)]
    for name in ranked[1:]:
        pieces += [(f", {counts[name]}{other}", False), (name, True)]
    pieces.append((f"; for {changing} it changes between splits." if changing else ".", False))
    return Finding("modality", tuple(pieces))


def alone_finding(evaluation: Evaluation, found: Sequence[Measured]) -> Finding | None:
    """Which modality is distinguishably best alone, by which methods; None where no method ran on single ones."""
    ran = [own for own in found if any(estimate.known for estimate in own.alone.values())]
    if not ran:
        return None
    titles = {own.method: evaluation.info(own.method).title or own.method for own in ran}
    by_best: dict[str | None, list[str]] = {}
    for own in ran:
        by_best.setdefault(own.best, []).append(titles[own.method])
    pieces: list[tuple[str, bool]] = [("Measured alone, ", False)]
    for place, name in enumerate(sorted(by_best, key=lambda n: (n is None, -len(by_best[n])))):
        pieces += [("; " if place else "", False), ("no modality", False) if name is None else (name, True)]
        told = "any other" if name is None else "every other"
        pieces.append((f" is distinguishably better than {told} (with {', '.join(by_best[name])})", False))
    return Finding("modality", (*pieces, (".", False)))


def structure_finding(evaluation: Evaluation, found: Sequence[Structures]) -> Finding | None:
    """How far the edges are the same in all splits, of the graphs that differ; None where there are none."""
    differing = sorted((own for own in found if own.jaccard < 1), key=lambda own: -own.jaccard)
    if not differing:
        return None
    first, last = differing[0], differing[-1]
    titles = [evaluation.info(own.method).title or own.method for own in (first, last)]
    one = first is last
    pieces = [
        ("The graph of " if one else "Of the graphs that differ between splits, that of ", False),
        (titles[0], True),
        (
            f"{'' if one else ' is the most stable'}: {first.in_all} of {len(first.links)} edges are found in all "
            f"{first.splits} splits, and two splits share {100 * first.jaccard:.0f} % of theirs",
            False,
        ),
    ]
    if not one:
        told = f" ({last.in_all} of {len(last.links)}, {100 * last.jaccard:.0f} %)"
        pieces += [("; the least stable is that of ", False), (titles[1], True), (told, False)]
    return Finding("structure", (*pieces, (".", False)))
