"""What an observer measures in the pictures of the simulated cohorts, row by row, from the arrays alone.

Nobody shows it where a lesion or a tumour lies: it finds the dark or bright region that belongs to it first.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..samples import Samples
from .drawing import plane

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SHELLS = (0.0, 0.5, 0.75, 0.92, 1.08, 1.2, 1.35, 1.5, 1.7, 2.0)  # of a lesion's oval, 1 at its edge
_DEPTHS = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)  # of a tumour, 0 in its middle and 1 at its edge
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.85, 0.92, 0.97)


def lesion_outline(samples: Samples) -> Floats:
    """Brightness and unevenness of B-mode in shells around the oval that Doppler shows, (n, 24)."""
    bmode = _grey(samples, "bmode")
    rows = []
    for picture, distance in zip(bmode, _ovals(samples), strict=True):
        relative = picture / np.median(picture[distance > 2])
        soft = ndimage.gaussian_filter(relative, 1.0)
        core = distance < 0.9
        shells = [(distance >= low) & (distance < high) for low, high in pairwise(_SHELLS)]
        rows.append(
            [
                *(_mean(relative, shell, core) for shell in shells),
                *(soft[shell].std() if shell.any() else 0.0 for shell in shells),
                relative[core].std(),
                soft[core].std(),
                *np.quantile(soft[core], (0.1, 0.9)),
                (distance < 1).sum(),
            ]
        )
    return np.array(rows)


def lesion_flow(samples: Samples) -> Floats:
    """Which share of the oval that Doppler shows is coloured, and its size in pixels, (n, 3)."""
    coloured = _coloured(samples)
    rows = []
    for colour, distance in zip(coloured, _ovals(samples), strict=True):
        within = distance < 1
        rows.append([(colour & within).sum() / within.sum(), (colour & (distance < 1.1)).mean(), within.sum()])
    return np.array(rows, dtype=np.float64)


def glioma_ring(samples: Samples) -> Floats:
    """Brightness of T1ce from the middle of the tumour to its edge, and the tumour's size, (n, 14)."""
    rows = []
    for picture, found in zip(_scaled(samples, "t1ce"), _tumours(samples), strict=True):
        rows.append([*_profile(picture, found), *np.quantile(picture[found], _QUANTILES), found.sum()])
    return np.array(rows)


def glioma_necrosis(samples: Samples) -> Floats:
    """Brightness of T2 from the middle of the tumour to its edge, and which share is as bright as fluid, (n, 13)."""
    rows = []
    for picture, found in zip(_scaled(samples, "t2"), _tumours(samples), strict=True):
        shares = [(picture[found] > level).mean() for level in (0.72, 0.8, 0.9)]
        rows.append([*_profile(picture, found), *np.quantile(picture[found], (0.5, 0.75, 0.9)), *shares, found.sum()])
    return np.array(rows)


def glioma_oedema(samples: Samples) -> Floats:
    """How far the bright part of FLAIR reaches beyond the tumour that T2 shows, (n, 10)."""
    rows = []
    for picture, found in zip(_scaled(samples, "flair"), _tumours(samples), strict=True):
        region = _largest(picture > 0.56)
        bright = picture > 0.7
        sizes = [
            part.sum() / found.sum()
            for part in (bright, region, region | found, picture > 0.62, bright & found, bright & ~found)
        ]
        rows.append([*sizes, *np.quantile(picture[found], (0.25, 0.5, 0.75)), found.sum()])
    return np.array(rows)


def retina_cup(samples: Samples) -> Floats:
    """Sizes in pixels of the cup and the disc by colour, (n, 3)."""
    _, green, blue = np.moveaxis(samples.modality("fundus").values, 1, 0)
    return np.column_stack([(blue > 0.55).sum(axis=(1, 2)), (green > 0.5).sum(axis=(1, 2)), (blue > 0.25).sum((1, 2))])


def retina_layers(samples: Samples) -> Floats:
    """Mean brightness by depth at both rims of the volume, away from the disc, (n, 12)."""
    rim = samples.modality("oct").values[:, 0][:, :, [0, 1, 2, -3, -2, -1]]
    return rim.mean(axis=(2, 3))[:, :12].astype(np.float64)


def retina_table(samples: Samples) -> Floats:
    """The columns of the table, (n, 4)."""
    return samples.modality("clinical").values


def _grey(samples: Samples, name: str) -> Floats:
    return samples.modality(name).values[:, 0].astype(np.float64)


def _coloured(samples: Samples) -> Mask:
    """Which pixels of Doppler are not grey, (n, size, size)."""
    return np.ptp(samples.modality("doppler").values, axis=1) > 0.2


def _ovals(samples: Samples) -> list[Floats]:
    """Distance of every pixel from the middle of the dark region of each Doppler picture, 1 at the edge of its oval."""
    doppler = samples.modality("doppler").values
    grey = np.where(_coloured(samples), 0.0, doppler.mean(axis=1))
    soft = ndimage.gaussian_filter(grey, (0.0, 1.2, 1.2))
    y, x = plane(grey.shape[-1])
    corners = np.hypot(y, x) > 0.85
    ovals = []
    for picture in soft:
        dark = picture < 0.6 * np.median(picture[corners])
        opened = ndimage.binary_opening(dark)
        found = ndimage.binary_fill_holes(_largest(opened if opened.any() else dark))
        # Along each axis the standard deviation of a filled ellipse is half its semi-axis.
        down, right = ((axis - axis[found].mean()) / max(2 * axis[found].std(), 0.1) for axis in (y, x))
        ovals.append(np.hypot(down, right))
    return ovals


def _scaled(samples: Samples, name: str) -> Floats:
    """A smoothed sequence in units of the subject's own brightness, as FLAIR shows it, (n, size, size)."""
    brain, flair = _grey(samples, "t1ce") > 0.2, _grey(samples, "flair")
    gain = np.array([np.median(row[inside]) for row, inside in zip(flair, brain, strict=True)]) / 0.45
    return ndimage.gaussian_filter(_grey(samples, name), (0.0, 0.6, 0.6)) / gain[:, None, None]


def _tumours(samples: Samples) -> Mask:
    """The largest region that is bright in T2 and no fluid in FLAIR, (n, size, size)."""
    bright = (_scaled(samples, "t2") > 0.55) & (_scaled(samples, "flair") > 0.33)
    return np.array([ndimage.binary_fill_holes(_largest(one)) for one in bright])


def _largest(mask: Mask) -> Mask:
    """The largest connected region of a picture; all of it where there is none."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return np.ones_like(mask)
    sizes = np.bincount(labels.ravel())[1:]
    return np.asarray(labels == 1 + int(sizes.argmax()))


def _profile(picture: Floats, found: Mask) -> list[float]:
    """Mean brightness of a region by depth below its edge."""
    depth = ndimage.distance_transform_edt(found)
    outward = 1 - depth / depth.max()
    return [_mean(picture, found & (outward >= low) & (outward <= high), found) for low, high in pairwise(_DEPTHS)]


def _mean(picture: Floats, part: Mask, otherwise: Mask) -> float:
    return float(picture[part if part.any() else otherwise].mean())
