"""Brain cohort: brains like the template, effects where and as large as planted, and a bound that is one integral."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_predict, cross_val_score

from fusebench.datasets import DataError, Task, load_task
from fusebench.datasets.cohorts.anatomy import CENTRE_MM, FIELD_MM, Warps, anatomy, warped
from fusebench.datasets.cohorts.brain import bayes_scores
from fusebench.datasets.cohorts.diagnoses import (
    diagnosis_posterior,
    diagnosis_scores,
    ordered_diagnoses,
    severity_given,
)

pytest.importorskip("nilearn")

N = 100_000
SMALL: dict[str, Any] = {"n": 60, "side": 16, "seed": 3}


def cohort(**options: Any) -> Task:
    return load_task("brain-cohort", **{**SMALL, **options})


def scans(task: Task, name: str) -> np.ndarray:
    """(n, side, side, side), with the scanner's gain undone."""
    gain = task.truth["gain"][:, ("t1", "pet").index(name)]
    return task.samples.modality(name).values[:, 0] / gain[:, None, None, None]


@pytest.fixture(scope="module")
def planted() -> tuple[Task, Task]:
    """The cohort at its full size, and the same subjects without disease."""
    options = {"n": 240, "side": 24, "seed": 1}
    return cohort(**options), cohort(**options, atrophy=0, hypometabolism=0)


def test_the_template_is_the_one_that_nilearn_resamples() -> None:
    from nilearn.datasets import load_mni152_gm_template
    from nilearn.image import resample_img, smooth_img

    voxel = FIELD_MM / 24
    affine = np.diag([voxel, voxel, voxel, 1])
    affine[:3, 3] = np.subtract(CENTRE_MM, voxel * 23 / 2)
    fine = smooth_img(load_mni152_gm_template(resolution=2), 0.7 * voxel)
    image = resample_img(fine, affine, (24,) * 3, interpolation="linear", force_resample=True, copy_header=True)
    assert np.corrcoef(image.get_fdata().ravel(), anatomy(24).grey.ravel())[0, 1] > 0.99


def test_every_subject_is_a_brain_that_lies_as_the_template_does(planted: tuple[Task, Task]) -> None:
    task, template = planted[0], anatomy(24)
    tissue = template.grey + template.white
    brain, outside, grey = tissue > 0.5, tissue + template.fluid == 0, template.grey > 0.7
    for name in ("t1", "pet"):
        x = scans(task, name)
        assert (x[:, grey].mean(axis=1) > 20 * np.abs(x[:, outside].mean(axis=1))).all()
        found = x > 0.35
        dice = 2 * (found & brain).sum(axis=(1, 2, 3)) / (found.sum(axis=(1, 2, 3)) + brain.sum())
        assert dice.min() > 0.85
        for axis in (1, 2):  # the template is symmetric from left to right
            turned = np.flip(tissue, axis)
            for one in x[:20]:
                upright, wrong = (np.corrcoef(one.ravel(), way.ravel())[0, 1] for way in (tissue, turned))
                assert upright > 0.9
                assert wrong < upright - 0.05


def test_warps_are_as_wide_as_said_and_smooth() -> None:
    warps, rng = Warps(16, 4.0), np.random.default_rng(0)
    still = np.stack(np.meshgrid(*[np.arange(16.0)] * 3, indexing="ij"))
    drawn = np.stack([warps.draw(rng) - still for _ in range(400)]) * FIELD_MM / 16
    middle = drawn[:, :, 7:9, 7:9, 7:9]  # where head size hardly moves anything
    assert middle.std(axis=0).mean() == pytest.approx(4.0, rel=0.1)
    assert np.abs(np.diff(middle, axis=2)).mean() < 2.0
    (same,) = warped([anatomy(16).grey], Warps(16, 0.0).draw(rng))
    np.testing.assert_array_equal(same, anatomy(16).grey)


def test_disease_lies_in_its_regions_and_more_on_the_left(planted: tuple[Task, Task]) -> None:
    task, healthy = planted
    for name, region in (("t1", "atrophy"), ("pet", "hypometabolism")):
        loss = scans(healthy, name) - scans(task, name)
        mask = task.truth[region]
        # The scanner's blur carries some of the deficit in PET over the edge of its region.
        near = mask if name == "t1" else binary_dilation(mask, np.ones((1, 3, 3, 3)), iterations=3)
        assert np.abs(loss[~near]).max() < 1e-6
        assert loss[mask].sum() > (0.999 if name == "t1" else 0.75) * loss.sum()
        assert loss[:, :12].sum() > 1.05 * loss[:, 12:].sum()
    temporal, parietal = (np.argwhere(task.truth[r].any(axis=0)).mean(axis=0) for r in ("atrophy", "hypometabolism"))
    assert temporal[1] > parietal[1] + 3  # further to the front
    assert temporal[2] < parietal[2] - 3  # further down


