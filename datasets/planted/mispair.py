"""MISPAIR: in some rows the second modality belongs to another subject of the same class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from . import add, xor
from .forms import check_forms
from .options import check_between, check_choice, check_options

card = TaskCard(
    name="mispair",
    title="Planted: wrongly paired",
    description=(
        "The task xor (or add), in which a share of the rows has another subject's second modality, of the same class. "
        "Where only modalities together tell the class, such rows are lost; where each tells by itself, nothing is."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Over the task add the best scores are those of add: given the class its modalities are independent.",),
)

OVER = ("xor", "add")


def load(
    n: int = 400,
    widths: Sequence[int] = (4, 4),
    strengths: Sequence[float] = (4.0, 4.0),
    share: float = 0.2,
    over: str = "xor",
    form: str | Sequence[str] = "table",
    seed: int = 0,
) -> Task:
    """The rows of that task with the same settings; in a share r of each class, m2 is passed round among the rows.

    Over xor the bit that such a row shows in m2 says nothing of its label, which leaves the posterior
    (1 - r) P + r / 2 and the best accuracy (1 - r) a + r / 2, with P and a those of xor.

    Parameters
    ----------
    n, widths, strengths, form, seed: as of the task that it is over; the seed also draws which rows are mispaired.
    share: r, from 0 to 1; a class has no mispaired row or at least two.
    over: "xor" or "add".

    Returns
    -------
    The task, with the truth of the task that it is over (bits are the row's own, odds are those of what it shows).
    ``truth["partner"]`` is the row that m2 comes from and ``truth["mispaired"]`` whether that is another one, (n,).
    ``truth["posterior"]`` is the true P(class 1 | row), (n,), where nobody tells which rows are mispaired.

    Raises
    ------
    DataError: as of the task that it is over; fewer than two modalities; a share out of range, another task.
    """
    widths, strengths = check_options("mispair", n, widths, strengths, seed, least=2)
    check_forms("mispair", form, widths)
    share = check_between("mispair", "share", share, 0, 1)
    check_choice("mispair", "over", over, OVER)
    from scipy.special import expit

    paired = (xor if over == "xor" else add).load(n, widths, strengths, form, seed)
    partner = _partners(paired.y, share, seed)
    first, second, *others = paired.samples.modalities
    samples = Samples([first, Modality(second.name, second.kind, second.values[partner]), *others])
    mispaired = partner != np.arange(n)
    lost = float(mispaired.mean())
    odds = np.column_stack([paired.truth["odds"][:, :1], paired.truth["odds"][partner, 1], paired.truth["odds"][:, 2:]])
    truth = {**paired.truth, "odds": odds, "partner": partner, "mispaired": mispaired}
    if over == "add":
        bayes, truth["posterior"] = dict(paired.bayes), expit(odds.sum(axis=1))
    else:
        bayes = {metric: (1 - lost) * value + lost / 2 for metric, value in paired.bayes.items()}
        truth["posterior"] = (1 - lost) * xor.parity_posterior(odds) + lost / 2
    return Task(samples, paired.y, paired.classes, card, bayes=bayes, truth=truth)


def _partners(y: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.intp]:
    """The row that each row has m2 from: chosen rows of a class pass it round in a circle, and none keeps its own."""
    rng = np.random.default_rng(derived_seed("mispair", seed, "rows"))
    partner = np.arange(len(y))
    for c in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == c))
        count = round(share * len(rows))
        chosen = rows[: 2 if count == 1 else count]
        partner[chosen] = np.roll(chosen, 1)
    return partner
