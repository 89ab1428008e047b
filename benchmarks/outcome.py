"""What came of a job: always a row, with its reason when it is not ok; arrays packed without pickles."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fusebench.methods.structure import StructureRecord

from .explanation import Explanation

Proba = npt.NDArray[np.float64]


class Status(StrEnum):
    """How a job ended; a closed set."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    NOT_INSTALLED = "not_installed"


FINAL = frozenset({Status.OK, Status.SKIPPED})
"""Ends that stay as they are until the code or the data change; the others are run again when asked."""

_ARRAYS = ("proba", "val_proba", "train_rows", "train_proba")


@dataclass
class Outcome:
    """The end of one job.

    ``proba`` has shape (test rows, classes), in the order of the split's test rows; ``val_proba`` (training rows,
    classes) holds out-of-fold probabilities with the chosen parameters. ``train_proba`` (rows, classes) are those of
    training rows that the method was fitted on, at the positions ``train_rows`` in the training set. ``cost`` maps
    column names of the results frame to numbers. ``structure`` is the graph that a graphical model learnt.
    ``explanation`` says what its predictions rest on. ``log`` is the tail of what the method printed, kept when the job
    did not end well.
    """

    key: str
    status: Status
    phase: str = ""
    reason: str = ""
    log: str = ""
    proba: Proba | None = None
    val_proba: Proba | None = None
    train_rows: npt.NDArray[np.intp] | None = None
    train_proba: Proba | None = None
    params: dict[str, Any] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)
    at_edge: list[str] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)
    modality_weights: dict[str, float] | None = None
    structure: StructureRecord | None = None
    explanation: Explanation | None = None
    notes: list[str] = field(default_factory=list)
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    hardware: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    elapsed: float = 0.0

    def record(self) -> dict[str, Any]:
        """Everything but the arrays and the explanation, as plain data for JSON."""
        return {k: v for k, v in asdict_shallow(self).items() if k not in (*_ARRAYS, "explanation")}

    def to_bytes(self) -> bytes:
        """The outcome as one block: length of the JSON head, the head, then its parts in the order of the head."""
        parts = {name: pack(getattr(self, name)) for name in _ARRAYS if getattr(self, name) is not None}
        if self.explanation is not None:
            parts["explanation"] = self.explanation.to_bytes()
        head = json.dumps({"record": self.record(), "parts": [[name, len(part)] for name, part in parts.items()]})
        return len(head.encode()).to_bytes(8, "big") + head.encode() + b"".join(parts.values())

    @classmethod
    def from_bytes(cls, data: bytes) -> Outcome:
        """Read back ``to_bytes``; ValueError when the block is cut short or not one of ours."""
        size = int.from_bytes(data[:8], "big")
        head = json.loads(data[8 : 8 + size])
        at = 8 + size
        parts: dict[str, Any] = {}
        for name, length in head["parts"]:
            part = data[at : at + length]
            parts[name] = unpack(part) if name in _ARRAYS else Explanation.from_bytes(part)
            at += length
        return cls.from_record(head["record"], **parts)

    @classmethod
    def from_record(cls, record: dict[str, Any], **parts: Proba | Explanation | None) -> Outcome:
        """The outcome of a record, with its arrays and its explanation."""
        known = {f.name for f in fields(cls)}
        record = {k: v for k, v in record.items() if k in known}
        given: dict[str, Any] = {**record, "status": Status(record["status"]), **parts}
        given["structure"] = _tupled(given.get("structure"))
        return cls(**given)


def _tupled(structure: dict[str, Any] | None) -> StructureRecord | None:
    """A structure as it was before JSON made lists of its tuples; None for outcomes of before there were any."""
    if structure is None:
        return None
    return {
        "nodes": [tuple(node) for node in structure["nodes"]],
        "edges": [tuple(edge) for edge in structure["edges"]],
        "directed": structure["directed"],
    }


def asdict_shallow(outcome: Outcome) -> dict[str, Any]:
    """Fields by name without copying arrays; the status as plain text."""
    data = {f.name: getattr(outcome, f.name) for f in fields(outcome)}
    return {**data, "status": str(outcome.status)}


def pack(array: np.ndarray) -> bytes:
    """An array as compressed ``.npy`` bytes; objects are refused, so nothing is ever pickled."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return zlib.compress(buffer.getvalue(), level=1)


def unpack(data: bytes) -> np.ndarray:
    """Read back ``pack``; ValueError when the bytes are not a plain array."""
    plain = zlib.decompress(data)
    if plain[:8] != np.lib.format.magic(1, 0):
        return np.load(io.BytesIO(plain), allow_pickle=False)
    end = 10 + int.from_bytes(plain[8:10], "little")
    shape, fortran, dtype = _header(plain[8:end])
    found = np.frombuffer(plain, dtype, offset=end)
    if found.size != np.prod(shape, dtype=int):
        raise ValueError(f"array of shape {shape} cut short: {found.size} values")
    return found.reshape(shape, order="F" if fortran else "C").copy()


@cache
def _header(text: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array from its header: a store has few different ones, and reading one is slow."""
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(text))
    if dtype.hasobject:
        raise ValueError("Object arrays are never read")
    return shape, fortran, dtype