def test_without_a_warp_the_loss_is_that_of_the_template() -> None:
    options = {"warp": 0, "noise": 0, "gain": 0}
    task, healthy, template = cohort(**options), cohort(**options, atrophy=0, hypometabolism=0), anatomy(16)
    share = (3 + task.truth["burdens"][0, :2]) * (0.15, 0.1)
    loss = 0.4 * share[0] * template.grey * template.atrophy  # grey matter at 0.55 becomes fluid at 0.15
    np.testing.assert_allclose((scans(healthy, "t1") - scans(task, "t1"))[0], loss, atol=1e-6)
    loss = gaussian_filter(share[1] * template.grey * template.hypometabolism, 5.0 / 12)
    np.testing.assert_allclose((scans(healthy, "pet") - scans(task, "pet"))[0], loss, atol=1e-6)


@pytest.mark.parametrize(("name", "region", "m"), [("t1", "atrophy", 0), ("pet", "hypometabolism", 1)])
def test_burden_and_severity_are_recovered_by_a_regression(
    planted: tuple[Task, Task], name: str, region: str, m: int
) -> None:
    task, healthy = planted
    core = task.truth[region].mean(axis=0) > 0.9
    level = scans(task, name)[:, core].mean(axis=1)
    burden = task.truth["burdens"][:, m]
    loss = (scans(healthy, name) - scans(task, name))[:, core].mean(axis=1)
    slope = -(loss / (3 + burden)).mean()
    for regressor in (burden, task.truth["severity"]):
        estimate, error = regression(level, regressor)
        assert estimate == pytest.approx(slope, abs=4 * error)
        assert estimate < -4 * error


def test_scanners_are_recovered_by_a_regression_on_the_site() -> None:
    task = cohort(n=200, gain=0.3, sites=2)
    site = (task.samples.sites == "site 2").astype(float)
    for m, name in enumerate(("t1", "pet")):
        level = np.log(task.samples.modality(name).values[:, 0, 4:12, 4:12, 4:12].mean(axis=(1, 2, 3)))
        log_gain = np.log(task.truth["gain"][:, m])
        planted_difference = log_gain[site == 1][0] - log_gain[site == 0][0]
        estimate, error = regression(level, site)
        assert estimate == pytest.approx(planted_difference, abs=4 * error)
        assert abs(estimate) > 4 * error


def regression(y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Slope of least squares and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    slope = x @ y / (x @ x)
    return slope, np.sqrt(np.square(y - slope * x).sum() / (len(y) - 2) / (x @ x))


def test_misregistration_moves_pet_by_the_voxels_it_states() -> None:
    still, moved = cohort(noise=0.0), cohort(noise=0.0, misregistration=2)
    shift = moved.truth["shift"]
    assert (np.unique(shift) == [-2, -1, 0, 1, 2]).all()
    assert not still.truth["shift"].any()
    np.testing.assert_array_equal(scans(still, "t1"), scans(moved, "t1"))
    for before, after, by in zip(scans(still, "pet"), scans(moved, "pet"), shift, strict=True):
        inside = (slice(2, -2),) * 3
        np.testing.assert_array_equal(after[inside], np.roll(before, by, axis=(0, 1, 2))[inside])
        edges = [np.take(after, range(s) if s > 0 else range(16 + s, 16), axis=a) for a, s in enumerate(by)]
        assert not any(edge.any() for edge in edges)


def test_tables_and_age_give_their_burdens_without_error() -> None:
    task = cohort()
    csf, clinic, phenotype = (task.samples.modality(name).values for name in ("csf", "clinical", "phenotype"))
    read = [
        (np.log(csf / [850, 260, 24]) / [-0.3, 0.3, 0.35]).mean(axis=1),
        np.column_stack([-clinic[:, :2], np.log(clinic[:, 2] / 110) / 0.3]).mean(axis=1),
        (phenotype[:, 2] - 73) / 2.1,
    ]
    np.testing.assert_allclose(np.column_stack(read), task.truth["burdens"][:, 2:])


def test_missing_pet_and_csf_are_said_and_cost_certainty() -> None:
    task = cohort(missing=0.25)
    assert [int((~task.samples.modality(m).present).sum()) for m in task.samples.names] == [0, 15, 15, 0, 0]
    whole = cohort()
    both = task.samples.modality("pet").present & task.samples.modality("csf").present
    np.testing.assert_allclose(task.truth["posterior"][both], whole.truth["posterior"][both])
    assert task.truth["posterior"][~both].max(axis=1).mean() < whole.truth["posterior"][~both].max(axis=1).mean()
    assert task.bayes["accuracy"] < whole.bayes["accuracy"]


@pytest.mark.parametrize("diagnoses", [2, 3])
def test_the_bound_is_what_the_posterior_scores_over_many_draws(diagnoses: int) -> None:
    scatter, overlap, missing = np.array([0.6, 0.6, 0.7, 0.9, np.sqrt(0.91) / 0.3]), 0.4, 0.3
    rng = np.random.default_rng(1)
    y, severity = ordered_diagnoses(N, diagnoses, overlap, rng)
    assert np.ptp(np.bincount(y)) <= 1
    assert norm.cdf(severity).mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / N))
    assert severity.std() == pytest.approx(1, abs=4 / np.sqrt(2 * N))
    seen = np.column_stack([np.ones(N), rng.random((N, 2)) > missing, np.ones((N, 2))])
    burdens = severity[:, None] + scatter * rng.normal(size=(N, 5))
    posterior = diagnosis_posterior(*severity_given(burdens, seen / scatter**2), diagnoses, overlap)
    best = bayes_scores(scatter[:4], diagnoses, overlap, missing)
    right = posterior.argmax(axis=1) == y
    loss = -np.log(posterior[np.arange(N), y])
    brier = np.square(posterior - np.eye(diagnoses)[y]).sum(axis=1)
    for metric, values in (("accuracy", right), ("log_loss", loss), ("brier", brier)):
        assert best[metric] == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(N)), metric


