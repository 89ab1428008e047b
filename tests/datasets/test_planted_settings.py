"""Settings of all planted tasks: they shape the task, the seed moves it, and what is wrong with one is told."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from fusebench.datasets import DataError, Task, load_task, task_registry

PLANTED = [name for name in task_registry().names() if task_registry().get(name).path.parent.name == "planted"]
THREE = {"widths": (2, 3, 7), "strengths": (1, 2.5, 0.5)}
TABLES = [("table", (2,)), ("table", (3,)), ("table", (7,))]
MATRIX = ("connectivity", (4, 4))

SHAPES: list[tuple[str, dict[str, Any], list[tuple[str, tuple[int, ...]]]]] = [
    ("add", THREE, TABLES),
    ("xor", THREE, TABLES),
    ("redund", THREE, TABLES),
    ("noisy", THREE, TABLES),
    ("mispair", THREE, TABLES),
    ("site", THREE, TABLES),
    ("unique", {"widths": (2, 3, 7), "strength": 3, "informative": 2}, TABLES),
    ("noisemod", {"widths": (2, 3), "strengths": (1, 2.5), "noise_width": 7}, TABLES),
    ("window", {"length": 12, "widths": (1, 3), "strengths": (0.5, 1)}, [("signal", (1, 12)), ("signal", (3, 12))]),
    ("window-connectivity", {"regions": 4, "windows": 5}, [MATRIX] * 5),
    ("window-connectivity", {"regions": 4, "length": 5, "form": "signal"}, [("signal", (4, 20))]),
    ("pheno", {"width": 3, "sites": 2}, [("table", (3,)), ("phenotype", (3,))]),
    ("pheno", {"width": 6, "form": "image"}, [("image", (1, 6, 6)), ("phenotype", (3,))]),
    ("roik", {"regions": 4, "features": 2, "k": 3}, [("roi", (4, 2)), MATRIX]),
    ("lag", {"length": 18, "lag": 2, "strengths": (1, 1, 1)}, [("signal", (1, 18))] * 3),
    *(
        (name, {"size": 8, "strengths": (1, 2), "form": form, **more}, [(form, (1, *[8] * axes))] * 2)
        for name, more in (("spatial", {"radius": 1.5}), ("detail", {}), ("coarse", {}), ("shift", {"shift": 1}))
        for form, axes in (("image", 2), ("volume", 3))
    ),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(SHAPES)]
SMALL = {name: options for name, options, _ in reversed(SHAPES)}


def shapes(task: Task) -> list[tuple[str, tuple[int, ...]]]:
    """Kind and shape of a row of every modality."""
    return [(m.kind, m.shape[1:]) for m in task.samples.modalities]


def test_every_planted_task_is_tested_here() -> None:
    assert set(PLANTED) == set(SMALL)


@pytest.mark.parametrize(("name", "options", "expected"), SHAPES, ids=IDS)
def test_settings_shape_the_task_and_the_seed_moves_it(name: str, options: dict[str, Any], expected: Any) -> None:
    task = load_task(name, n=101, **options, seed=5)
    assert shapes(task) == expected
    assert len(task) == 101
    assert abs(np.bincount(task.y) - 50.5).max() <= (15 if name == "noisy" else 2.5)
    for what, truth in task.truth.items():
        assert len(truth) == 101, what
        assert np.isfinite(truth).all(), what
    assert ((task.truth["posterior"] >= 0) & (task.truth["posterior"] <= 1)).all()
    assert task.fingerprint == load_task(name, n=101, **options, seed=5).fingerprint
    assert task.fingerprint != load_task(name, n=101, **options, seed=6).fingerprint


@pytest.mark.parametrize("name", PLANTED)
def test_as_it_comes_a_task_can_be_split_and_neither_is_perfect_nor_hopeless(name: str) -> None:
    task = load_task(name)
    assert task.card.planted
    assert task.card.description
    assert task.card.caveats
    assert 0.6 < task.bayes["accuracy"] < 0.96
    for split in task.splits():
        assert set(task.y[split.train]) == set(task.y[split.test]) == {0, 1}


FORMED = ["add", "mispair", "noisemod", "noisy", "redund", "site", "unique", "xor"]
FORMS = {
    "table": (5,),
    "signal": (1, 5),
    "image": (1, 5, 5),
    "volume": (1, 5, 5, 5),
    "roi": (5, 3),
    "connectivity": (5, 5),
}


@pytest.mark.parametrize("name", FORMED)
def test_evidence_takes_any_form_at_the_same_bayes_score(name: str) -> None:
    wide = {"noise_width": 5} if name == "noisemod" else {}
    table = load_task(name, widths=(5, 5), **extra(name), **wide)
    for form, shape in FORMS.items():
        task = load_task(name, widths=(5, 5), form=form, **extra(name), **wide)
        assert set(shapes(task)) == {(form, shape)}
        assert task.bayes == table.bayes
    if name != "noisemod":
        mixed = load_task(name, widths=(5, 5), form=("image", "connectivity"), **extra(name))
        assert shapes(mixed) == [("image", (1, 5, 5)), ("connectivity", (5, 5))]


def extra(name: str) -> dict[str, Any]:
    """Strengths of two modalities, where the default has another number of them."""
    return {} if name == "unique" else {"strengths": (1.0, 2.0)}


@pytest.mark.parametrize("form", FORMS)
def test_in_any_form_evidence_lies_along_one_direction_in_noise_of_unit_variance(form: str) -> None:
    task = load_task("add", n=8000, widths=(4,), strengths=(2.0,), form=form, seed=1)
    x = task.samples.modality("m1").values
    x = x[:, *np.triu_indices(4, 1)] if form == "connectivity" else x.reshape(8000, -1)
    u = x[task.y == 1].mean(axis=0) - x[task.y == 0].mean(axis=0)
    assert np.linalg.norm(u) == pytest.approx(2.0, abs=0.15)
    along = x @ u / np.linalg.norm(u) * 2.0
    assert np.corrcoef(along, task.truth["odds"][:, 0])[0, 1] > 0.99
    for c in (0, 1):
        assert x[task.y == c].var(axis=0) == pytest.approx(1, abs=0.1)


BAD_ALWAYS: list[tuple[dict[str, Any], str]] = [
    ({"n": 3}, "n is 3; give a whole number of at least 20"),
    ({"n": 100.5}, "n is 100.5"),
    ({"n": True}, "n is True"),
    ({"seed": -1}, "seed is -1; give a whole number of at least 0"),
    ({"seed": "a"}, "seed is 'a'"),
    ({"rows": 3}, "rows"),
]
BAD_STRENGTHS: list[tuple[dict[str, Any], str]] = [
    ({"strengths": (1.0, 0.0)}, "strength 2 is 0.0; give a positive number"),
    ({"strengths": (1.0, float("inf"))}, "strength 2 is inf"),
    ({"strengths": (float("nan"), 1.0)}, "strength 1 is nan"),
    ({"strengths": ("a", 1.0)}, "strength 1 is 'a'"),
    ({"strengths": (True, 1.0)}, "strength 1 is True"),
    ({"strengths": ((1.0, 2.0), 1.0)}, r"strength 1 is \(1.0, 2.0\)"),
    ({"strengths": 3}, "strengths is 3; give one number for each modality"),
    ({"strengths": ()}, "0 modalities"),
]
BAD_WIDTHS: list[tuple[dict[str, Any], str]] = [
    ({"widths": (3, 3), "strengths": (1.0,)}, "2 widths but 1 strengths"),
    ({"widths": (3, 0), "strengths": (1.0, 1.0)}, "width 2 is 0"),
    ({"widths": (3, 2.5), "strengths": (1.0, 1.0)}, "width 2 is 2.5"),
    ({"widths": 3}, "widths is 3; give one number for each modality"),
]
BAD_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"form": "text"}, "form is 'text'; use table, signal, image, volume, roi, connectivity"),
    ({"form": ("image",)}, r"form is \('image',\); give one name for all . modalities, or one for each"),
    ({"form": 3}, "form is 3"),
]
BAD_OWN: list[tuple[str, dict[str, Any], str]] = [
    ("xor", {"widths": (3,), "strengths": (1.0,)}, "at least 2"),
    ("add", {"form": "connectivity", "widths": (1,), "strengths": (1,)}, "a connectivity has at least two regions"),
    ("add", {"form": "volume", "widths": (65,), "strengths": (1,)}, "width 1 is 65; of volumes it is at most 64"),
    ("window", {"length": 7}, "length is 7; give a whole number of at least 8"),
    ("window", {"length": 12.0}, "length is 12.0"),
    ("redund", {"flips": 0.6}, "flips is 0.6; give a number from 0 to 0.5"),
    ("redund", {"flips": float("nan")}, "flips is nan"),
    ("unique", {"informative": 4}, "informative is 4; give a whole number from 1 to 3"),
    ("unique", {"strength": 0}, "strength is 0; give a positive number"),
    ("noisemod", {"noise_width": 0}, "noise_width is 0"),
    ("spatial", {"form": "table"}, "form is 'table'; give one of image, volume"),
    ("spatial", {"label": "size"}, "label is 'size'; give one of presence, side"),
    ("spatial", {"size": 7}, "size is 7; give a whole number from 8 to 64"),
    ("spatial", {"size": 12, "radius": 3}, "radius is 3; give less than a quarter of the size, 3"),
    ("spatial", {"places": 5}, "places is 5; give a divisor of the size, 24, with room for lesions of radius 3"),
    ("spatial", {"places": 6}, "places is 6; give a divisor"),
    ("spatial", {"places": 0}, "places is 0; give a whole number from 1 to 24"),
    ("spatial", {"radius": 0}, "radius is 0; give a positive number"),
    ("spatial", {"radius": 0.7}, "radius is 0.7, which no image cell's middle lies within; give more"),
    ("spatial", {"form": "volume", "radius": 0.8}, "radius is 0.8, which no volume cell's middle lies within"),
    ("detail", {"cycles": 5}, "cycles is 5; give a whole number from 6 to 11"),
    ("detail", {"cycles": 12}, "cycles is 12"),
    ("detail", {"phase": "random"}, "phase is 'random'; give one of fixed, free"),
    ("detail", {"size": "a"}, "size is 'a'"),
    ("coarse", {"cycles": 4}, "cycles is 4; give a whole number from 1 to 3"),
    ("pheno", {"smooth": -1}, "smooth is -1; give a number of at least 0"),
    ("pheno", {"form": "text"}, "form is 'text'"),
    ("pheno", {"waves": 0}, "waves is 0"),
    ("pheno", {"strength": "a"}, "strength is 'a'"),
    ("roik", {"k": 20}, "k is 20; give a whole number from 2 to 19"),
    ("roik", {"strengths": (1.0, 1.0, 1.0)}, "3 strengths; give two"),
    ("window-connectivity", {"windows": 3}, "windows is 3; give a whole number of at least 4"),
    ("window-connectivity", {"form": "roi"}, "form is 'roi'; give one of connectivity, signal"),
    ("window-connectivity", {"strength": -1}, "strength is -1"),
    ("noisy", {"noise": "random"}, "noise is 'random'; give one of symmetric, class, instance"),
    ("noisy", {"rate": 0.6}, "rate is 0.6; give a number from 0 to 0.5"),
    ("noisy", {"rate": (0.1, 0.2)}, r"rate is \(0.1, 0.2\); noise 'symmetric' needs one number"),
    ("noisy", {"noise": "class"}, "rate is 0.2; noise 'class' needs two numbers"),
    ("noisy", {"noise": "class", "rate": (0.1,)}, "needs two numbers"),
    ("noisy", {"rate": "a"}, "rate is 'a'"),
    ("noisy", {"scored": "both"}, "scored is 'both'; give one of noisy, clean"),
    ("mispair", {"share": 1.5}, "share is 1.5; give a number from 0 to 1"),
    ("mispair", {"over": "site"}, "over is 'site'; give one of xor, add"),
    ("mispair", {"widths": (3,), "strengths": (1.0,)}, "at least 2"),
    ("lag", {"length": 21}, "length is 21; give an even number"),
    ("lag", {"length": 16}, "lag is 4; give a whole number from 0 to 3"),
    ("lag", {"landmark": -1}, "landmark is -1; give a number of at least 0"),
    ("shift", {"size": 9, "shift": 1}, "size is 9; give an even number"),
    ("shift", {"shift": 4}, "shift is 4; give a whole number from 0 to 3"),
    ("shift", {"width": 0}, "width is 0; give a number from 0.25 to 3"),
    ("lag", {"width": 1e9}, "width is 1000000000.0; give a number from 0.25 to 6"),
    ("site", {"prevalences": (0.5,)}, "at least two sites"),
    ("site", {"prevalences": 0.5}, "at least two sites"),
    ("site", {"prevalences": (0.5, 1)}, "prevalence 2 is 1; give a number from 0.01 to 0.99"),
    ("site", {"n": 30}, "n is 30 for 4 sites; give at least ten rows for each"),
    ("site", {"gain": -0.1}, "gain is -0.1"),
    ("site", {"protocol": "site"}, "protocol is 'site'; give one of sites, folds"),
]
WITH_WIDTHS = ["add", "mispair", "noisemod", "noisy", "redund", "site", "window", "xor"]
WITH_STRENGTHS = [*WITH_WIDTHS, "coarse", "detail", "lag", "roik", "shift", "spatial"]


def bad_settings(name: str) -> list[tuple[dict[str, Any], str]]:
    """All that must not be given to a task, each with what must be told."""
    bad = BAD_ALWAYS + (BAD_WIDTHS if name in WITH_WIDTHS else []) + (BAD_FORMS if name in FORMED else [])
    for options, message in BAD_STRENGTHS if name in WITH_STRENGTHS else []:
        strengths = options["strengths"]
        # Where widths are options too there must be as many of them.
        with_widths = name in WITH_WIDTHS and isinstance(strengths, tuple)
        bad = [*bad, ({**options, "widths": (3,) * len(strengths)} if with_widths else options, message)]
    return [*bad, *((options, message) for task, options, message in BAD_OWN if task == name)]


@pytest.mark.parametrize("name", PLANTED)
def test_bad_settings_are_told(name: str) -> None:
    for options, message in bad_settings(name):
        with pytest.raises(DataError) as caught:
            load_task(name, **options)
        assert re.search(message, str(caught.value)), options
        assert f"task {name!r}" in str(caught.value), options
