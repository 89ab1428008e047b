"""Multiple kernel learning by centred alignment: weights that turn the mix of kernels towards the labels."""

from __future__ import annotations

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .base_kernel import Floats
from .machine import KernelSVM
from .mix import Absent
from .mklaren_package import load


class KernelAlignf(KernelSVM):
    """SVM on the non-negative mix of kernels that is best aligned with the labels' kernel (ALIGNF).

    Each modality has a linear kernel and Gaussian kernels. The weights maximise, over d >= 0,
    <sum d_m K_m, K_y> / |sum d_m K_m|, where K_m is centred and K_y is 1 / n_c for two rows of one class c, else 0.

    Parameters
    ----------
    C: the SVM's penalty.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
    """

    card = MethodCard(
        name="kernel-alignf",
        title="ALIGNF + SVM",
        family="kernel",
        fusion="intermediate",
        summary="SVM on the non-negative mix of per-modality kernels that is best aligned with the labels.",
        citation="Cortes, Mohri and Rostamizadeh 2012",
        inferred="weights shared by all classes (class-balanced label kernel); an absent modality stands at the centre",
        requires=("mklaren",),
        extra="kernels",
    )

    def __init__(
        self,
        C: float = 1.0,
        kernels: str = "three",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        weight_rows: int = 500,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.weight_rows = weight_rows
        self.folds = folds
        self.random_state = random_state

    def _weights(self, stack: Floats, codes: Codes) -> Floats:
        return alignf_weights(stack, label_vectors(codes))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and the set of kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("few", "three", "ladder"))}

    @classmethod
    def warm_up(cls) -> None:
        """Import the package."""
        load("mklaren.mkl.alignf")


def label_vectors(codes: Codes) -> Floats:
    """Centred class indicators (n, k), divided by the root of their class size so that every class counts alike."""
    hot = (codes[:, None] == np.unique(codes)).astype(np.float64)
    hot /= np.sqrt(hot.sum(axis=0))
    return hot - hot.mean(axis=0)


def alignf_weights(kernels: Floats, labels: Floats) -> Floats:
    """ALIGNF weights of centred kernels (p, n, n) for label vectors (n, k): non-negative, summing to 1.

    The problem (Cortes et al. 2012, eq. 13) knows the kernels only by their inner products M with each other and a with
    the labels' kernel. The package forms those from n x n matrices, centring each anew for every pair, and for one
    label vector only. It is therefore given stand-ins: p small centred matrices and one vector with the same M and a.
    """
    p, n, _ = kernels.shape
    flat = kernels.reshape(p, n * n)
    M = flat @ flat.T
    size = np.sqrt(M.diagonal())
    live = size > 1e-12
    if not live.any():
        return np.full(p, 1.0 / p)
    size = size[live]
    a = (flat @ (labels @ labels.T).ravel())[live] / size
    model = load("mklaren.mkl.alignf").Alignf(typ="convex")
    model.fit(*_stand_ins(M[np.ix_(live, live)] / np.outer(size, size), a))
    # The solver's zeros are tiny numbers of either sign.
    found = np.where(model.mu > 1e-5 * model.mu.max(), model.mu, 0.0)
    weights = np.zeros(p)
    weights[live] = found / size
    return weights / weights.sum()


def _stand_ins(M: Floats, a: Floats) -> tuple[list[Floats], Floats]:
    """Centred symmetric matrices L_1..L_p and a centred vector u with <L_k, L_l> = M_kl and u^T L_k u = a_k.

    L_k = Q diag(t_k) Q^T with Q an orthonormal basis of the centred vectors and T T^T = M. T is rotated so that the
    labels' kernel, seen from the kernels' span, lies along the first axis; u = sqrt(r) q_1 then gives all a_k at once.
    """
    values, vectors = np.linalg.eigh(M)
    root = np.sqrt(np.maximum(values, 0.0))
    T = vectors * root
    z = np.divide(vectors.T @ a, root, out=np.zeros_like(root), where=root > 1e-7 * root.max())
    r = float(np.linalg.norm(z))
    p = len(a)
    basis = np.linalg.qr(np.column_stack([z, np.eye(p)]))[0] if r > 0 else np.eye(p)
    if z @ basis[:, 0] < 0:
        basis[:, 0] *= -1.0
    T = T @ basis
    helmert = np.linalg.qr(np.column_stack([np.ones(p + 1), np.eye(p + 1)[:, :p]]))[0][:, 1:]
    return [(helmert * t) @ helmert.T for t in T], np.sqrt(r) * helmert[:, 0]
