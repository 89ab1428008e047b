"""Fields of window labels: windows by hand, the tree on the grid, zero coupling, and textures that only order tells."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples, Task, TaskCard, load_task
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes
from fusebench.methods.graphical.grid_field import GridField, Windows, ancestors_first, neighbours


def stripes(n=200, side=6, seed=0):
    """Pixels of -1 and 1: in class 0 rows are alike, in class 1 they alternate; every pixel is a fair coin."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    first = rng.choice([-1.0, 1.0], size=(n, 1, side))
    sign = np.where(y[:, None, None] == 0, 1.0, (-1.0) ** np.arange(side)[None, :, None])
    flips = np.where(rng.random((n, side, side)) < 0.1, -1.0, 1.0)
    return (first * sign * flips + 0.2 * rng.normal(size=(n, side, side)))[:, None], y


def windows(values, kind="image", grid=2):
    return Windows(grid, 2, True, 1.0, 1.0, 1)._points(Modality("m", kind, np.asarray(values, dtype=float)))


def test_windows_are_means_and_spreads_in_reading_order():
    image = np.arange(16.0).reshape(1, 1, 4, 4)
    image[0, 0, 0, 0] = np.nan
    points = windows(image)
    blocks = [image[0, 0, i : i + 2, j : j + 2] for i in (0, 2) for j in (0, 2)]
    np.testing.assert_allclose(points[0, :, 0], [np.nanmean(b) for b in blocks])
    np.testing.assert_allclose(points[0, :, 1], [np.nanstd(b) for b in blocks])
    image[0, 0, :2, :2] = np.nan
    assert np.isnan(windows(image)[0]).tolist() == [[True, True]] + [[False, False]] * 3


def test_windows_of_one_pixel_are_the_pixels_and_a_volume_has_about_as_many_windows():
    image = np.random.default_rng(0).normal(size=(3, 2, 3, 5))
    np.testing.assert_allclose(windows(image, grid=8), image.reshape(3, 2, 15).transpose(0, 2, 1))
    assert windows(np.ones((2, 3, 4)), grid=4).shape == (2, 12, 1)  # one channel, no axis for it
    assert windows(np.ones((2, 1, 9, 9, 9)), "volume", grid=8).shape == (2, 64, 2)
    assert windows(np.ones((2, 1, 7, 5)), grid=3).shape == (2, 9, 2)


def test_neighbours_share_a_side():
    near = neighbours((2, 3))
    assert [np.flatnonzero(row).tolist() for row in near] == [[1, 3], [0, 2, 4], [1, 5], [0, 4], [1, 3, 5], [2, 4]]
    assert neighbours((3, 3, 3)).sum(axis=1).tolist().count(6) == 1  # the middle one
    assert not neighbours((1, 1)).any()


def test_parents_come_before_their_children():
    assert ancestors_first([1, 2, -1, 2]) == [2, 1, 3, 0]


def test_labels_form_a_tree_on_the_grid_along_the_strong_links():
    images, y = stripes()
    field = GridField(grid=6, states=2).fit(Samples([Modality("m", "image", images)]), y).factors_["m"]
    edges = [(t, parent) for t, parent in enumerate(field.parents_) if parent >= 0]
    assert len(edges) == 35
    assert all(neighbours((6, 6))[edge] for edge in edges)
    # Columns hang together, rows do not: five links in each of six columns, and as few as possible across.
    assert sum(abs(a - b) == 6 for a, b in edges) == 30


def test_zero_coupling_makes_windows_independent():
    images, y = stripes()
    modality = Modality("m", "image", images)
    samples = Samples([modality])
    loose = GridField(grid=6, states=2, coupling=False).fit(samples, y)
    field = loose.factors_["m"]
    points = field.scaler_(field._points(modality))
    densities = np.exp(field.emissions_[0].log_density(points))  # (n, T, S)
    alone = field.prior_.tables[:, :, 0]  # (T, k, S), the same whatever the parent
    expected = np.log(np.einsum("nts,tks->ntk", densities, alone)).sum(axis=1)
    root = field.order_[0]
    np.testing.assert_allclose(field.prior_.start, alone[root])
    np.testing.assert_allclose(field(modality), expected, atol=1e-9)
    strong = GridField(grid=6, states=2, strength=1e9).fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(strong, loose.predict_proba(samples), atol=1e-4)


def test_textures_that_no_single_window_shows_are_told_apart():
    images, y = stripes()
    samples = Samples([Modality("m", "image", images)])
    train, test = slice(0, 120), slice(120, 200)
    coupled = GridField(grid=6, states=2).fit(samples[train], y[train])
    assert (coupled.predict(samples[test]) == y[test]).mean() > 0.95
    for blind in (GridField(grid=6, states=2, coupling=False), GaussianNaiveBayes()):
        assert abs((blind.fit(samples[train], y[train]).predict(samples[test]) == y[test]).mean() - 0.5) < 0.2


def test_coupling_helps_on_the_image_of_the_digits_and_the_other_views_join_in():
    task = load_task("digits", n=600)
    train, test = np.arange(400), np.arange(400, 600)
    hits = {}
    for coupling in (False, True):
        image = task.samples.select(["image"])
        model = GridField(coupling=coupling).fit(image[train], task.y[train])
        hits[coupling] = (model.predict(image[test]) == task.y[test]).mean()
    assert hits[True] > hits[False]
    assert hits[True] > 0.85
    model = GridField().fit(task.samples[train], task.y[train])
    assert set(model.modality_weights_) == set(task.samples.names)
    assert model.structure_.parents("image (64 values)") == ("labels of image",)
    assert model.structure_.parents("pixels.r0c0") == ("class",)
    assert GridField.skip(task) is None


def test_absent_images_drop_out_and_never_seen_ones_say_nothing():
    images, y = stripes(60)
    rng = np.random.default_rng(1)
    table = Modality("t", "table", rng.normal(size=(60, 2)) + y[:, None])
    here = Modality("m", "image", images)
    gone = Modality("m", "image", images, np.zeros(60, dtype=bool))
    bayes = GaussianNaiveBayes(strength=2.0, alpha=0.5, tempered=True)
    alone = bayes.fit(Samples([table]), y).predict_proba(Samples([table]))
    for seen_in_training in (here, gone):
        model = GridField().fit(Samples([seen_in_training, table]), y)
        np.testing.assert_allclose(model.predict_proba(Samples([gone, table])), alone, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(Samples([here, table])), alone, atol=1e-12)


def test_constant_images_and_rare_classes_stay_finite():
    images, y = stripes(60)
    y = np.where(np.arange(60) == 0, 2, y)
    for values in (np.ones_like(images), images):
        samples = Samples([Modality("m", "image", values)])
        assert np.isfinite(GridField().fit(samples, y).predict_proba(samples)).all()


@pytest.mark.parametrize("kinds", [("table",), ("signal", "image")])
def test_tasks_that_do_not_suit_are_skipped_with_the_reason(kinds):
    shapes = {"table": (4, 2), "signal": (4, 1, 5), "image": (4, 1, 4, 4)}
    samples = Samples([Modality(kind, kind, np.ones(shapes[kind])) for kind in kinds])
    task = Task(samples, np.array([0, 1, 0, 1]), ("a", "b"), TaskCard(name="x", title="X"))
    assert ("needs an image" if kinds == ("table",) else "not signal") in GridField.skip(task)
