"""Conformance checks of form: the card, the constructor, what fit and predict promise."""

from __future__ import annotations

import ast
import copy
import inspect
import math
import pickle
import textwrap
from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from sklearn.base import clone

from fusebench.datasets.samples import Samples

from ._checking import CheckFailed, CheckSkipped, Trial, ensure, ensure_proper, ensure_same, told
from .base import Method
from .card import MethodCard
from .space import Choice, Real
from .structure import Structure


def check_card(trial: Trial) -> None:
    """The card is written in literals and says what a reader must know."""
    card = getattr(trial.cls, "card", None)
    if not isinstance(card, MethodCard):
        raise CheckFailed(f"`card` must be a MethodCard, got {type(card).__name__}")
    ensure(card.summary.strip(), "the card has no summary: say the mechanism in one sentence")
    ensure(card.kinds, "the card accepts no kind of modality")
    ensure(card.least >= 1, f"least={card.least}: a method needs at least one modality")
    ensure(not card.most or card.most >= card.least, f"most={card.most} is below least={card.least}")
    ensure(
        card.role != "method" or card.family == "baseline" or card.citation.strip() or card.inferred.strip(),
        "neither citation nor inferred is given: name the paper it follows, or say in `inferred` that it is your own",
    )
    for claim in card.claims:
        ensure(claim.source.strip(), f"the claim {claim.what!r} has no source")
    for value in _card_arguments(trial.cls):
        ensure(
            _literal(value), f"{ast.unparse(value)} in the card is not a literal: it is read without running the file"
        )
    unknown = sorted(set(trial.cls.expected_failed_checks) - _check_names())
    ensure(not unknown, f"expected_failed_checks names checks that do not exist: {', '.join(unknown)}")


def _check_names() -> set[str]:
    from .conformance import CHECKS

    return {check.__name__ for check in CHECKS}


