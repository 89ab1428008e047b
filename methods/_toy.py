"""Small made-up tasks of every kind of modality, on which the conformance checks try a method."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fusebench.datasets.card import TaskCard
from fusebench.datasets.samples import TABULAR, Modality, Samples
from fusebench.datasets.task import Task

Codes = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
_WORDS = (("calm", "steady", "clear"), ("sharp", "sudden", "dark"), ("faint", "slow", "pale"))
_FILLER = ("the", "patient", "reports", "since", "monday")


def toy_task(
    kinds: Sequence[str] = ("table", "table"),
    n: int = 80,
    classes: int = 2,
    *,
    seed: int = 0,
    strength: float = 3.0,
    absent: float = 0.0,
    holes: float = 0.0,
    rows_per_subject: int = 1,
) -> Task:
    """A task whose classes every modality tells apart by itself, along a straight line.

    Parameters
    ----------
    kinds: one kind for each modality; modalities are called kind and number, such as ``table0``.
    n: rows; classes take turns, so that each has n / classes of them.
    strength: distance between classes in standard deviations of one value.
    absent: share of rows in which a modality is absent, drawn for each modality; a row keeps at least one of them.
    holes: share of missing cells inside tables and phenotypes.
    rows_per_subject: rows of one subject share its class.
    """
    rng = np.random.default_rng(seed)
    subjects = np.arange(n) // rows_per_subject
    y = (subjects % classes).astype(np.int64)
    gone = rng.random((n, len(kinds))) < absent
    gone[gone.all(axis=1), 0] = False
    modalities = []
    for i, kind in enumerate(kinds):
        values = _MAKERS[kind](y, strength, rng)
        if holes and kind in TABULAR:
            values[rng.random(values.shape) < holes] = np.nan
        modalities.append(Modality(f"{kind}{i}", kind, values, present=~gone[:, i]))  # type: ignore[arg-type]
    samples = Samples(modalities, groups=subjects, sites=np.array(["north", "south"])[rng.integers(0, 2, n)])
    card = TaskCard(name="toy", title="A toy task", planted=True)
    return Task(samples, y, tuple("abcdefgh"[:classes]), card)


def rebuilt(samples: Samples) -> Samples:
    """The same rows copied into new arrays that hold nothing else."""
    modalities = [
        Modality(m.name, m.kind, np.array(m.values), np.array(m.present), m.features, m.categories)
        for m in samples.modalities
    ]
    return Samples(modalities, ids=samples.ids, groups=samples.groups, sites=samples.sites)


def replaced(samples: Samples, *modalities: Modality) -> Samples:
    """The same rows with the modalities of those names replaced."""
    new = {m.name: m for m in modalities}
    return Samples(
        [new.get(m.name, m) for m in samples.modalities], ids=samples.ids, groups=samples.groups, sites=samples.sites
    )


def absent_rows(modality: Modality, rows: npt.NDArray[np.bool_]) -> Modality:
    """The modality, absent in the flagged rows as well."""
    return Modality(
        modality.name,
        modality.kind,
        np.array(modality.values),
        modality.present & ~rows,
        modality.features,
        modality.categories,
    )


def _shifted(shape: tuple[int, ...]) -> Callable[[Codes, float, np.random.Generator], Array]:
    """Standard normal values; class c lifts every third value, beginning with the c-th."""

    def make(y: Codes, strength: float, rng: np.random.Generator) -> Array:
        values = rng.standard_normal((len(y), *shape))
        flat = values.reshape(len(y), -1)
        for c in np.unique(y):
            flat[y == c, int(c) % 3 :: 3] += strength
        return values

    return make


def _bright(*shape: int) -> Callable[[Codes, float, np.random.Generator], Array]:
    """Noise in [0, 1] with a bright band of one third of the first axis, whose place is the class; one channel."""

    def make(y: Codes, strength: float, rng: np.random.Generator) -> Array:
        values = 0.3 + 0.1 * rng.standard_normal((len(y), 1, *shape))
        band = shape[0] // 3
        for row, c in enumerate(y):
            start = band * (int(c) % 3)
            values[row, 0, start : start + band] += 0.1 * strength
        return np.clip(values, 0.0, 1.0)

    return make


def _waves(y: Codes, strength: float, rng: np.random.Generator) -> Array:
    """Two channels of 32 points: noise, and a class's own frequency at a fixed phase."""
    time = np.arange(32) / 32
    values = rng.standard_normal((len(y), 2, 32))
    values[:, 0] += 0.5 * strength * np.sin(2 * np.pi * np.outer(2.0 * (y + 1), time))
    return values


def _correlations(y: Codes, strength: float, rng: np.random.Generator) -> Array:
    """Correlation matrices of six regions over 40 time points; regions 2c and 2c+1 move together in class c."""
    series = rng.standard_normal((len(y), 6, 40))
    shared = rng.standard_normal((len(y), 40)) * strength / 2
    for row, c in enumerate(y):
        pair = 2 * (int(c) % 3)
        series[row, pair : pair + 2] += shared[row]
    return np.stack([np.corrcoef(one) for one in series])


def _sentences(y: Codes, strength: float, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """Six words of common filler with three of the class's own."""
    del strength  # words of a class are its own at any strength
    return np.array([" ".join([*rng.choice(_FILLER, 6), *rng.permutation(_WORDS[int(c) % 3])]) for c in y])


_MAKERS: dict[str, Callable[[Codes, float, np.random.Generator], np.ndarray]] = {
    "table": _shifted((6,)),
    "phenotype": _shifted((3,)),
    "roi": _shifted((6, 3)),
    "image": _bright(16, 16),
    "volume": _bright(9, 9, 9),
    "signal": _waves,
    "connectivity": _correlations,
    "text": _sentences,
}
