"""One colour for each modality of a task, the same in all its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Tol's bright colours and two of his muted ones, which colour-blind readers tell apart.
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccaa22", "#66ccee", "#aa3377", "#999933", "#44aa99")
_OTHER = "#9098a1"


def modality_colours(modalities: Sequence[str]) -> Mapping[str, str]:
    """A colour for each name by its place in the task; beyond eight modalities grey, which the labels must tell."""
    return {name: _COLOURS[place] if place < len(_COLOURS) else _OTHER for place, name in enumerate(modalities)}
