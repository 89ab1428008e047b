"""The unit of work: one method on one split of one task, with a key that says exactly what it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from fusebench.datasets.splits import derived_seed


@dataclass(frozen=True)
class Budget:
    """What a method may spend on tuning, equal for all: trials, each judged by an inner cross-validation."""

    trials: int = 1
    inner_folds: int = 3


@dataclass(frozen=True)
class Job:
    """One method on one split of one task.

    Parameters
    ----------
    task, fingerprint: name and content hash of the task.
    method, label: name in the registry, and what tables call this variant of it.
    params: settings fixed by the user, as canonical JSON; they are not tuned.
    modalities: names used, in the task's order; empty for all.
    folds, repeat, fold: which split: ``folds`` is how many the protocol makes, 0 where it fixes them itself.
    seed: the run's master seed, which the splits depend on too.
    budget: tuning trials and inner folds.
    source: hash of the method's code.
    fraction: share of the split's training rows to learn from, for learning curves.
    """

    task: str
    fingerprint: str
    method: str
    label: str
    params: str
    modalities: tuple[str, ...]
    folds: int
    repeat: int
    fold: int
    seed: int
    budget: Budget
    source: str
    fraction: float = 1.0

    @cached_property
    def key(self) -> str:
        """Hex SHA-256 of everything the numbers depend on; the label and the task's name are not among it."""
        identity = {k: v for k, v in asdict(self).items() if k not in ("label", "task")}
        if self.fraction == 1.0:
            del identity["fraction"]  # keys are those of before there were fractions
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @cached_property
    def derived_seed(self) -> int:
        """The seed of everything random in the job; changing the code or the budget does not move it."""
        part = () if self.fraction == 1.0 else (self.fraction,)
        what = (self.seed, self.fingerprint, self.method, self.params, self.modalities)
        return derived_seed(*what, self.folds, self.repeat, self.fold, *part)

    @property
    def what(self) -> str:
        """The job in a few words, for people."""
        part = f" [{'+'.join(self.modalities)}]" if self.modalities else ""
        part += f" {self.fraction:.0%} of the rows" if self.fraction < 1 else ""
        return f"{self.task} · {self.label}{part} · repeat {self.repeat} fold {self.fold}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any], key: str = "") -> Job:
        """The job that ``to_dict`` described; its key need not be computed again where it is known."""
        job = cls(**{**data, "modalities": tuple(data["modalities"]), "budget": Budget(**data["budget"])})
        if key:
            job.__dict__["key"] = key
        return job


def canonical(params: dict[str, Any]) -> str:
    """Settings as canonical JSON, so that equal settings make equal keys."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"))
