"""What a report says of the fitted models of a task: which modality counted, and the graphs that were learnt."""

from __future__ import annotations

from dataclasses import dataclass

from .evaluation import Evaluation, TaskEvaluation
from .figure_shares import shares_figure
from .figure_structure import MOST, RARE, structure_figure
from .figure_style import Picture
from .findings import Finding
from .modality_shares import by_weight, modality_shares
from .model_findings import alone_finding, structure_finding, weight_finding
from .model_tables import measured_table, shares_table, structures_table
from .structures import structures
from .subsets import measured
from .table import Table

_WEIGHTS = (
    "Weights describe the fitted models; they do not measure what a modality is worth. One that is redundant may be "
    "informative and get none, and one that only counts together with another may get much or little. Families weigh "
    "different things (kernels, information shared with the class, squared coefficients, importance in trees, or "
    "simply which modality was picked): compare lines of one family, and between families only the order. "
    "Training sets of the splits overlap, so that the spread understates how weights would vary with new data."
)
_GRAPHS = (
    "One graph for each model, its splits laid over each other: the stronger an edge, the more splits found it. Edges "
    f"found in {100 * RARE:.0f} % of them or less are not drawn, nor variables beyond {MOST}; those nearest "
    "to the class come first. Colours are modalities, dashed circles latent variables. An arrow shows the direction "
    "of most splits, which is that of the factorisation and not of a cause: the same dependences can often be drawn "
    "the other way round."
)
_RARE = "no edge is found often enough"


@dataclass(frozen=True)
class Part:
    """A section within a task: its title, text, tables, and pictures, in this order."""

    title: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    findings: tuple[Finding, ...]


def model_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[Part, ...]:
    """The parts that there is anything to say in."""
    return tuple(part for part in (_weights(evaluation, task, primary), _graphs(evaluation, task)) if part.tables)


def _weights(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Part:
    shares = modality_shares(evaluation, task, primary)
    alone = measured(evaluation, task, primary)
    tables = [shares_table(evaluation, task, shares)] if shares else []
    tables += [measured_table(evaluation, task, alone, by_weight(shares), primary)] if alone else []
    said = (weight_finding(shares), alone_finding(evaluation, alone))
    return Part(
        "Which modality counted",
        (_WEIGHTS,) if shares else (),
        tuple(tables),
        (shares_figure(evaluation, task, shares),) if shares else (),
        tuple(finding for finding in said if finding),
    )


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
