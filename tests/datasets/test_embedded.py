"""Embedded tasks: shapes, counts and hand-computed views."""

import numpy as np
import pytest

from fusebench.datasets import DataError, load_task
from fusebench.datasets.digits import fourier, morphology, profiles


def test_breast_cancer() -> None:
    task = load_task("breast-cancer")
    assert task.samples.names == ("mean", "standard_error", "worst")
    assert {m.shape for m in task.samples.modalities} == {(569, 10)}
    assert len({m.features for m in task.samples.modalities}) == 1
    assert task.classes == ("benign", "malignant")
    assert np.bincount(task.y).tolist() == [357, 212]
    assert task.samples.complete
    # The first patient of the file: malignant, radius 17.99 (mean), 1.095 (error), 25.38 (worst).
    radius = [m.values[0, m.features.index("radius")] for m in task.samples.modalities]
    assert radius == [17.99, 1.095, 25.38]
    assert task.y[0] == 1


def test_digits() -> None:
    task = load_task("digits")
    assert {m.name: m.shape for m in task.samples.modalities} == {
        "pixels": (1797, 64),
        "fourier": (1797, 34),
        "profiles": (1797, 48),
        "morphology": (1797, 10),
        "image": (1797, 1, 8, 8),
    }
    image = task.samples.modality("image")
    assert image.kind == "image"
    assert image.values.dtype == np.float32
    np.testing.assert_array_equal(image.values.reshape(1797, 64), task.samples.modality("pixels").values)
    assert task.samples.complete


def test_a_smaller_sample_is_stratified_and_part_of_a_larger_one() -> None:
    whole, large, small = load_task("digits"), load_task("digits", n=400), load_task("digits", n=50)
    assert set(small.samples.ids) < set(large.samples.ids)
    assert np.bincount(small.y).tolist() == [5] * 10
    assert np.bincount(large.y).min() >= 38
    rows = large.samples.ids
    for name in whole.samples.names:  # every row is a function of its own image
        np.testing.assert_array_equal(large.samples.modality(name).values, whole.samples.modality(name).values[rows])
    np.testing.assert_array_equal(large.y, whole.y[rows])


@pytest.mark.parametrize("n", [49, 1798, 100.0, True, "100"])
def test_digits_refuses_other_sizes(n: object) -> None:
    with pytest.raises(DataError, match="between 50 and 1797"):
        load_task("digits", n=n)


def _image(*rows: str) -> np.ndarray:
    return np.array([[[16.0 if c == "#" else 0.0 for c in row] for row in rows]])


RING = _image("........", ".####...", ".#..#...", ".#..#...", ".####...", "........", "........", "........")
DOTS = _image("#.......", ".#......", "........", "...##...", "........", "........", "........", ".......#")


def test_fourier_by_hand() -> None:
    assert len(fourier(RING)) == 34
    columns = fourier(np.full((1, 8, 8), 2.0))
    assert columns["u0v0"][0] == pytest.approx(128.0)
    assert max(abs(v[0]) for k, v in columns.items() if k != "u0v0") < 1e-9
    # Magnitudes do not change when the image is shifted around.
    moved = fourier(np.roll(RING, (2, 3), axis=(1, 2)))
    for name, value in fourier(RING).items():
        assert value[0] == pytest.approx(moved[name][0], abs=1e-9)
    # The 34 kept carry the whole power spectrum: the others repeat them.
    spectrum = np.abs(np.fft.fft2(RING[0]))
    assert {round(v, 6) for v in spectrum.ravel()} == {round(v[0], 6) for v in fourier(RING).values()}


def test_profiles_by_hand() -> None:
    columns = {name: value[0] for name, value in profiles(RING).items()}
    assert [columns[f"row{i}"] for i in range(8)] == [0, 64, 32, 32, 64, 0, 0, 0]
    assert [columns[f"column{i}"] for i in range(8)] == [0, 64, 32, 32, 64, 0, 0, 0]
    assert [columns[f"left{i}"] for i in range(8)] == [8, 1, 1, 1, 1, 8, 8, 8]
    assert [columns[f"right{i}"] for i in range(8)] == [8, 3, 3, 3, 3, 8, 8, 8]
    assert [columns[f"top{i}"] for i in range(8)] == [8, 1, 1, 1, 1, 8, 8, 8]
    assert [columns[f"bottom{i}"] for i in range(8)] == [8, 3, 3, 3, 3, 8, 8, 8]


def test_morphology_by_hand() -> None:
    ring = {name: value[0] for name, value in morphology(RING).items()}
    assert ring["area"] == 12
    assert ring["mass"] == 192
    assert (ring["centroid_row"], ring["centroid_column"]) == (2.5, 2.5)
    assert ring["height"] == 4
    assert ring["euler"] == 0  # one component, one hole
    assert ring["moment_rows"] == pytest.approx((8 * 1.5**2 + 4 * 0.5**2) / 12)
    assert ring["moment_mixed"] == pytest.approx(0.0)
    assert ring["eccentricity"] == pytest.approx(0.0)
    dots = {name: value[0] for name, value in morphology(DOTS).items()}
    assert dots["euler"] == 3  # the two that touch at a corner are one
    line = {name: value[0] for name, value in morphology(_image(*(["...#...."] * 8))).items()}
    assert line["eccentricity"] == pytest.approx(1.0)
    empty = morphology(np.zeros((1, 8, 8)))
    assert all(np.isfinite(v).all() for v in empty.values())


def test_the_euler_number_agrees_with_labelling() -> None:
    from scipy.ndimage import label

    rng = np.random.default_rng(0)
    images = 16.0 * (rng.random((200, 8, 8)) < 0.45)
    euler = morphology(images)["euler"]
    for image, value in zip(images, euler, strict=True):
        ink = np.pad(image > 0, 1)
        components = label(ink, np.ones((3, 3)))[1]
        holes = label(~ink)[1] - 1  # 4-connected background, without the outside
        assert value == components - holes
