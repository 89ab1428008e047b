"""ROIk: k of many brain regions tell the label, by their own values and by how they are connected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .options import check_strengths, check_whole
from .scores import gaussian_scores

card = TaskCard(
    name="roik",
    title="Planted: k regions tell",
    description=(
        "Values of many regions, and the connectivity between every two of them. A few regions have other values in "
        "the other class, and the connections among them another strength; all other regions are noise."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Connectivities are Fisher z values with independent noise, not correlations of one common series.",),
)


def load(
    n: int = 300,
    regions: int = 20,
    features: int = 3,
    k: int = 4,
    strengths: Sequence[float] = (1.5, 1.5),
    seed: int = 0,
) -> Task:
    """Region values are N(+-d_1/2 u, I), edges are N(+-d_2/2 v, I), with unit directions u and v.

    u is zero but at the k regions, where it has the norm 1/sqrt(k) at each; v is zero but at the k (k - 1) / 2 edges
    among them, which all have the same value. The best accuracy is Phi(s/2), with s^2 = d_1^2 + d_2^2.

    Parameters
    ----------
    n: rows, half of them of each class.
    regions, features: R regions with F values each.
    k: how many regions tell, at least 2 and fewer than all.
    strengths: distances d_1 and d_2 between the class means of values and of edges.
    seed: which regions, directions, labels and noise.

    Returns
    -------
    The task, with modalities ``roi`` (n, R, F) and ``connectivity`` (n, R, R), symmetric with zeros on the diagonal.
    ``truth["regions"]``, (n, R), and ``truth["edges"]``, (n, R, R), say what tells, alike in all rows;
    ``truth["posterior"]`` is the true P(class 1 | row), (n,).

    Raises
    ------
    DataError: fewer than 20 rows, too few regions, not two strengths, values that are not positive.
    """
    check_whole("roik", "regions", regions, 3)
    check_whole("roik", "features", features, 1)
    check_whole("roik", "k", k, 2, regions - 1)
    strengths = check_strengths("roik", n, strengths, seed, least=2)
    if len(strengths) > 2:
        raise DataError(f"task 'roik': {len(strengths)} strengths; give two, for values and for edges")
    from scipy.special import expit

    y = balanced_labels("roik", n, seed)
    rng = np.random.default_rng(derived_seed("roik", seed, "directions"))
    tells = np.zeros(regions, dtype=bool)
    tells[rng.choice(regions, k, replace=False)] = True
    u = rng.normal(size=(regions, features)) * tells[:, None]
    u[tells] /= np.sqrt(k) * np.linalg.norm(u[tells], axis=1, keepdims=True)
    edges = np.outer(tells, tells) & ~np.eye(regions, dtype=bool)
    first, second = np.triu_indices(regions, 1)
    v = edges[first, second] / np.sqrt(k * (k - 1) / 2)

    noise = np.random.default_rng(derived_seed("roik", seed, "noise"))
    sign = y - 0.5
    roi = noise.normal(size=(n, regions, features)) + strengths[0] * sign[:, None, None] * u
    edge = noise.normal(size=(n, len(v))) + strengths[1] * np.outer(sign, v)
    connectivity = np.zeros((n, regions, regions))
    connectivity[:, first, second] = connectivity[:, second, first] = edge
    odds = strengths[0] * np.einsum("nrf,rf->n", roi, u) + strengths[1] * edge @ v
    truth = {
        "posterior": expit(odds),
        "regions": np.broadcast_to(tells, (n, regions)),
        "edges": np.broadcast_to(edges, (n, regions, regions)),
    }
    samples = Samples([Modality("roi", "roi", roi), Modality("connectivity", "connectivity", connectivity)])
    return Task(samples, y, ("0", "1"), card, bayes=gaussian_scores(float(np.linalg.norm(strengths))), truth=truth)
