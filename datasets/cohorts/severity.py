"""What each modality of a drawn cohort shows of a latent severity, the label that it gives, and the best scores.

Severity z is N(0, 1). Modality m shows v_m = r_m z + sqrt(1 - r_m^2) e_m, from which its pictures are drawn; the label
says between which quantiles z + overlap e lies. All e are independent N(0, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..planted.options import check_between
from ..splits import derived_seed
from .diagnoses import diagnosis_posterior, diagnosis_scores, severity_given

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_SHOWN = 0.99
MOST_DISAGREEMENT = 0.4


def check_strengths(task: str, strengths: Sequence[float], modalities: Sequence[str]) -> tuple[float, ...]:
    """One correlation from 0 to 0.99 for each modality, or DataError."""
    listed = isinstance(strengths, Sequence | np.ndarray) and not isinstance(strengths, str)
    if not listed or len(strengths) != len(modalities):
        told = ", ".join(modalities)
        raise DataError(f"task {task!r}: strengths is {strengths!r}; give {len(modalities)} numbers, for {told}")
    return tuple(
        check_between(task, f"strength of {name}", r, 0, MOST_SHOWN)
        for name, r in zip(modalities, strengths, strict=True)
    )


def overlap_at(disagreement: float, classes: int) -> float:
    """The overlap at which that share of labels is another class than severity itself is in.

    For two classes z and the label's latent have correlation cos(pi rate), which makes it tan(pi rate).
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if disagreement == 0 or classes == 2:
        return float(np.tan(np.pi * disagreement))
    # Gauss-Legendre quadrature over the quantiles within each class.
    x, w = np.polynomial.legendre.leggauss(400)
    z = ndtri((np.arange(classes)[:, None] + (x + 1) / 2) / classes).ravel()
    own = np.repeat(np.arange(classes), len(x))

    def excess(overlap: float) -> float:
        kept = diagnosis_posterior(z, 0.0, classes, overlap)[np.arange(len(z)), own]
        return float(1 - disagreement - kept @ np.tile(w, classes) / 2 / classes)

    return float(brentq(excess, 1e-6, 100.0))


@dataclass(frozen=True)
class Draw:
    """What was drawn for n rows: ``shown`` is (n, M), the rest (n,), the posterior (n, K) for more than two classes."""

    severity: Floats
    shown: Floats
    label: Codes
    clean: Codes
    posterior: Floats

    @property
    def truth(self) -> dict[str, np.ndarray]:
        """All but the label, by name."""
        return {name: getattr(self, name) for name in ("severity", "shown", "clean", "posterior")}


@dataclass(frozen=True)
class LatentSeverity:
    """The rule of a cohort.

    Parameters
    ----------
    task: whose random numbers are drawn.
    strengths: correlation r_m of what modality m shows with severity, below 1.
    overlap: standard deviation of what the label adds to severity.
    classes: K, their number; each is as frequent as the others.
    """

    task: str
    strengths: tuple[float, ...]
    overlap: float = 0.0
    classes: int = 2

    def draw(self, n: int, seed: int, subjects: Codes | None = None, share: float = 0.0) -> Draw:
        """Severities, what is shown of them, and labels of n rows.

        Severities and the label's latents are normal scores of their ranks, so that classes are equally frequent in
        every cohort and not only on average. Rows of one subject, (n,) codes, have severities of correlation ``share``.
        """
        raw = self._normal(seed, "severity", n)
        if subjects is not None:
            common = self._normal(seed, "subject", int(subjects.max()) + 1)
            raw = np.sqrt(share) * common[subjects] + np.sqrt(1 - share) * raw
        z = normal_scores(raw)
        r = np.array(self.strengths)
        shown = r * z[:, None] + np.sqrt(1 - r**2) * self._normal(seed, "shown", n, len(r))
        latent = normal_scores(z + self.overlap * self._normal(seed, "label", n))
        return Draw(z, shown, self._cut(latent), self._cut(z), self.posterior(shown))

    def posterior(self, shown: Floats) -> Floats:
        """True P(class 1 | all that is shown), (n,), or that of every class, (n, K), for more than two."""
        r = np.array(self.strengths)
        burdens = np.divide(shown, r, out=np.zeros_like(shown), where=r > 0)
        precisions = np.broadcast_to(self._precisions, shown.shape)
        p = diagnosis_posterior(*severity_given(burdens, precisions), self.classes, self.overlap)
        return p[:, 1] if self.classes == 2 else p

    def scores(self) -> dict[str, float]:
        """Best achievable scores from all that is shown, integrals over the mean of the severity given it.

        That mean and the label's latent have correlation c = sqrt(S / (1 + S) / (1 + overlap^2)), where
        S = sum_m r_m^2 / (1 - r_m^2). For two classes, by the orthant probabilities of normal variables, the accuracy
        is 1/2 + asin(c) / pi and the area under the ROC curve 1/2 + 2 asin(c / sqrt 2) / pi.
        """
        total = float(self._precisions.sum())
        scores = diagnosis_scores([total], [1.0], self.classes, self.overlap)
        if self.classes == 2:
            c = np.sqrt(total / (1 + total) / (1 + self.overlap**2))
            scores["auroc"] = float(0.5 + 2 * np.arcsin(c / np.sqrt(2)) / np.pi)
        return scores

    @property
    def _precisions(self) -> Floats:
        """Of v_m / r_m about z, (M,)."""
        r = np.array(self.strengths)
        return r**2 / (1 - r**2)

    def _cut(self, latent: Floats) -> Codes:
        from scipy.special import ndtri

        return np.searchsorted(ndtri(np.arange(1, self.classes) / self.classes), latent)

    def _normal(self, seed: int, what: str, *shape: int) -> Floats:
        return np.random.default_rng(derived_seed(self.task, seed, what)).normal(size=shape)


def normal_scores(raw: Floats) -> Floats:
    """Standard normal quantiles of the ranks of the values, (n,)."""
    from scipy.special import ndtri

    return np.asarray(ndtri((raw.argsort().argsort() + 0.5) / len(raw)))
