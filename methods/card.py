"""What a reader must know about a method, as data that can be read without importing the method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Family = Literal["baseline", "kernel", "graphical", "boosting", "ensemble", "neural", "cnn", "vit", "gnn", "other"]
Fusion = Literal["none", "early", "intermediate", "late", "hybrid"]
Role = Literal["method", "floor", "ceiling"]

ALL_KINDS = ("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype")
NUMERIC_KINDS = ("table", "image", "volume", "signal", "roi", "connectivity", "phenotype")


@dataclass(frozen=True)
class Claim:
    """A figure that the method's own paper published: shown beside what is measured here, never a target."""

    what: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class MethodCard:
    """The card of a method. All arguments are literals: the registry reads them without running the file.

    Parameters
    ----------
    name: key on the command line, lower case with hyphens.
    title: how tables call it; the name when empty.
    family, fusion: where it stands in the survey; ``fusion`` is the point at which modalities meet.
    summary: one sentence on the mechanism.
    citation: the paper it follows; ``inferred`` says what of it is not stated there and is our own choice.
    kinds: modality kinds it accepts; kinds of other modalities make it skip the task.
    least, most: fewest and most modalities; ``most`` 0 means any number.
    handles_missing: "cells" may be missing inside tables, "modalities" may be absent in a row, "both", or "none".
    transductive: it sees test features while it fits.
    requires: import names of packages beyond the core; ``extra`` is the extra that installs them.
    bases: names of methods that it builds on by default; others may be named in its settings. Their code counts as its
        own when results are stored.
    role: "floor" and "ceiling" rows stand in every table.
    claims: published figures.
    """

    name: str
    family: Family
    fusion: Fusion
    title: str = ""
    summary: str = ""
    citation: str = ""
    inferred: str = ""
    kinds: tuple[str, ...] = NUMERIC_KINDS
    least: int = 1
    most: int = 0
    handles_missing: Literal["none", "cells", "modalities", "both"] = "both"
    transductive: bool = False
    requires: tuple[str, ...] = ()
    extra: str = ""
    bases: tuple[str, ...] = ()
    role: Role = "method"
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or self.name != self.name.lower() or not self.name.replace("-", "").replace(".", "").isalnum():
            raise ValueError(f"name {self.name!r}: use lower-case letters, digits, dots and hyphens")
        for field, value, allowed in (
            ("family", self.family, get_args(Family)),
            ("fusion", self.fusion, get_args(Fusion)),
            ("role", self.role, get_args(Role)),
        ):
            if value not in allowed:
                raise ValueError(f"{field} {value!r}: use one of {', '.join(allowed)}")
        unknown = set(self.kinds) - set(ALL_KINDS)
        if unknown:
            raise ValueError(f"kinds {sorted(unknown)}: use some of {', '.join(ALL_KINDS)}")
        if not self.title:
            object.__setattr__(self, "title", self.name)
