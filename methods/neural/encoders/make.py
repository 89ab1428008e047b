"""Which encoder a modality gets: one that suits its kind and size, or the one that the settings name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from fusebench.datasets.errors import DataError, UnknownNameError
from fusebench.datasets.samples import KINDS

from ...card import NUMERIC_KINDS
from ..shapes import Shape
from .base import Body, Encoder
from .convolution import ResidualCnn
from .graph import GraphConvolutions
from .recurrent import Gru
from .table import Identity, Mlp
from .text import TextTransformer
from .transformer import VisionTransformer

Options = Mapping[str, str | Mapping[str, Any]]
"""Kind or name of a modality to an encoder's name, or to a table of its ``name`` and settings."""

ENCODERS: dict[str, type[Body]] = {
    "identity": Identity,
    "mlp": Mlp,
    "cnn": ResidualCnn,
    "vit": VisionTransformer,
    "gru": Gru,
    "gcn": GraphConvolutions,
    "transformer": TextTransformer,
}

_GRIDS = ("image", "volume", "signal")
_SUITS = {"cnn": _GRIDS, "vit": _GRIDS, "gru": ("signal",), "gcn": ("roi",), "transformer": ("text",)}
# Shorter sides hold too little for patterns to be found at several places.
_SHORTEST = 6


def make_encoder(
    name: str, shape: Shape, options: Options | None = None, *, raw: bool = False, levels: int = 1
) -> Encoder:
    """The encoder of a modality; what its settings leave open takes the default of its kind.

    Parameters
    ----------
    options: see ``Options``; a modality's own entry counts before that of its kind.
    raw: the plain numbers, whatever else is set.
    levels: the fewest that are asked for; an encoder whose depth is not set gets as many.

    Raises
    ------
    DataError: an encoder that does not suit the kind, a setting it does not have or cannot use.
    UnknownNameError: an encoder that does not exist.
    """
    if raw:
        if shape.kind == "text":
            raise DataError(f"modality {name!r}: a text has no numbers to fuse at the input; fuse at another point")
        return Encoder(name, Identity(shape))
    options = options or {}
    asked = options.get(name, options.get(shape.kind, {}))
    settings = {"name": asked} if isinstance(asked, str) else dict(asked)
    encoder = settings.pop("name", None) or default_encoder(shape, levels)
    if encoder not in ENCODERS:
        raise UnknownNameError("encoder", encoder, ENCODERS)
    suits = _SUITS.get(encoder, NUMERIC_KINDS)
    if shape.kind not in suits:
        told = f"kind {shape.kind!r} and shape {shape.dims}"
        raise DataError(f"modality {name!r}: encoder {encoder!r} takes {', '.join(suits)}, not {told}")
    body = ENCODERS[encoder]
    known = list(inspect.signature(body).parameters)[1:]
    alien = sorted(set(settings) - set(known))
    if alien:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise DataError(f"modality {name!r}: encoder {encoder!r} has no setting {', '.join(alien)}; {has}")
    for key, value in settings.items():
        cure = _cure(key, value)
        if cure:
            raise DataError(f"modality {name!r}: encoder {encoder!r} has {key} = {value!r}; use {cure}")
    made = body(shape, **settings)
    if len(made.map_shapes) < levels and "depth" in known and "depth" not in settings:
        made = body(shape, **settings, depth=levels)
    return Encoder(name, made)


def default_encoder(shape: Shape, levels: int = 1) -> str:
    """The name of the encoder that suits a kind and size.

    Residual convolutions for images, volumes and signals whose longest side is at least 6; graph convolutions for
    regions with a connectivity; a transformer for text; the numbers as they are for everything else: what reads them
    first, an operator, maps them linearly. Where several levels are asked for, hidden layers for those.
    """
    if shape.kind in _GRIDS and max(shape.dims[1:]) >= _SHORTEST:
        return "cnn"
    if shape.kind == "roi" and shape.graph:
        return "gcn"
    if shape.kind == "text":
        return "transformer"
    return "identity" if levels == 1 else "mlp"


def _cure(key: str, value: object) -> str | None:
    """What to use in place of a setting's value, or None if it can be used."""
    if key == "dropout":
        usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value < 1.0
        return None if usable else "a share from 0 to below 1"
    usable = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return None if usable else "a whole number of at least 1"


def check_options(options: Options | None, names: tuple[str, ...]) -> None:
    """UnknownNameError for an entry that is neither a kind nor one of the modalities."""
    for key in options or {}:
        if key not in KINDS and key not in names:
            raise UnknownNameError("kind or modality", key, [*KINDS, *names])
