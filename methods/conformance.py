"""The conformance suite: what every method promises, as named checks for the tests and for ``fusebench check``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from ._checking import CheckFailed, CheckSkipped, Trial, listening, told
from ._checks_contract import (
    check_card,
    check_class_codes,
    check_constructor,
    check_fit,
    check_pickle,
    check_proba,
    check_quiet,
    check_search_space,
    check_tells,
)
from ._checks_data import (
    check_absent_modalities,
    check_beats_prior,
    check_categories,
    check_every_kind,
    check_missing_cells,
    check_modality_count,
    check_random_labels,
    check_small_and_constant,
    check_subjects,
)
from ._checks_numbers import (
    check_global_random_state,
    check_modality_order,
    check_only_given_rows,
    check_predict_twice,
    check_refit,
    check_row_order,
    check_same_seed,
    check_single_row,
    check_subset_of_rows,
)
from .base import Method

CHECKS: tuple[Callable[[Trial], None], ...] = (
    check_card,
    check_constructor,
    check_search_space,
    check_modality_count,
    check_fit,
    check_proba,
    check_class_codes,
    check_quiet,
    check_tells,
    check_pickle,
    check_same_seed,
    check_global_random_state,
    check_predict_twice,
    check_row_order,
    check_single_row,
    check_subset_of_rows,
    check_only_given_rows,
    check_modality_order,
    check_refit,
    check_absent_modalities,
    check_missing_cells,
    check_categories,
    check_every_kind,
    check_subjects,
    check_small_and_constant,
    check_beats_prior,
    check_random_labels,
)
"""All checks in the order in which they run: form first, then numbers, then data."""


@dataclass(frozen=True)
class CheckResult:
    """What one check found; ``detail`` is the reason of a failure or a skip in one line."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str = ""

    @property
    def summary(self) -> str:
        """What the check is about: the first line of its docstring."""
        check = next(check for check in CHECKS if check.__name__ == self.name)
        return (check.__doc__ or "").partition("\n")[0]


def iter_checks(cls: type[Method], *, quick: bool = False, only: Collection[str] = ()) -> Iterator[CheckResult]:
    """Run every check over a method, or those that ``only`` names, and give each result as it comes.

    A check that fails is skipped with "expected: reason" when the class's ``expected_failed_checks`` names it.
    Whatever the method raises is a failed check, never an error here.
    """
    trial = Trial(cls, quick=quick)
    for check in CHECKS:
        if not only or check.__name__ in only:
            yield _run(check, trial)


def run_checks(cls: type[Method], *, quick: bool = False, only: Collection[str] = ()) -> list[CheckResult]:
    """All results of ``iter_checks``. ``quick`` draws fewer random labels and leaves the slowest check out."""
    return list(iter_checks(cls, quick=quick, only=only))


def _run(check: Callable[[Trial], None], trial: Trial) -> CheckResult:
    name = check.__name__
    try:
        with listening():
            check(trial)
    except CheckSkipped as reason:
        return CheckResult(name, "skipped", str(reason))
    except CheckFailed as failure:
        detail = str(failure)
    except Exception as error:  # the method's own code runs in here: whatever it raises is the finding
        detail = told(error)
    else:
        return CheckResult(name, "passed")
    expected = trial.cls.expected_failed_checks.get(name)
    return (
        CheckResult(name, "failed", detail)
        if expected is None
        else CheckResult(name, "skipped", f"expected: {expected}")
    )
