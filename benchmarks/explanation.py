"""What explains the predictions of a job, as one block of plain arrays: Shapley values and attributions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fusebench.methods.attribution import Attribution, Sizes

VERSION = 1
"""Of the block. One of another version is read as if there were none: it can be computed anew, predictions stay."""


@dataclass(frozen=True)
class Explanation:
    """Why a fitted method predicted what it did, on some of its test rows.

    Parameters
    ----------
    rows: (R,) their positions in the task.
    modalities: the task's, in order.
    shapley: (R, M) what each modality adds to the probability of the row's true class; None where it was not computed.
    nothing: (R,) that probability without any modality, so that it and a row's Shapley values sum to the prediction.
    attributions: modality to what counted within it; empty where the method cannot tell.
    reasons: sentences on what was not computed.
    """

    rows: npt.NDArray[np.int64]
    modalities: tuple[str, ...]
    shapley: Sizes | None = None
    nothing: Sizes | None = None
    attributions: Mapping[str, Attribution] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The explanation as a compressed ``.npz`` of arrays of numbers and strings; nothing is ever pickled."""
        arrays: dict[str, np.ndarray] = {
            "version": np.array(VERSION),
            "rows": self.rows,
            "modalities": np.array(self.modalities, dtype=str),
            "reasons": np.array(self.reasons, dtype=str),
        }
        if self.shapley is not None and self.nothing is not None:
            arrays |= {"shapley": self.shapley.astype(np.float32), "nothing": self.nothing.astype(np.float32)}
        for name, own in self.attributions.items():
            place = self.modalities.index(name)
            parts = {"names": np.array(own.names, dtype=str), "sizes": own.sizes, "gradient": own.gradient}
            arrays |= {f"{part}-{place}": array for part, array in {**parts, "cam": own.cam}.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Explanation | None:
        """Read back ``to_bytes``; None for a block of another version."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls._from_arrays(dict(arrays)) if int(arrays["version"]) == VERSION else None

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Explanation:
        modalities = tuple(map(str, arrays["modalities"]))
        attributions = {
            name: Attribution(
                tuple(map(str, arrays[f"names-{place}"])),
                *(arrays[f"{part}-{place}"] for part in ("sizes", "gradient", "cam")),
            )
            for place, name in enumerate(modalities)
            if f"sizes-{place}" in arrays
        }
        reasons = tuple(map(str, arrays["reasons"]))
        return cls(arrays["rows"], modalities, arrays.get("shapley"), arrays.get("nothing"), attributions, reasons)

    def record(self) -> dict[str, Any]:
        """The explanation as plain data for the results frame; what is not there is None."""

        def known(array: Sizes) -> Sizes | None:
            return array if array.size else None

        return {
            "rows": self.rows,
            "modalities": self.modalities,
            "shapley": self.shapley,
            "nothing": self.nothing,
            "reasons": self.reasons,
            "attributions": {
                name: {
                    "names": own.names,
                    "sizes": own.sizes,
                    "gradient": known(own.gradient),
                    "cam": known(own.cam),
                }
                for name, own in self.attributions.items()
            },
        }
