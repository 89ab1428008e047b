"""Where fusebench keeps what can be had again: fetched cohorts, images read once."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """The user's cache folder of fusebench, or a folder in it; nothing is created.

    ``FUSEBENCH_CACHE`` names it; else it is ``fusebench`` in ``XDG_CACHE_HOME``, which is ``~/.cache`` by default.
    """
    own = os.environ.get("FUSEBENCH_CACHE")
    if own:
        return Path(own).expanduser().absolute().joinpath(*parts)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a path that is not absolute is to be ignored.
    home = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return home.joinpath("fusebench", *parts)
