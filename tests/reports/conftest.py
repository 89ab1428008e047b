"""Synthetic results: methods of every family with planted skill and sharpness, on tasks of every protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.results import COLUMNS, MethodInfo, Results, TaskInfo

# name, family, fusion, role, noise of its logits, sharpness of its probabilities, seconds to fit
METHODS: tuple[tuple[str, str, str, str, float, float, float], ...] = (
    ("prior", "baseline", "none", "floor", np.inf, 1.0, 1e-4),
    ("best-single", "baseline", "none", "floor", 1.9, 1.0, 0.08),
    ("concat-logistic", "baseline", "early", "floor", 1.0, 1.1, 0.02),
    ("concat-svm-rbf", "baseline", "early", "floor", 0.95, 0.8, 0.06),
    ("concat-forest", "boosting", "early", "floor", 1.2, 0.7, 0.4),
    ("concat-xgboost", "boosting", "early", "floor", 1.1, 1.7, 0.7),
    ("uniform-kernel-svm", "kernel", "intermediate", "method", 0.9, 0.9, 0.09),
    ("alignf-svm", "kernel", "intermediate", "method", 0.8, 0.9, 0.5),
    ("mklaren", "kernel", "intermediate", "method", 1.0, 1.0, 0.2),
    ("naive-bayes", "graphical", "late", "method", 1.3, 3.0, 0.01),
    ("tan", "graphical", "early", "method", 1.2, 2.0, 0.3),
    ("early-additive", "neural", "early", "method", 0.9, 1.6, 1.8),
    ("tensor-fusion", "neural", "intermediate", "method", 1.0, 2.4, 2.6),
    ("late-mean", "neural", "late", "method", 1.0, 0.6, 2.1),
    ("hybrid", "neural", "hybrid", "method", 0.85, 1.4, 4.5),
    ("small-cnn", "cnn", "intermediate", "method", 1.1, 1.3, 9.0),
    ("small-vit", "vit", "intermediate", "method", 1.5, 1.2, 14.0),
    ("population-gcn", "gnn", "intermediate", "method", 1.2, 1.1, 6.0),
)

TRAP = "<script>alert('x')</script> 50% of $x_1$ | a_b & c # {d} \\e ~f ^g"


@dataclass(frozen=True)
class Spec:
    name: str
    n: int
    classes: tuple[str, ...]
    modalities: tuple[tuple[str, str, int], ...]
    strength: float
    folds: int = 5
    repeats: int = 2
    official: bool = False
    bayes: tuple[tuple[str, float], ...] = ()


TASKS = (
    Spec(
        "breast-cancer",
        300,
        ("malignant", "benign"),
        (("mean", "table", 10), ("error", "table", 10), ("worst", "table", 10)),
        3.0,
    ),
    Spec(
        "digits-views",
        400,
        tuple("0123"),
        (("pixels", "table", 64), ("fourier", "table", 24), ("image", "image", 64)),
        3.5,
    ),
    Spec(
        "planted-add",
        400,
        ("control", "case"),
        (("first", "table", 10), ("second", "table", 10)),
        1.6,
        bayes=(("accuracy", 0.79), ("balanced_accuracy", 0.79)),
    ),
    Spec(
        "heart-official",
        187,
        ("healthy", "ill"),
        (("rest", "roi", 22), ("stress", "roi", 22)),
        1.2,
        folds=1,
        official=True,
    ),
)


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def outcome(**known: Any) -> dict[str, Any]:
    """One row of the frame, with what is not given left missing."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {
        "key": "k",
        "modalities": ("a", "b"),
        "full": True,
        "fraction": 1.0,
        "repeat": 0,
        "fold": 0,
        "status": "ok",
        "phase": "",
        "reason": "",
        "params": {},
        "n_trials": 8,
        "budget": 8,
        "inner_folds": 3,
        "criterion": "log_loss",
        "at_edge": (),
        "notes": (),
        "device": "cpu",
        "threads": 1,
        "hardware": "2 cores, 8 GB",
        "seed": 1,
    }
    for name in ("tune_wall", "tune_cpu", "fit_wall", "fit_cpu", "predict_wall", "predict_cpu", "latency_one"):
        row[name] = np.nan
    for name in ("latency_thousand", "peak_memory", "parameters", "flops", "explain_wall", "n_train", "n_test"):
        row[name] = np.nan
    return row | known


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=object) for name in COLUMNS}
    ).infer_objects()