def test_the_posterior_is_that_of_the_severity_enumerated() -> None:
    grid = np.linspace(-8, 8, 4001)
    burdens, sd, overlap = np.array([[0.3, -1.2], [1.5, 0.4], [-2.0, -0.1]]), np.array([0.5, 1.1]), 0.3
    cut = norm.ppf([1 / 3, 2 / 3], scale=np.sqrt(1 + overlap**2))
    below = np.column_stack([norm.cdf(c, grid, overlap) for c in cut])
    given = np.column_stack([below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]])
    weight = norm.pdf(grid) * np.prod(norm.pdf(burdens[:, None, :], grid[:, None], sd), axis=2)
    expected = weight @ given / weight.sum(axis=1, keepdims=True)
    found = diagnosis_posterior(*severity_given(burdens, np.tile(1 / sd**2, (3, 1))), 3, overlap)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_bound_by_hand() -> None:
    # Two classes, one burden: signs agree with probability 1/2 + arcsin(r) / pi, r^2 = P / (1 + P) / (1 + o^2).
    r = np.sqrt(4 / 5 / 1.25)
    assert diagnosis_scores([4.0], [1.0], 2, 0.5)["accuracy"] == pytest.approx(0.5 + np.arcsin(r) / np.pi, abs=1e-6)
    nothing = diagnosis_scores([0.0], [1.0], 3, 0.5)
    assert nothing == pytest.approx(
        {"accuracy": 1 / 3, "balanced_accuracy": 1 / 3, "log_loss": np.log(3), "brier": 2 / 3}
    )


@pytest.mark.slow
def test_a_rule_that_knows_where_to_look_comes_near_the_bound() -> None:
    task, template = cohort(n=1000, side=24, seed=5), anatomy(24)
    burdens = task.truth["burdens"].copy()
    for m, (name, weight) in enumerate((("t1", template.atrophy), ("pet", template.hypometabolism))):
        voxels = np.column_stack([scans(task, name)[:, weight > 0], burdens[:, -1]])
        burdens[:, m] = cross_val_predict(RidgeCV(10.0 ** np.arange(-2, 3)), voxels, burdens[:, m], cv=5)
    score = cross_val_score(LogisticRegression(), burdens, task.y, cv=10).mean()
    assert task.bayes["accuracy"] - 0.04 < score < task.bayes["accuracy"] + 4 * 0.5 / np.sqrt(1000)


def test_settings_shape_the_cohort_and_the_seed_moves_it() -> None:
    task = cohort()
    assert [(m.name, m.kind, m.shape[1:]) for m in task.samples.modalities] == [
        ("t1", "volume", (1, 16, 16, 16)),
        ("pet", "volume", (1, 16, 16, 16)),
        ("csf", "table", (3,)),
        ("clinical", "table", (3,)),
        ("phenotype", "phenotype", (3,)),
    ]
    assert np.bincount(task.y).tolist() == [20, 20, 20]
    assert all(len(truth) == 60 for truth in task.truth.values())
    assert cohort().fingerprint == task.fingerprint != cohort(seed=4).fingerprint
    two = cohort(diagnoses=2, sites=3, protocol="sites")
    assert two.classes == ("NC", "AD")
    assert len(two.splits()) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 30}, "n is 30 for 4 sites"),
        ({"side": 8}, "side is 8"),
        ({"diagnoses": 4}, "diagnoses is 4"),
        ({"scatter": (1, 1)}, "one for each of t1, pet, csf, clinical"),
        ({"scatter": (1, 0, 1, 1)}, "scatter of pet is 0"),
        ({"atrophy": 0.3}, "atrophy is 0.3"),
        ({"misregistration": 3}, "misregistration is 3"),
        ({"missing": 0.9}, "missing is 0.9"),
        ({"protocol": "leave"}, "protocol is 'leave'"),
    ],
)
def test_what_is_wrong_with_a_setting_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=f"task 'brain-cohort': .*{told}"):
        cohort(**options)


def test_without_nilearn_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nilearn.datasets", None)
    anatomy.cache_clear()
    with pytest.raises(DataError, match=r"nilearn, which is not installed; .*fusebench\[cohorts\]"):
        cohort()
