"""The abstract: what was compared and what was found, in sentences that follow from the numbers by rule."""

from __future__ import annotations

from collections.abc import Sequence

from .checks.check import Checked
from .claims.registry import verdicts
from .evaluation import Evaluation
from .findings import Finding

_TOLD = ("best", "fusion", "floor", "calibration", "failures")


def abstract(evaluation: Evaluation, findings: Sequence[Finding], checked: Sequence[Checked], primary: str) -> str:
    """One paragraph: scope, budget, findings, claims, and how many checks ask for a second look."""
    frame = evaluation.results.outcomes
    families = sorted({evaluation.info(name).family for name in evaluation.methods})
    tasks = [task.info.title or task.info.name for task in evaluation.tasks.values()]
    budgets = sorted({int(b) for b in frame["budget"].dropna()})
    said = [
        f"{_count(len(evaluation.methods), 'method')} of {_count(len(families), 'family', 'families')} "
        f"({', '.join(families)}) {'was' if len(evaluation.methods) == 1 else 'were'} compared on "
        f"{_count(len(tasks), 'task')} ({', '.join(tasks)})."
    ]
    if len(budgets) == 1:
        said.append(f"Each was allowed {_count(budgets[0], 'tuning trial')} on the same splits.")
    said += [finding.text for finding in findings if finding.topic in _TOLD]
    if len(evaluation.tasks) > 1:
        words = [verdict.word for verdict in verdicts(evaluation, primary)]
        counts = [words.count(word) or "none" for word in ("supported", "contradicted", "undecided")]
        told = f"these results support {counts[0]}, contradict {counts[1]} and leave {counts[2]} open."
        said.append(f"Of {len(words)} claims of the review, {told}")
    issues = sum(bool(one.remarks) and one.check.severity == "issue" for one in checked)
    if issues:
        said.append(f"{_count(issues, 'check')} {'asks' if issues == 1 else 'ask'} for a second look.")
    return " ".join(said)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