def task_info(spec: Spec) -> TaskInfo:
    share = spec.n // len(spec.classes)
    return TaskInfo(
        name=spec.name,
        title=spec.name.replace("-", " ").capitalize(),
        classes=spec.classes,
        class_counts=(spec.n - share * (len(spec.classes) - 1), *[share] * (len(spec.classes) - 1)),
        n=spec.n,
        n_subjects=spec.n,
        modalities=spec.modalities,
        protocol="official split"
        if spec.official
        else f"{spec.folds} folds x {spec.repeats} repeats, stratified by class",
        description="A synthetic stand-in with planted skill.",
        origin="generated",
        licence="CC0",
        planted=bool(spec.bayes),
        bayes=dict(spec.bayes),
        published=(
            {
                "what": "Doe 2019, random forest",
                "metric": "accuracy",
                "value": 0.91,
                "source": "Doe et al. 2019, table 2",
            },
        )
        if spec.official
        else (),
        fingerprint="0123456789abcdef" * 4,
    )


def method_infos() -> dict[str, MethodInfo]:
    return {
        name: MethodInfo(
            name=name,
            title=name.replace("-", " "),
            family=family,
            fusion=fusion,
            role=role,
            summary=f"Follows the mechanism that its name, {name}, tells.",
            citation="Doe J, Roe R (2020). On fusion. Journal of Modalities 3, 14-15.",
            inferred="the width of the hidden layer" if family == "neural" else "",
            transductive=family == "gnn",
            claims=({"what": "their cohort", "metric": "accuracy", "value": 0.93, "source": "their table 3"},)
            if name == "hybrid"
            else (),
        )
        for name, family, fusion, role, *_ in METHODS
    }


