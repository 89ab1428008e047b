"""What a report says of the fitted models of a task: which modality counted, what within it, and learnt graphs."""

from __future__ import annotations

from ..evaluation import Evaluation, TaskEvaluation
from ..figures.contributions import contributions_figure
from ..figures.features import features_figure
from ..figures.maps import maps_figure
from ..figures.shares import shares_figure
from ..figures.structure import MOST, RARE, structure_figure
from ..figures.style import Picture
from ..part import Part
from .attributions import attributed
from .contributions import contributions, most_first, reasons
from .findings import alone_finding, contribution_finding, structure_finding, weight_finding
from .modality_shares import by_weight, modality_shares
from .structures import structures
from .subsets import measured
from .tables import contributions_table, measured_table, shares_table, structures_table

_WEIGHTS = (
    "Weights describe the fitted models; they do not measure what a modality is worth. One that is redundant may be "
    "informative and get none, and one that only counts together with another may get much or little. Families weigh "
    "different things (kernels, information shared with the class, squared coefficients, importance in trees, or "
    "simply which modality was picked): compare lines of one family, and between families only the order. "
    "Training sets of the splits overlap, so that the spread understates how weights would vary with new data."
)
_CONTRIBUTIONS = (
    "Shapley values measure what the fitted methods make of a modality, on test rows and in one unit for all: the "
    "probability of the true class. Modalities are hidden from a method as if they had not been measured; what each "
    "adds is averaged over all orders in which they may be shown. Modalities that say the same share what they give, "
    "and so do those that count only together. How well a method does without modalities enters as well: one that "
    "never learnt to do without them may lose more than they tell."
)
_WITHIN = (
    "Attributions say what moved the predictions of a network, not what causes the outcome: of features that say the "
    "same, a network may read one, or any. They are large where a network is sure, whether or not it is right."
)
_GRAPHS = (
    "One graph for each model, its splits laid over each other: the stronger an edge, the more splits found it. Edges "
    f"found in {100 * RARE:.0f} % of them or less are not drawn, nor variables beyond {MOST}; those nearest "
    "to the class come first. Colours are modalities, dashed circles latent variables. An arrow shows the direction "
    "of most splits, which is that of the factorisation and not of a cause: the same dependences can often be drawn "
    "the other way round."
)
_RARE = "no edge is found often enough"


def model_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[Part, ...]:
    """What weights and contributions, attributions within modalities, and learnt graphs tell."""
    return (_weights(evaluation, task, primary), _within(evaluation, task, primary), _graphs(evaluation, task))


def _weights(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Part:
    shares = modality_shares(evaluation, task, primary)
    added = contributions(evaluation, task, primary)
    alone = measured(evaluation, task, primary)
    order = most_first(added) or by_weight(shares)
    tables = [contributions_table(evaluation, task, added)] if added else []
    tables += [shares_table(evaluation, task, shares)] if shares else []
    tables += [measured_table(evaluation, task, alone, order, primary)] if alone else []
    pictures: list[Picture] = [contributions_figure(evaluation, task, added)] if added else []
    pictures += [shares_figure(evaluation, task, shares)] if shares else []
    said = (contribution_finding(added), weight_finding(shares), alone_finding(evaluation, alone))
    text = [_CONTRIBUTIONS] if added else []
    text += [" ".join(reasons(task))] if reasons(task) else []
    text += [_WEIGHTS] if shares else []
    return Part(
        "Which modality counted",
        tuple(text),
        tuple(tables),
        tuple(pictures),
        tuple(finding for finding in said if finding),
    )


def _within(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Part:
    features, maps = attributed(evaluation, task, primary)
    drawn = (features_figure(evaluation, task, tuple(features)), maps_figure(evaluation, task, tuple(maps)))
    pictures = tuple(picture for picture in drawn if picture is not None)
    return Part("What counted within modalities", (_WITHIN,), (), pictures, ())


def _graphs(evaluation: Evaluation, task: TaskEvaluation) -> Part:
    found = structures(task)
    drawn = {own.method: structure_figure(evaluation, task, own) for own in found}
    titles = {own.method: evaluation.info(own.method).title or own.method for own in found}
    stars = [titles[own.method] for own in found if own.star]
    others = [titles[own.method] for own in found if drawn[own.method] is None and not own.star]
    text = [_GRAPHS] if any(drawn.values()) else []
    for names, reason in ((stars, "every variable is linked to the class and to nothing else"), (others, _RARE)):
        text += [f"Not drawn, as {reason}: {', '.join(names)}."] if names else []
    finding = structure_finding(evaluation, found)
    return Part(
        "Learnt structures",
        tuple(text),
        (structures_table(evaluation, task, found),) if found else (),
        tuple(picture for picture in drawn.values() if picture),
        (finding,) if finding else (),
    )
