"""Handwritten digits of scikit-learn as five views, in the manner of UCI Multiple Features; none is learnt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .card import TaskCard
from .errors import DataError
from .samples import Modality, Samples
from .task import Task

card = TaskCard(
    name="digits",
    title="Handwritten digits, five views",
    description=(
        "1,797 handwritten digits of 8 by 8 pixels with 17 grey levels, seen as pixels, magnitudes of the Fourier "
        "transform, projections and contour profiles, a few shape numbers, and the raw image."
    ),
    origin="Test part of UCI Optical Recognition of Handwritten Digits, through scikit-learn, which ships the file",
    licence="CC BY 4.0",
    citation=(
        "Alpaydin, Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, "
        "doi:10.24432/C50P49."
    ),
    url="https://archive.ics.uci.edu/dataset/80",
    caveats=(
        "Not medical: it stands in for several views of one object.",
        "The views pixels and image hold the same information; fourier, profiles and morphology are computed from it.",
        "Writers are not named in the file, so rows of one writer may be on both sides of a split.",
    ),
)

_INK = 8  # half of the grey range 0..16: a fixed threshold, chosen without looking at labels
_SEED = 20240501
_LEAST = 50

Images = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[np.float64]]


def load(n: int | None = None) -> Task:
    """All 1,797 digits, or a stratified subsample of ``n`` rows with a fixed seed; larger ones hold the smaller.

    Raises
    ------
    DataError: n is not a whole number between 50 and 1,797.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    y = np.asarray(data.target, dtype=np.int64)
    rows = np.arange(len(y)) if n is None else _subsample(y, n)
    images = np.asarray(data.images, dtype=np.float64)[rows]
    views = {"fourier": fourier(images), "profiles": profiles(images), "morphology": morphology(images)}
    pixels = {f"r{i}c{j}": images[:, i, j] for i in range(8) for j in range(8)}
    modalities = [
        Modality(name, "table", np.column_stack(list(columns.values())), features=tuple(columns))
        for name, columns in {"pixels": pixels, **views}.items()
    ]
    modalities.append(Modality("image", "image", images[:, None].astype(np.float32)))
    return Task(Samples(modalities, ids=rows), y[rows], tuple(map(str, range(10))), card)


def fourier(images: Images) -> Columns:
    """Magnitudes of the two-dimensional Fourier transform of (n, 8, 8) images: the 34 that differ for real input."""
    spectrum = np.abs(np.fft.fft2(images))
    size = images.shape[1]
    # |F(u, v)| = |F(-u, -v)|: of each such pair the first is kept.
    kept = [(u, v) for u in range(size) for v in range(size) if (u, v) <= (-u % size, -v % size)]
    return {f"u{u}v{v}": spectrum[:, u, v] for u, v in kept}


def profiles(images: Images) -> Columns:
    """48 columns of (n, 8, 8) images: sums of rows and columns, and how far the ink is from each side (8: no ink)."""
    size = images.shape[1]
    ink = images >= _INK

    def distance(seen: np.ndarray) -> np.ndarray:  # first ink along the last axis
        return np.where(seen.any(axis=2), seen.argmax(axis=2), size).astype(np.float64)

    parts = {
        "row": images.sum(axis=2),
        "column": images.sum(axis=1),
        "left": distance(ink),
        "right": distance(ink[:, :, ::-1]),
        "top": distance(ink.transpose(0, 2, 1)),
        "bottom": distance(ink.transpose(0, 2, 1)[:, :, ::-1]),
    }
    return {f"{name}{i}": values[:, i] for name, values in parts.items() for i in range(size)}


def morphology(images: Images) -> Columns:
    """Ten shape numbers of (n, 8, 8) images; lengths in pixels, moments weighted by grey value.

    Central moments and what follows from them as in Hu (1962), Visual pattern recognition by moment invariants; the
    Euler number (components minus holes, 8-connected) by counting 2 by 2 patterns as in Gray (1971), Local properties
    of binary images in two dimensions.
    """
    size = images.shape[1]
    at = np.arange(size, dtype=np.float64)
    mass = images.sum(axis=(1, 2))
    safe = np.where(mass > 0, mass, 1.0)
    row = (images.sum(axis=2) @ at) / safe
    column = (images.sum(axis=1) @ at) / safe
    down = at[None, :, None] - row[:, None, None]
    across = at[None, None, :] - column[:, None, None]
    rr, cc, rc = ((images * product).sum(axis=(1, 2)) / safe for product in (down**2, across**2, down * across))
    spread = np.sqrt((rr - cc) ** 2 + 4 * rc**2)
    largest = (rr + cc + spread) / 2
    smallest = np.maximum((rr + cc - spread) / 2, 0.0)
    ink = images >= _INK
    return {
        "mass": mass,
        "area": ink.sum(axis=(1, 2)).astype(np.float64),
        "centroid_row": row,
        "centroid_column": column,
        "moment_rows": rr,
        "moment_columns": cc,
        "moment_mixed": rc,
        "eccentricity": np.sqrt(1 - smallest / np.where(largest > 0, largest, 1.0)),
        "height": ink.any(axis=2).sum(axis=1).astype(np.float64),
        "euler": _euler(ink),
    }


def _euler(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1))).astype(np.int64)
    a, b, c, d = padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]
    count = a + b + c + d
    diagonal = (count == 2) & (a == d)
    ones, threes, diagonals = (q.sum(axis=(1, 2)) for q in (count == 1, count == 3, diagonal))
    return (ones - threes - 2 * diagonals) / 4.0


def _subsample(y: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.intp]:
    """The first n rows of a fixed order in which every class advances at its own share."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not _LEAST <= n <= len(y):
        raise DataError(f"task 'digits': n is {n!r}; give a whole number between {_LEAST} and {len(y)}")
    shuffled = np.random.default_rng(_SEED).permutation(len(y))
    share = np.empty(len(y))
    for label in np.unique(y):
        members = shuffled[y[shuffled] == label]
        share[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.argsort(share, kind="stable")[:n])