def split_rows(spec: Spec, repeat: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Fold, training rows and test rows."""
    rng = np.random.default_rng(repeat)
    if spec.official:
        cut = spec.n // 2
        yield 0, np.arange(cut), np.arange(cut, spec.n)
        return
    for fold, test in enumerate(np.array_split(rng.permutation(spec.n), spec.folds)):
        yield fold, np.setdiff1d(np.arange(spec.n), test), np.sort(test)


def synthetic(tasks: tuple[Spec, ...] = TASKS, methods: tuple = METHODS, seed: int = 0) -> Results:
    rows = []
    for t, spec in enumerate(tasks):
        rng = np.random.default_rng(seed + 100 * t)
        truth = rng.normal(size=(spec.n, len(spec.classes))) * spec.strength
        y = (softmax(truth).cumsum(axis=1) > rng.uniform(size=(spec.n, 1))).argmax(axis=1)
        names = tuple(name for name, *_ in spec.modalities)
        for i, (method, family, _, _, noise, sharpness, seconds) in enumerate(methods):
            for size in (
                range(1, len(names) + 1) if method in ("concat-logistic", "alignf-svm", "hybrid") else (len(names),)
            ):
                for which in {tuple(sorted({(s + k) % len(names) for k in range(size)})) for s in range(len(names))}:
                    for repeat in range(spec.repeats):
                        own = np.random.default_rng([seed, t, i, repeat, *which])
                        scale = 0.8 * noise * (1 + 0.5 * (len(names) - size)) if np.isfinite(noise) else 0.0
                        noisy = (truth if np.isfinite(noise) else 0 * truth) + scale * own.normal(size=truth.shape)
                        proba = softmax(noisy * sharpness / (1 + (scale / spec.strength) ** 2))
                        for fold, train, test in split_rows(spec, repeat):
                            jitter = float(own.lognormal(0, 0.1))
                            row = outcome(
                                task=spec.name,
                                method=method,
                                modalities=tuple(names[k] for k in which),
                                full=size == len(names),
                                repeat=repeat,
                                fold=fold,
                                n_train=len(train),
                                n_test=len(test),
                                rows=test,
                                groups=test,
                                y=y[test],
                                proba=proba[test],
                                val_y=None if method == "small-vit" else y[train],
                                val_proba=None if method == "small-vit" else proba[train],
                                tune_wall=seconds * 8 * jitter,
                                tune_cpu=seconds * 9 * jitter,
                                fit_wall=seconds * jitter,
                                fit_cpu=seconds * 1.1 * jitter,
                                predict_wall=seconds / 50 * jitter,
                                predict_cpu=seconds / 50 * jitter,
                                latency_one=2e-4 + seconds / 5e3 * jitter,
                                latency_thousand=2e-3 + seconds / 50 * jitter,
                                peak_memory=int(3e6 + 4e7 * seconds),
                                parameters=float(int(500 * (1 + seconds * 30))) if family != "baseline" else np.nan,
                                flops=float(int(2e3 * (1 + seconds * 30)))
                                if family in ("neural", "cnn", "vit")
                                else np.nan,
                                at_edge=("learning_rate",) if method == "hybrid" and fold in (0, 1, 2) else (),
                            )
                            rows.append(row | _mishap(spec, method, repeat, fold))
    run = {
        "command": "fusebench run survey --seed 0",
        "suite": "survey",
        "version": "0.1.0",
        "created": "2026-01-02T03:04:05+00:00",
        "seed": 0,
        "packages": {"numpy": "2.4.6", "scikit-learn": "1.9.1"},
        "python": "3.11.7",
        "store": "9f" * 32,
        "hardware": "2 cores, 8 GB",
    }
    infos = {name: info for name, info in method_infos().items() if name in {m[0] for m in methods}}
    return Results(frame_of(rows), {s.name: task_info(s) for s in tasks}, infos, run)


def _mishap(spec: Spec, method: str, repeat: int, fold: int) -> dict[str, Any]:
    """What goes wrong, one example of every status."""
    broken: dict[tuple[str, str], tuple[str, str, str]] = {
        ("digits-views", "tensor-fusion"): (
            "skipped",
            "skip",
            "outer product of 65 x 25 x 65 cells is above the limit of 50,000",
        ),
        ("digits-views", "tan"): ("timeout", "fit", "went on beyond the limit of 60 s"),
        ("breast-cancer", "population-gcn"): (
            "not_installed",
            "import",
            "torch is missing: pip install 'fusebench[neural]'",
        ),
        ("planted-add", "small-vit"): ("out_of_memory", "fit", "asked for more than 2,048 MB"),
        ("breast-cancer", "small-vit"): ("failed", "predict", f"ValueError: {TRAP}"),
    }
    found = broken.get((spec.name, method))
    if spec.name == "planted-add" and method == "mklaren" and (repeat, fold) == (1, 3):
        found = ("failed", "fit", "LinAlgError: singular matrix")
    if found is None:
        return {}
    status, phase, reason = found
    return {
        "status": status,
        "phase": phase,
        "reason": reason,
        "proba": None,
        "val_y": None,
        "val_proba": None,
        "fit_wall": np.nan,
    }


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """What tests need to make results of their own: test files cannot import this one."""
    return SimpleNamespace(
        synthetic=synthetic, outcome=outcome, frame_of=frame_of, TASKS=TASKS, METHODS=METHODS, TRAP=TRAP
    )


@pytest.fixture(scope="session")
def results() -> Results:
    return synthetic()


@pytest.fixture(scope="session")
def evaluation(results: Results) -> Evaluation:
    return Evaluation(results)
