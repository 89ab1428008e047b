"""Where a BIDS folder (Brain Imaging Data Structure, Gorgolewski et al. 2016) keeps its table and its files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .paths import ENDINGS, Part

TABLE = "participants.tsv"
ID = "participant_id"
MISSING = "n/a"

_WORD = "[A-Za-z0-9+]+"


def bids_patterns(suffix: str) -> list[list[Part]]:
    """``sub-X/[ses-Y/]DATATYPE/sub-X[_entity-value ...]_SUFFIX.ENDING``, part by part; the id is "sub-X"."""

    def subject(_: Mapping[str, str]) -> re.Pattern[str]:
        return re.compile(f"(?P<id>sub-{_WORD})")

    def session(_: Mapping[str, str]) -> re.Pattern[str]:
        return re.compile(f"ses-{_WORD}")

    def datatype(_: Mapping[str, str]) -> re.Pattern[str]:
        return re.compile("[a-z]+")

    def file(known: Mapping[str, str]) -> re.Pattern[str]:
        endings = "|".join(map(re.escape, ENDINGS))
        return re.compile(f"{re.escape(known['id'])}(_[a-z]+-{_WORD})*_{re.escape(suffix)}({endings})")

    return [[subject, datatype, file], [subject, session, datatype, file]]
