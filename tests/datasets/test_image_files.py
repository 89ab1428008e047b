"""Single files as arrays: what is read is right, and what cannot be read is told with its file, place and cure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusebench.datasets import DataError
from fusebench.datasets.files.reader import read_file, voxel_mm
from fusebench.datasets.files.resampling import resampled

MISSING = ("", "NA")
RAMP = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


def read(path: Path, kind: str, channels: str = "first") -> np.ndarray:
    return read_file(path, kind, channels, MISSING)


def refusal(path: Path, kind: str) -> str:
    with pytest.raises(DataError) as caught:
        read(path, kind)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def write_dicom(path: Path, pixels: np.ndarray, **tags: Any) -> Path:
    pydicom = pytest.importorskip("pydicom")
    uids = pydicom.uid
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = uids.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uids.generate_uid()
    meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
    data = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.SeriesInstanceUID = "1.2.3"
    for name, value in tags.items():
        setattr(data, name, value)
    data.PixelData = pixels.astype("<u2").tobytes()
    data.save_as(path)
    return path


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("L", 7, [7]),
        ("1", 1, [255]),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 4), [1, 2, 3]),
        ("LA", (9, 4), [9]),
        ("I;16", 60000, [60000]),
        ("P", 0, [0, 0, 0]),
    ],
)
def test_pictures_of_every_mode(tmp_path: Path, mode: str, pixel: Any, expected: list[int]) -> None:
    Image.new(mode, (3, 2), pixel).save(tmp_path / "a.png")
    image = read(tmp_path / "a.png", "image")
    assert image.shape == (len(expected), 2, 3)
    assert image[:, 0, 0].tolist() == expected


@pytest.mark.parametrize("ending", ["png", "tif", "tiff", "PNG"])
def test_lossless_pictures_keep_every_pixel(tmp_path: Path, ending: str) -> None:
    Image.fromarray(RAMP[0].astype(np.uint8)).save(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(read(tmp_path / f"a.{ending}", "image"), RAMP[:1])


def test_a_photograph_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first column is the top
    Image.fromarray(np.uint8([[0, 0], [0, 0], [255, 255], [255, 255]]).repeat(8, 0).repeat(8, 1)).save(
        tmp_path / "a.jpg", exif=exif
    )
    assert read(tmp_path / "a.jpg", "image").shape == (1, 16, 32)


def test_pages_of_a_tiff_are_a_volume(tmp_path: Path) -> None:
    pages = [Image.fromarray(page.astype(np.uint8)) for page in RAMP]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read(tmp_path / "a.tif", "volume"), RAMP[None])
    assert 'kind = "volume"' in refusal(tmp_path / "a.tif", "image")


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_nifti_sides_run_right_anterior_superior(tmp_path: Path, ending: str) -> None:
    # Stored with x running left and the last two axes swapped: voxel (i, j, k) lies at (-i, k, j).
    affine = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    found = read(write_nifti(tmp_path / f"a.{ending}", RAMP, affine), "volume")
    np.testing.assert_array_equal(found[0], RAMP[::-1].transpose(0, 2, 1))


def test_nifti_with_a_fourth_side_of_one_is_a_volume(tmp_path: Path) -> None:
    assert read(write_nifti(tmp_path / "a.nii", RAMP[..., None]), "volume").shape == (1, 2, 3, 4)


def test_dicom_in_hounsfield_units(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP[0], RescaleSlope=2, RescaleIntercept=-1024)
    np.testing.assert_array_equal(read(path, "image")[0], RAMP[0] * 2 - 1024)


def test_dicom_white_is_high_in_monochrome1(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP[0], PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read(path, "image")[0], 4095 - RAMP[0])


def test_dicom_without_an_ending(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(write_dicom(tmp_path / "IM0001", RAMP[0]), "image")[0], RAMP[0])


def series(folder: Path, axial: bool = True) -> Path:
    """Slices of a volume V[x, y, z] (right, anterior, superior), whatever the order of the file names."""
    folder.mkdir()
    for at, name in enumerate(("c", "a", "b", "d")):
        if axial:  # rows run posterior, columns left
            pixels, where, turned = RAMP_XYZ[::-1, ::-1, at].T, [0, 0, 2.5 * at], [1, 0, 0, 0, 1, 0]
        else:  # coronal: rows run inferior, columns left; slices go posterior
            pixels, where, turned = RAMP_XYZ[::-1, 3 - at, ::-1].T, [0, 2.5 * at, 0], [1, 0, 0, 0, 0, -1]
        tags = {"ImagePositionPatient": where, "ImageOrientationPatient": turned, "PixelSpacing": [1.5, 0.5]}
        write_dicom(folder / f"{name}.dcm", pixels, **tags)
    return folder


RAMP_XYZ = np.arange(3 * 4 * 4).reshape(3, 4, 4)


@pytest.mark.parametrize("axial", [True, False])
def test_a_dicom_series_is_one_volume_however_it_was_cut(tmp_path: Path, axial: bool) -> None:
    np.testing.assert_array_equal(read(series(tmp_path / "s", axial), "volume")[0], RAMP_XYZ)


def test_a_series_tells_how_large_its_voxels_are_or_that_it_does_not(tmp_path: Path) -> None:
    # Rows are 1.5 mm apart and columns 0.5 mm; slices 2.5 mm.
    assert voxel_mm(series(tmp_path / "axial")) == pytest.approx([0.5, 1.5, 2.5])
    assert voxel_mm(series(tmp_path / "coronal", axial=False)) == pytest.approx([0.5, 2.5, 1.5])
    folder = tmp_path / "mute"
    folder.mkdir()
    for at in (1, 2):
        write_dicom(folder / f"{at}.dcm", RAMP[0], InstanceNumber=at)
    with pytest.raises(DataError, match="mute: its slices do not say how far apart they and their pixels lie"):
        voxel_mm(folder)


def test_a_nifti_tells_how_large_its_voxels_are_however_it_is_turned(tmp_path: Path) -> None:
    turned = np.zeros((4, 4))
    turned[2, 0], turned[0, 1], turned[1, 2], turned[3, 3] = 3.0, -1.0, 2.0, 1.0  # up, left, front
    assert voxel_mm(write_nifti(tmp_path / "a.nii", RAMP, turned)) == pytest.approx([1.0, 2.0, 3.0])
    (tmp_path / "b.nii").write_bytes(b"a text" * 99)
    with pytest.raises(DataError, match="is no NIfTI file"):
        voxel_mm(tmp_path / "b.nii")


def test_a_series_with_a_gap_a_copy_or_a_guest_is_refused(tmp_path: Path) -> None:
    folder = series(tmp_path / "s")
    (folder / "a.dcm").rename(tmp_path / "a.dcm")  # the second slice
    assert "a slice is missing between c.dcm and b.dcm" in refusal(folder, "volume")
    (folder / "a.dcm").write_bytes((tmp_path / "a.dcm").read_bytes())
    (folder / "e.dcm").write_bytes((tmp_path / "a.dcm").read_bytes())
    assert "same place as" in refusal_at(folder, folder / "e.dcm", folder / "a.dcm")
    write_dicom(folder / "e.dcm", RAMP_XYZ[:, :, 0], SeriesInstanceUID="9.9")
    assert "another series" in refusal_at(folder, folder / "e.dcm")


def refusal_at(path: Path, *places: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path, "volume")
    assert str(caught.value).startswith(tuple(map(str, places)))
    return str(caught.value)


def test_a_line_of_names_is_no_time_point(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("fz\tcz\n1\t2\nn/a\t4\n5\t6\n")
    np.testing.assert_array_equal(read(tmp_path / "a.tsv", "signal"), [[1, np.nan, 5], [2, 4, 6]])
    (tmp_path / "c.tsv").write_text("0\t1\t2\n7\t8\t9\n")  # as pandas writes columns without names
    np.testing.assert_array_equal(read(tmp_path / "c.tsv", "roi"), [[7, 8, 9]])
    (tmp_path / "b.csv").write_text("1,2\n3,4\n")
    np.testing.assert_array_equal(read(tmp_path / "b.csv", "connectivity"), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(read(tmp_path / "b.csv", "roi"), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("kind", "shape", "channels", "expected"),
    [
        ("signal", (9,), "first", (1, 9)),
        ("signal", (9, 2), "last", (2, 9)),
        ("image", (4, 5), "first", (1, 4, 5)),
        ("image", (4, 5, 3), "last", (3, 4, 5)),
        ("volume", (2, 4, 5, 6), "first", (2, 4, 5, 6)),
        ("connectivity", (4, 4), "first", (4, 4)),
    ],
)
def test_arrays(tmp_path: Path, kind: str, shape: tuple, channels: str, expected: tuple) -> None:
    np.save(tmp_path / "a.npy", np.ones(shape, dtype=np.uint8))
    found = read(tmp_path / "a.npy", kind, channels)
    assert (found.shape, found.dtype) == (expected, np.float32)


BAD: dict[str, tuple[str, bytes | np.ndarray, str, list[str]]] = {
    "empty": ("a.png", b"", "image", ["empty"]),
    "no picture": ("a.png", b"a text", "image", ["is no PNG file"]),
    "nifti that is none": ("a.nii", b"a text", "volume", ["is no NIfTI file"]),
    "gzip that is none": ("a.nii.gz", b"a text", "volume", ["NIfTI"]),
    "dicom that is none": ("a.dcm", b"a text" * 99, "image", ["is no DICOM file"]),
    "unknown": ("a.xyz", b"a text", "image", ["cannot tell how to read it", "PNG, JPEG"]),
    "ragged": ("a.csv", b"1,2\n3\n", "roi", ["line 2", "1 cells where 2"]),
    "letters": ("a.csv", b"a,b\n1,2\n3,x\n", "roi", ["line 3, column 2", "'x'"]),
    "not utf-8": ("a.csv", b"\xff\xfe1", "roi", ["UTF-8"]),
    "names only": ("a.csv", b"a,b\n", "roi", ["no values"]),
    "oblong": ("a.csv", b"1,2,3\n4,5,6\n", "connectivity", ["square", "2 x 3"]),
    "objects": ("a.npy", np.array([{}, 1], dtype=object), "signal", ["Python objects", "never loaded"]),
    "texts": ("a.npy", np.array(["x"]), "signal", ["numbers"]),
    "4D": ("a.npy", np.ones((1, 2, 3, 4, 5)), "volume", ["5D (1 x 2 x 3 x 4 x 5)", "3 sides"]),
    "no array": ("a.npy", b"\x93NUMPY\x01\x00", "signal", ["damaged or truncated"]),
    "infinite": ("a.npy", np.array([[0, np.inf]]), "roi", ["cell (0, 1)", "infinite"]),
    "nothing but NaN": ("a.npy", np.full((2, 2), np.nan), "roi", ["no values"]),
    "table as image": ("a.tsv", b"1\t2\n", "image", ["correct kind"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_told(tmp_path: Path, case: str) -> None:
    name, content, kind, words = BAD[case]
    path = tmp_path / name
    if name.endswith((".nii", ".nii.gz")):
        pytest.importorskip("nibabel")
    if name.endswith(".dcm"):
        pytest.importorskip("pydicom")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    message = refusal(path, kind)
    assert [word for word in words if word not in message] == []


def _png(path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)).save(path)
    return path


NOISE = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
WHOLE: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "png": ("a.png", _png, "image"),
    "nifti": ("a.nii", lambda path: write_nifti(path, NOISE), "volume"),
    "packed nifti": ("a.nii.gz", lambda path: write_nifti(path, NOISE), "volume"),
    "dicom": ("a.dcm", lambda path: write_dicom(path, np.arange(900).reshape(30, 30)), "image"),
    "npy": ("a.npy", lambda path: np.save(path, NOISE) or path, "volume"),  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("case", WHOLE)
def test_truncated_files_are_told(tmp_path: Path, case: str, share: float) -> None:
    name, write, kind = WHOLE[case]
    path = write(tmp_path / name)
    assert np.isfinite(read(path, kind)).all()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or truncated" in refusal(path, kind)


def test_sides_that_the_kind_does_not_have(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "bold.nii.gz", np.zeros((2, 3, 4, 5), dtype=np.float32))
    assert "4D (2 x 3 x 4 x 5) where 3D is expected" in refusal(path, "volume")
    path = write_nifti(tmp_path / "t1.nii.gz", RAMP)
    assert '3D (2 x 3 x 4) where 2D is expected; set kind = "volume"' in refusal(path, "image")
    assert "correct kind" in refusal(path, "signal")
    path = write_dicom(tmp_path / "a.dcm", RAMP[0])
    assert '2D (3 x 4) where 3D is expected; set kind = "image"' in refusal(path, "volume")
    assert "a folder of slices is a volume" in refusal(tmp_path, "image")
    (tmp_path / "sub").mkdir()
    assert "no DICOM slices" in refusal(tmp_path / "sub", "volume")


def test_resampling_keeps_what_is_covered() -> None:
    # Halving a grid of blocks of 2 x 2 gives the blocks' means up to smoothing; a constant stays what it is.
    np.testing.assert_allclose(resampled(np.full((1, 6, 4), 3.0, dtype=np.float32), (3, 9)), 3.0, rtol=1e-6)
    ramp = np.arange(64, dtype=np.float32)[None]
    # Pixel i of the new grid covers old pixels 4i to 4i+3, whose mean is 4i + 1.5; borders are flattened by smoothing.
    np.testing.assert_allclose(resampled(ramp, (16,))[0, 3:-3], 4 * np.arange(16)[3:-3] + 1.5, atol=1e-4)
    same = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    assert resampled(same, (5, 6)) is same


def test_resampling_does_not_alias() -> None:
    stripes = np.tile(np.float32([0, 1]), 32)[None]  # the finest pattern there is: every second pixel
    assert np.ptp(resampled(stripes, (21,))) < 0.35
    assert np.ptp(stripes[:, ::3]) == 1  # picking pixels would show stripes that are not there


def test_resampling_passes_over_missing_values() -> None:
    image = np.full((1, 8, 8), 5.0, dtype=np.float32)
    image[:, :, :3] = np.nan
    found = resampled(image, (4, 4))
    assert np.isnan(found[0, :, 0]).all()
    np.testing.assert_allclose(found[0, :, 2:], 5.0, rtol=1e-6)
