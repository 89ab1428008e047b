"""What a report is made from: a frame of outcomes, and what to know of the tasks, methods and run behind it.

This is the contract between the harness, which writes it, and this room, which reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

STATUSES = ("ok", "skipped", "failed", "timeout", "out_of_memory", "not_installed")

COLUMNS: Mapping[str, str] = {
    "key": "content hash of the job",
    "task": "name of the task",
    "method": "label of the method, unique within the results",
    "modalities": "tuple of the modality names that were used",
    "full": "whether these are all modalities and all training rows; only full rows enter the main tables",
    "fraction": "share of the split's training rows that were learnt from",
    "repeat": "repeat of the split protocol",
    "fold": "fold within the repeat",
    "status": "one of STATUSES",
    "phase": "where it failed: import, skip, warm_up, tune, fit, predict; empty when ok",
    "reason": "one line for humans when not ok; text from data or plugins, to be escaped",
    "n_train": "training rows",
    "n_test": "test rows",
    "rows": "int array (n_test,): positions of the test rows in the task",
    "groups": "int array (n_test,): codes of the subjects of the test rows",
    "y": "int array (n_test,): true class codes",
    "proba": "float array (n_test, C) in the order of the task's classes; None unless ok",
    "val_y": "int array (n_val,): true classes of the out-of-fold validation rows; None unless kept",
    "val_proba": "float array (n_val, C): out-of-fold probabilities of the training rows; or None",
    "train_y": "int array (n,): true classes of training rows, at most a thousand; None unless kept",
    "train_proba": "float array (n, C): what the fitted method says of these rows it was fitted on; or None",
    "params": "dict of the chosen parameters",
    "n_trials": "tuning trials that were run",
    "budget": "tuning trials that were allowed, equal for all methods",
    "inner_folds": "folds of the inner cross-validation",
    "criterion": "what tuning minimises",
    "at_edge": "tuple of parameters whose chosen value lies at the edge of its range",
    "tune_wall": "seconds",
    "tune_cpu": "seconds of all threads",
    "fit_wall": "seconds of the final fit",
    "fit_cpu": "seconds of all threads",
    "predict_wall": "seconds for all test rows",
    "predict_cpu": "seconds of all threads",
    "latency_one": "median seconds to predict one row",
    "latency_thousand": "seconds to predict a thousand rows (rows repeated where there are fewer)",
    "peak_memory": "bytes above the child's own baseline, in the final fit and its predictions",
    "parameters": "learnt numbers, NaN where unknown",
    "flops": "floating-point operations to predict one row, NaN where unknown",
    "explain_wall": "seconds to explain predictions, after the rest and no part of what the method costs",
    "modality_weights": "dict of modality name to non-negative weight; or None",
    "structure": "dict of nodes (name, modality, class | feature | latent), edges (from, to), directed; or None",
    "explanation": "dict: rows (R,), modalities, shapley (R, M) and nothing (R,) or None, reasons (sentences), "
    "attributions: dict of modality to dict of names (tuple), sizes (F,), gradient, cam (grids or None); or None",
    "notes": "tuple of sentences that the method wants shown; to be escaped",
    "device": "cpu or the GPU's name",
    "threads": "threads the job was pinned to",
    "hardware": "text: processor, cores, memory",
    "seed": "the job's derived seed",
}


@dataclass(frozen=True)
class TaskInfo:
    """What the report says of a task. ``modalities`` are (name, kind, values in one row); ``ids`` name its rows.

    ``subgroups``: ways to group the rows, as (name, labels, codes (n,) with -1 for not known, whether shown unasked).
    """

    name: str
    title: str
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    n: int
    n_subjects: int
    modalities: tuple[tuple[str, str, int], ...]
    protocol: str
    description: str = ""
    origin: str = ""
    licence: str = ""
    citation: str = ""
    disease: str = ""
    planted: bool = False
    bayes: Mapping[str, float] = field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()
    caveats: tuple[str, ...] = ()
    missing: float = 0.0
    fingerprint: str = ""
    ids: tuple[str, ...] = ()
    subgroups: tuple[tuple[str, tuple[str, ...], npt.NDArray[np.int16], bool], ...] = ()


@dataclass(frozen=True)
class MethodInfo:
    """What the report says of a method; ``name`` is the label that the frame uses. ``claims``: published figures.

    ``method`` is its name in the registry and ``settings`` what the suite fixed: labels may share the one and differ in
    the other.
    """

    name: str
    title: str
    family: str
    fusion: str
    role: str = "method"
    summary: str = ""
    citation: str = ""
    inferred: str = ""
    transductive: bool = False
    claims: tuple[Mapping[str, Any], ...] = ()
    kinds: tuple[str, ...] = ()
    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """Everything a report is made from.

    Parameters
    ----------
    outcomes: one row an outcome, with exactly ``COLUMNS``; missing numbers are NaN, missing arrays None.
    tasks, methods: by name, covering every name in the frame.
    run: how to reproduce it: ``command``, ``suite``, ``version``, ``created`` (ISO), ``seed``, ``packages`` (dict),
        ``python``, ``store`` (hash), ``hardware``; any may be missing.

    Raises
    ------
    ValueError: columns, statuses or names that do not fit; the message names them.
    """

    outcomes: pd.DataFrame
    tasks: Mapping[str, TaskInfo]
    methods: Mapping[str, MethodInfo]
    run: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_records(
        cls,
        outcomes: pd.DataFrame,
        tasks: Mapping[str, Mapping[str, Any]],
        methods: Mapping[str, Mapping[str, Any]],
        run: Mapping[str, Any],
    ) -> Results:
        """Results from plain dictionaries, such as were read from JSON: lists become tuples."""
        return cls(
            outcomes,
            {name: TaskInfo(**_tupled(info)) for name, info in tasks.items()},
            {name: MethodInfo(**_tupled(info)) for name, info in methods.items()},
            run,
        )

    def __post_init__(self) -> None:
        frame = self.outcomes
        absent = [c for c in COLUMNS if c not in frame.columns]
        extra = [c for c in frame.columns if c not in COLUMNS]
        if absent or extra:
            raise ValueError(f"results frame: missing columns {absent}, unknown columns {extra}")
        strange = sorted(set(frame["status"]) - set(STATUSES))
        if strange:
            raise ValueError(f"results frame: unknown statuses {strange}")
        for what, names in (("task", self.tasks), ("method", self.methods)):
            unknown = sorted(set(frame[what]) - set(names))
            if unknown:
                raise ValueError(f"results frame: nothing is known of the {what}s {unknown}")


def _tupled(info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(tuple(v) if isinstance(v, list) else v for v in value) if isinstance(value, list) else value
        for key, value in info.items()
    }
