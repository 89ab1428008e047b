"""All checks in the order of their codes."""

from __future__ import annotations

from ..evaluation import Evaluation
from . import data, protocol, skill, trust
from .check import Check, Checked


def run_checks(evaluation: Evaluation) -> list[Checked]:
    """All checks in order, those without remarks too; not those that the reader has silenced."""
    told = [check for check in CHECKS if check.code not in evaluation.options.silenced]
    return [Checked(check, tuple(check.function(evaluation))) for check in told]


CHECKS: tuple[Check, ...] = (
    Check("FB01", "No better than guessing", "issue", skill.no_skill),
    Check("FB02", "Log-loss worse than the class shares", "issue", skill.worse_than_shares),
    Check("FB03", "Above the best that is possible", "issue", skill.above_bayes),
    Check("FB04", "Perfect scores", "issue", skill.perfect),
    Check("FB05", f"Miscalibrated beyond {trust.MISCALIBRATED:g} smooth ECE", "issue", trust.miscalibrated),
    Check("FB06", "Jobs without a result", "issue", protocol.failed),
    Check("FB07", "Unequal tuning budgets", "issue", protocol.unequal_budget),
    Check("FB08", "Costs from different machines", "issue", protocol.mixed_hardware),
    Check("FB09", "Transductive methods", "issue", protocol.transductive),
    Check("FB10", "Best parameter at the edge of the search", "tip", protocol.at_edge),
    Check("FB11", "Recalibration pays", "tip", trust.recalibrate),
    Check("FB12", "Few splits", "tip", protocol.few_splits),
    Check("FB13", "Few rows", "tip", data.few_rows),
    Check("FB14", "Imbalanced classes", "tip", data.imbalanced),
    Check("FB15", "Few tasks", "tip", protocol.few_tasks),
    Check("FB16", "Recalibration not possible", "tip", trust.no_validation),
    Check("FB17", "Worse than the best single modality", "issue", skill.worse_than_single),
    Check("FB18", "One modality carries it all", "tip", skill.one_modality),
    Check("FB19", "Splits disagree", "issue", protocol.splits_disagree),
    Check("FB20", "A confound predicts the label", "issue", data.confounded),
    Check("FB21", "Too few rows for the claim", "tip", protocol.too_few_for_the_claim),
    Check("FB22", "Methods without a rank", "tip", protocol.unranked),
    Check("FB23", f"Train-test gap beyond {skill.GAP:g}", "tip", skill.train_test_gap),
)
