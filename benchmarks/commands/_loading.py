"""Importing a method's class, with a sentence instead of a traceback when that fails."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from fusebench.datasets.errors import DataError
from fusebench.datasets.plugins import Found
from fusebench.methods.card import MethodCard
from fusebench.methods.registry import cure, missing_packages

if TYPE_CHECKING:
    from fusebench.methods.base import Method


def load_method(found: Found[MethodCard]) -> type[Method]:
    """The class of a method.

    Raises
    ------
    DataError: the file holds no readable card, packages are missing, importing it fails, or it is not a Method.
    """
    if found.card is None:
        raise DataError(f"{found.path}: {found.broken}")
    if missing := missing_packages(found.card):
        raise DataError(f"method {found.name!r} needs {', '.join(missing)}; install with: {cure(found.card)}")
    try:
        cls = found.load()
    except Exception as error:  # whatever a plugin raises while it is imported is its author's to mend
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        told = " ".join(str(error).split())
        raise DataError(f"{found.path}: cannot be imported: {type(error).__name__}: {told} (line {line})") from error

    from fusebench.methods.base import Method

    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise DataError(f"{found.path}: {found.attribute or 'the module'} holds a card but is no subclass of Method")
    return cls
