"""All claims in the order of the report."""

from __future__ import annotations

from ..evaluation import Evaluation
from . import on_skill, on_trust
from .claim import Claim, Verdict, decide

SUITE = "fusebench run claims"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "fusing",
        "Fusing modalities beats the best single one.",
        "",
        "Median gain of the fusing methods over the best method on one modality.",
        "more tasks, such as those of fusebench run full",
        on_skill.fusing_beats_single,
    ),
    Claim(
        "early-overfits",
        "Early fusion overfits more than late fusion.",
        "section 2.1",
        "Score on the rows that were fitted on less score on test rows: early less late, within families.",
        f"training scores of both in one family on more tasks: {SUITE}",
        on_skill.early_overfits,
    ),
    Claim(
        "late-interactions",
        "Late fusion cannot exploit interactions between modalities.",
        "section 2.1",
        f"On XOR: the best late fusion within {on_skill.AT_CHANCE:g} of chance, another above {on_skill.SOLVED:g}.",
        f"the task xor with late and other fusion, and rows enough: {SUITE}",
        on_skill.late_misses_interactions,
    ),
    Claim(
        "hybrid-costs",
        "Hybrid fusion costs more than it gains.",
        "section 2.1",
        "Score of the better of early and late less that of hybrid fusion, within families, at more seconds.",
        f"hybrid networks beside early and late ones on more tasks: {SUITE}",
        on_skill.hybrid_costs_more,
    ),
    Claim(
        "no-best",
        "No fusion rule is best everywhere.",
        "",
        "Every method is distinguishably worse than the best one on some task (Bonferroni over tasks).",
        "tasks that ask for different rules, with more rows or repeats",
        on_skill.none_is_best_everywhere,
    ),
    Claim(
        "graphs-shift",
        "Graphical models lose more under shift than other methods.",
        "",
        "Out-of-fold score on the training sites less score on an unseen site: graphical models less others.",
        f"several tasks that leave one site out; {SUITE} holds one",
        on_trust.graphs_lose_under_shift,
    ),
    Claim(
        "networks-data",
        "Networks need more data than kernel methods.",
        "",
        "What networks gain from the fewest training rows to all, less what kernel methods gain.",
        f"learning curves, which a suite asks for with fractions: {SUITE}",
        on_trust.networks_need_more_data,
    ),
    Claim(
        "deeper-costs",
        "Deeper networks cost more than they gain.",
        "",
        "Score with fewer layers less score with more, of the same method, at fewer seconds.",
        f"one network at several depths: {SUITE}",
        on_skill.deeper_costs_more,
    ),
    Claim(
        "networks-kernels",
        "Probabilities of networks are worse calibrated than those of kernel methods.",
        "",
        "Smooth ECE of probabilities as given: networks less kernel methods.",
        "both families on more tasks",
        on_trust.worse_calibrated_than_kernels,
    ),
    Claim(
        "networks-graphs",
        "Probabilities of networks are worse calibrated than those of graphical models.",
        "",
        "Smooth ECE of probabilities as given: networks less graphical models.",
        "both families on more tasks",
        on_trust.worse_calibrated_than_graphs,
    ),
)


def verdicts(evaluation: Evaluation, primary: str) -> tuple[Verdict, ...]:
    """What the results say of every claim."""
    return evaluation.memory.once("verdicts", primary, lambda: decide(CLAIMS, evaluation, primary))