def _card_arguments(cls: type[Method]) -> list[ast.expr]:
    """The arguments of ``card = MethodCard(...)`` in the class's own source; none where that cannot be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):  # a class made at run time
        return []
    for node in tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and any(isinstance(t, ast.Name) and t.id == "card" for t in targets):
            return [*value.args, *(k.value for k in value.keywords)]
    raise CheckFailed("write `card = MethodCard(...)` in the class itself: it is read without running the file")


def _literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return all(map(_literal, [*node.args, *(k.value for k in node.keywords)]))
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_literal, node.elts))
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def check_constructor(trial: Trial) -> None:
    """The constructor only stores its arguments, so that clone, get_params and set_params give them back."""
    signature = inspect.signature(trial.cls)
    for name, parameter in signature.parameters.items():
        ensure(
            parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY),
            f"__init__ takes {parameter}: name every setting",
        )
        ensure(parameter.default is not parameter.empty, f"setting {name!r} has no default")
    plain = trial.cls()
    for name, value in plain.get_params(deep=False).items():
        default = signature.parameters[name].default
        ensure(
            value is default or _equal(value, default),
            f"__init__ changes {name!r}: given {default!r}, stored {value!r}",
        )
    extra = sorted(set(vars(plain)) - set(plain.get_params(deep=False)))
    ensure(not extra, f"__init__ sets {', '.join(extra)}: only store the arguments, compute in fit")
    model = trial.make()
    given, cloned = model.get_params(deep=False), clone(model).get_params(deep=False)
    for name, value in given.items():
        ensure(_equal(cloned[name], value), f"clone loses {name!r}: {value!r} became {cloned[name]!r}")
    ensure(
        _same_params(trial.cls().set_params(**given).get_params(deep=False), given),
        "set_params does not give back what it was given",
    )
    repr(model)


def _equal(a: object, b: object) -> bool:
    return a is b or repr(a) == repr(b)


def _same_params(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)


def check_search_space(trial: Trial) -> None:
    """The search space names real settings, its ranges are ranges, and the defaults lie inside."""
    space, defaults = trial.cls.search_space(), trial.cls().get_params(deep=False)
    if not space:
        raise CheckSkipped("nothing is tuned")
    for name, range_ in space.items():
        ensure(name in defaults, f"search space: {name!r} is not a setting of the constructor")
        value = defaults[name]
        if isinstance(range_, Choice):
            ensure(range_.options, f"search space: {name!r} has no options")
            ensure(value in range_.options, f"search space: the default {value!r} of {name!r} is not among its options")
            continue
        ensure(range_.low < range_.high, f"search space: {name!r} has low {range_.low} and high {range_.high}")
        ensure(not range_.log or range_.low > 0, f"search space: {name!r} is on a log scale, so low must be above 0")
        if value is None:  # "as the data say": the first trial, which no search proposes
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        ensure(
            number and range_.low <= value <= range_.high,
            f"search space: the default {value!r} of {name!r} is outside {range_.low}..{range_.high}",
        )
        whole = isinstance(range_, Real) or isinstance(value, int)
        ensure(whole, f"search space: {name!r} is whole, its default {value!r} is not")


def check_fit(trial: Trial) -> None:
    """Fit gives back the method, sets ``classes_`` and leaves settings and data as they were."""
    samples, y = trial.train
    labels = np.array(y)
    before, state = _values(samples), copy.deepcopy(labels)
    model = trial.make()
    params = copy.deepcopy(model.get_params(deep=False))
    ensure(model.fit(samples, labels) is model, "fit must return self")
    ensure(hasattr(model, "classes_"), "fit must set classes_")
    ensure(np.array_equal(model.classes_, np.unique(y)), f"classes_ is {model.classes_}, expected {np.unique(y)}")
    model.predict_proba(samples)
    ensure(np.array_equal(labels, state), "fit or predict_proba changed the labels it was given")
    ensure(_unchanged(before, _values(samples)), "fit or predict_proba changed the samples it was given")
    now = model.get_params(deep=False)
    changed = [name for name, value in params.items() if not _equal(now[name], value)]
    ensure(
        not changed, f"fit changed the settings {', '.join(changed)}: keep what is learnt under a name that ends in _"
    )


def _values(samples: Samples) -> list[np.ndarray]:
    columns = [samples.ids, samples.groups, *(() if samples.sites is None else (samples.sites,))]
    return [np.array(a) for m in samples.modalities for a in (m.values, m.present)] + [np.array(c) for c in columns]


def _unchanged(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(before, after, strict=True))


def check_proba(trial: Trial) -> None:
    """Probabilities are finite, one row a sample, one column a class, rows sum to 1; predict takes the largest."""
    ensure_proper(trial.proba, len(trial.test), trial.fitted.classes_)
    expected = trial.fitted.classes_[trial.proba.argmax(axis=1)]
    ensure(np.array_equal(trial.fitted.predict(trial.test), expected), "predict is not the most probable class")


def check_class_codes(trial: Trial) -> None:
    """Columns follow ``classes_``, whatever whole numbers the labels are and whichever class is missing in training."""
    samples, y = trial.train
    model = trial.fit(samples, np.array([3, 7])[y])
    ensure(np.array_equal(model.classes_, [3, 7]), f"labels 3 and 7 give classes_ {model.classes_}")
    proba = model.predict_proba(trial.test)
    ensure_proper(proba, len(trial.test), model.classes_, "labels 3 and 7")
    ensure_same(proba, trial.proba, "labels 3 and 7 instead of 0 and 1")
    ensure(set(model.predict(trial.test)) <= {3, 7}, "predict gives labels that are not in classes_")
    lacking = trial.fit(samples, np.array([0, 2])[y])
    ensure(
        np.array_equal(lacking.classes_, [0, 2]), f"with class 1 missing in training, classes_ is {lacking.classes_}"
    )
    ensure_proper(lacking.predict_proba(trial.test), len(trial.test), [0, 2], "class 1 missing in training")


def check_pickle(trial: Trial) -> None:
    """A fitted model survives pickling."""
    try:
        copied = pickle.loads(pickle.dumps(trial.fitted))
    except Exception as error:
        raise CheckFailed(f"cannot be pickled: {told(error)}") from error
    ensure_same(copied.predict_proba(trial.test), trial.proba, "after pickling")


def check_quiet(trial: Trial) -> None:
    """No warnings, nothing printed: warnings are bugs, and prints would tear the progress display."""
    ensure(
        not trial.heard.warnings, f"{len(trial.heard.warnings)} warnings, first: {(trial.heard.warnings or [''])[0]}"
    )
    ensure(not trial.heard.printed, f"printed: {trial.heard.printed[:200]!r}")


def check_tells(trial: Trial) -> None:
    """What a fitted model tells the report has the form that is promised."""
    model = trial.fitted
    for name, value in model.cost().items():
        ensure(math.isfinite(value) and value >= 0, f"cost(): {name} is {value}")
    weights = getattr(model, "modality_weights_", None)
    if weights is not None:
        alien = sorted(set(weights) - set(trial.test.names))
        ensure(not alien, f"modality_weights_ names {', '.join(alien)}, which are no modalities of the task")
        bad = {k: v for k, v in weights.items() if not (math.isfinite(v) and v >= 0)}
        ensure(not bad, f"modality_weights_ must be finite and not negative: {bad}")
    structure = getattr(model, "structure_", None)
    if structure is not None:
        _ensure_graph(structure, trial.test.names)
    notes = getattr(model, "notes_", [])
    ensure(
        isinstance(notes, list | tuple) and all(isinstance(n, str) for n in notes),
        f"notes_ must be a list of sentences: {notes!r}",
    )


def _ensure_graph(structure: object, modalities: Collection[str]) -> None:
    if not isinstance(structure, Structure):
        raise CheckFailed(f"structure_ must be a Structure, got {type(structure).__name__}")
    alien = sorted({node.modality for node in structure.nodes} - {"", *modalities})
    ensure(not alien, f"structure_ names {', '.join(alien)}, which are no modalities of the task")
    classes = [node.name for node in structure.nodes if node.role == "class"]
    ensure(len(classes) == 1, f"structure_ must have one node of the role 'class', has {len(classes)}")
    pairs = [edge if structure.directed else tuple(sorted(edge)) for edge in structure.edges]
    ensure(len(set(pairs)) == len(pairs), "structure_ holds an edge twice")
    ensure(all(a != b for a, b in pairs), "structure_ has an edge from a node to itself")
    if structure.directed:
        try:
            TopologicalSorter({node.name: structure.parents(node.name) for node in structure.nodes}).prepare()
        except CycleError as error:
            raise CheckFailed(f"structure_ is directed but has a cycle: {' -> '.join(error.args[1])}") from error
