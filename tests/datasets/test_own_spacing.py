"""Own volumes of different voxel sizes: brought to one spacing in millimetres, around the middle, not stretched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusebench.datasets import DataError
from fusebench.datasets.files.resampling import respaced
from fusebench.datasets.own import read_task

nibabel = pytest.importorskip("nibabel")

IDS = [f"p{i}" for i in range(4)]
# Sides, voxel sizes in mm: cubes, flat and long voxels, and a field of view that is not a cube.
FILES = [((32, 32, 32), (2.0, 2.0, 2.0)), ((64, 40, 24), (1.0, 2.0, 3.0)), ((40, 40, 40), (1.5, 1.5, 1.5))]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mri").mkdir()
    (tmp_path / "t.csv").write_text("pid,dx\n" + "".join(f"{p},{i % 2}\n" for i, p in enumerate(IDS)))
    return tmp_path


def ball(sides: tuple[int, ...], voxel: tuple[float, ...], radius: float = 16.0, lump: float = 8.0) -> np.ndarray:
    """A ball around the middle of the field of view, bright 5, on 1; a lump of 9 to the right, 9 mm from its middle."""
    x, y, z = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * size for n, size in zip(sides, voxel, strict=True)], indexing="ij"
    )
    inside = x**2 + y**2 + z**2 <= radius**2
    right = (x - 9) ** 2 + y**2 + z**2 <= lump**2 / 4
    return (1 + 4 * inside + 4 * right).astype(np.float32)


def write(path: Path, array: np.ndarray, voxel: tuple[float, ...], turned: bool = False, unit: str = "mm") -> None:
    """A NIfTI; turned, its sides are kept in the order up, left, front."""
    affine = np.diag([*voxel, 1.0])
    if turned:
        array = np.ascontiguousarray(array.transpose(2, 0, 1)[:, ::-1])
        affine = np.zeros((4, 4))
        affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = voxel[2], -voxel[0], voxel[1], 1.0
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


def volumes(data: Path, settings: str, ending: str = ".nii", kind: str = "volume") -> np.ndarray:
    (data / "task.toml").write_text(
        'file = "t.csv"\nid = "pid"\nlabel = "dx"\nsplit = {folds = 2}\n[modalities]\n'
        f'mri = {{folder = "mri", pattern = "{{id}}{ending}", kind = "{kind}"{settings}}}\n'
    )
    return read_task(data / "task.toml").samples.modality("mri").values[:, 0]


def test_the_same_ball_in_voxels_of_any_size_becomes_the_same_array(data: Path) -> None:
    for i, (sides, voxel) in enumerate([*FILES, FILES[1]]):
        write(data / f"mri/p{i}.nii", ball(sides, voxel), voxel, turned=i == 3)
    x = volumes(data, ", grid = [20, 20, 20], spacing_mm = 2.0")
    exact = ball((20, 20, 20), (2.0, 2.0, 2.0))
    np.testing.assert_array_equal(x[0], exact)  # the file has that spacing: cropped alone
    np.testing.assert_array_equal(x[3], x[1])
    # A ball that is 4 mm larger differs where the edge is near, and so does one that is smaller; edges are blurred.
    clear = ball((20,) * 3, (2.0,) * 3, 20.0, 16.0) == ball((20,) * 3, (2.0,) * 3, 12.0, 0.0)
    assert clear.mean() > 0.5
    for one in x:
        assert ((one > 3).sum() * 8) == pytest.approx(4 / 3 * np.pi * 16**3, rel=0.05)
        assert one[clear] == pytest.approx(exact[clear], abs=0.2)
        assert one[14, 9:11, 9:11].mean() > 7 > one[5, 9:11, 9:11].mean()  # the lump is to the right
    # Stretched over the same grid, each file shows another shape.
    stretched = volumes(data, ", grid = [20, 20, 20]")
    widths = (stretched > 3).any(axis=(2, 3)).sum(axis=1) / (stretched > 3).any(axis=(1, 2)).sum(axis=1)
    assert widths[0] == 1
    assert abs(widths[1] - 1) > 0.1


def test_beyond_the_field_of_view_lies_the_lowest_value_and_half_a_voxel_is_still_within(data: Path) -> None:
    for i in range(4):
        write(data / f"mri/p{i}.nii", ball((10, 10, 10), (4.0, 4.0, 4.0)) + i, (4.0, 4.0, 4.0))
    x = volumes(data, ", grid = [30, 30, 24], spacing_mm = [2, 2, 4]")
    assert x.shape == (4, 30, 30, 24)
    assert [one.min() for one in x] == [1, 2, 3, 4]
    # 40 mm across: 20 voxels of 2 mm, 10 of 4 mm; all others are beyond.
    beyond = np.ones((30, 30, 24), dtype=bool)
    beyond[5:25, 5:25, 7:17] = False
    for i, one in enumerate(x):
        assert (one[beyond] == 1 + i).all()
    flat = respaced(np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1) + 5, (1, 1, 1), (2, 1, 1), (6, 1, 1))[0, :, 0, 0]
    assert flat[[0, 5]].tolist() == [5, 5]
    assert flat[2:4] == pytest.approx([7.5, 9.5], abs=0.05)


def test_missing_voxels_stay_so_and_metres_are_understood(data: Path) -> None:
    array = ball((16, 16, 16), (2.0, 2.0, 2.0))
    array[:4] = np.nan
    for i in range(4):
        unit = ("mm", "meter", "micron", "unknown")[i]
        size = 2.0 * {"meter": 1e-3, "micron": 1e3}.get(unit, 1.0)
        write(data / f"mri/p{i}.nii", array, (size,) * 3, unit=unit)
    x = volumes(data, ", grid = [8, 8, 8], spacing_mm = 4")
    assert np.isnan(x[:, :2]).all()
    assert not np.isnan(x[:, 2:]).any()
    for one in x[1:]:
        np.testing.assert_allclose(one, x[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "kind", "told"),
    [
        (", spacing_mm = 2.0", "volume", "needs to know how many voxels to keep; add grid"),
        (", grid = [4, 4, 4], spacing_mm = 0", "volume", "needs one number of millimetres, or 3"),
        (", grid = [4, 4, 4], spacing_mm = [1, 2]", "volume", "needs one number of millimetres, or 3"),
        (", grid = [4, 4, 4], spacing_mm = true", "volume", "needs one number of millimetres"),
        (', grid = [4, 4, 4], spacing_mm = "2 mm"', "volume", "needs one number of millimetres"),
        (", grid = [4, 4], spacing_mm = 2", "image", "is for volumes, not for kind image"),
    ],
)
def test_what_is_wrong_with_a_spacing_is_told(data: Path, settings: str, kind: str, told: str) -> None:
    with pytest.raises(DataError, match=f"spacing_mm: {told}"):
        volumes(data, settings, kind=kind)


def test_a_file_that_does_not_tell_its_voxels_is_refused(data: Path) -> None:
    for p in IDS:
        np.save(data / f"mri/{p}.npy", np.ones((4, 4, 4)))
    with pytest.raises(DataError, match=r"p0\.npy: only NIfTI files and DICOM series tell how large voxels are"):
        volumes(data, ", grid = [4, 4, 4], spacing_mm = 1", ending=".npy")
