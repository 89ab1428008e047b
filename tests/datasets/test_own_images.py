"""Own images and volumes: folders with one file a row, what is said of them, and how they are kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusebench.datasets import DataError, OfficialSplit, Task
from fusebench.datasets.exchange import open_task, save_task
from fusebench.datasets.own import read_task
from fusebench.datasets.validate import describe

pytestmark = pytest.mark.usefixtures("cache")

IDS = [f"p{i}" for i in range(8)]
TOP = 'file = "t.csv"\nid = "pid"\nlabel = {column = "dx", map = {"0" = "no", "1" = "yes"}}\nsplit = {folds = 2}\n'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A table of eight rows, and a grey image of 4 x 3 for each, all of whose pixels are the row's number times 10."""
    folder = tmp_path / "data"
    (folder / "skin").mkdir(parents=True)
    (folder / "t.csv").write_text("pid,age,dx\n" + "".join(f"{p},{i},{i % 2}\n" for i, p in enumerate(IDS)))
    for i, p in enumerate(IDS):
        picture(folder / "skin" / f"{p}.png", np.full((4, 3), 10 * i))
    return folder


def picture(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def read(data: Path, toml: str) -> Task:
    (data / "task.toml").write_text(toml, encoding="utf-8")
    return read_task(data / "task.toml")


def skin(data: Path, settings: str = "", top: str = TOP) -> Task:
    return read(data, f'{top}[modalities]\nskin = {{folder = "skin", pattern = "{{id}}.png"{settings}}}\n')


def refusal(data: Path, settings: str = "", top: str = TOP) -> str:
    with pytest.raises(DataError) as caught:
        skin(data, settings, top)
    return str(caught.value)


def test_each_row_has_its_own_file(data: Path) -> None:
    task = skin(data)
    modality = task.samples.modality("skin")
    assert (modality.kind, modality.shape) == ("image", (8, 1, 4, 3))
    np.testing.assert_array_equal(modality.values[:, 0, 0, 0], np.arange(8) * 10)
    assert isinstance(modality.array, np.memmap)
    assert task.notes == ()


def test_a_table_in_another_order_and_with_rows_left_out(data: Path) -> None:
    rows = "".join(f"{p},{i},{'01x'[i % 3]}\n" for i, p in reversed(list(enumerate(IDS))))
    (data / "t.csv").write_text("pid,age,dx\n" + rows)
    task = skin(data, top=TOP.replace('map = {"0" = "no", "1" = "yes"}', 'drop = "x"'))
    kept = [i for i in reversed(range(8)) if i % 3 < 2]
    assert task.samples.ids.tolist() == [f"p{i}" for i in kept]
    np.testing.assert_array_equal(task.samples.modality("skin").values[:, 0, 1, 1], np.array(kept) * 10)


def test_rows_without_a_file_and_files_without_a_row_are_told(data: Path) -> None:
    (data / "skin/p5.png").unlink()
    picture(data / "skin/p99.png", np.zeros((50, 50)))  # another size: it would be refused if it were read
    (data / "skin/copy of p1.jpg").write_bytes(b"never read")
    (data / "skin/.DS_Store").write_bytes(b"never read")
    task = skin(data)
    modality = task.samples.modality("skin")
    assert np.flatnonzero(~modality.present).tolist() == [5]
    assert np.isnan(modality.values[5]).all()
    missing, unused, strange = task.notes
    assert "1 row of 8 without a file, absent there: 'p5'" in missing
    assert "no row has the id: 'p99.png'" in unused
    assert "does not match: 'copy of p1.jpg'" in strange
    assert set(task.notes) <= set(describe(task).warnings)
    assert "1 of 8 ids have no file: 'p5'" in refusal(data, ", allow_absent = false")


def test_the_first_row_may_be_absent(data: Path) -> None:
    (data / "skin/p0.png").unlink()
    values = skin(data).samples.modality("skin").values
    assert np.isnan(values[0]).all()
    assert values[1, 0, 0, 0] == 10


def test_placeholders_are_columns_where_there_is_no_table(data: Path) -> None:
    for i in range(12):
        folder = data / "x" / ("test" if i >= 8 else "train") / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture(folder / f"{i:02d}.png", np.full((2, 2), i))
    task = read(data, 'label = "label"\nsplit = {column = "split", test = "test"}\n[modalities]\n'
                      'x = {folder = "x", pattern = "{split}/{label}/{id}.png"}\n')  # fmt: skip
    order = task.samples.ids.astype(int)
    assert sorted(order) == list(range(12))
    np.testing.assert_array_equal(task.samples.modality("x").values[:, 0, 0, 0], order)
    assert [task.classes[code] for code in task.y] == ["ab"[i % 2] for i in order]
    assert isinstance(task.protocol, OfficialSplit)
    np.testing.assert_array_equal(task.protocol.test, order >= 8)


def test_a_placeholder_that_stands_twice_is_the_same_both_times(data: Path) -> None:
    for p, name in (("p0", "p0_T1w"), ("p1", "p1_T1w"), ("p1", "p2_T1w"), ("p2", "p1_T1w")):
        (data / "m" / p).mkdir(parents=True, exist_ok=True)
        np.save(data / "m" / p / f"{name}.npy", np.ones((2, 2)))
    task = read(data, TOP + '[modalities]\nm = {folder = "m", pattern = "{id}/{id}_T1w.npy", kind = "roi"}\n')
    assert np.flatnonzero(task.samples.modality("m").present).tolist() == [0, 1]


def test_signals_and_matrices(data: Path) -> None:
    (data / "s").mkdir()
    rng = np.random.default_rng(0)
    series = rng.normal(size=(8, 20, 3)).astype(np.float32)
    for p, one in zip(IDS, series, strict=True):
        np.savetxt(data / "s" / f"{p}_ts.tsv", one, delimiter="\t", header="a\tb\tc", comments="", fmt="%.9g")
        np.save(data / "s" / f"{p}_conn.npy", np.corrcoef(one.T))
    task = read(data, TOP + '[modalities]\nts = {folder = "s", pattern = "{id}_ts.tsv", kind = "signal"}\n'
                            'c = {folder = "s", pattern = "{id}_conn.npy", kind = "connectivity"}\n')  # fmt: skip
    np.testing.assert_array_equal(task.samples.modality("ts").values, series.transpose(0, 2, 1))
    assert task.samples.modality("c").shape == (8, 3, 3)


# What is done to each file.


def test_colour(data: Path) -> None:
    picture(data / "skin/p1.png", np.tile(np.uint8([100, 50, 200]), (4, 3, 1)))
    message = refusal(data)
    assert "p1.png" in message
    assert 'set colour = "grey" or "rgb"' in message
    rgb = skin(data, ', colour = "rgb"').samples.modality("skin").values
    assert rgb[1:3, :, 0, 0].tolist() == [[100, 50, 200], [20, 20, 20]]
    grey = skin(data, ', colour = "grey"').samples.modality("skin").values
    np.testing.assert_allclose(grey[1:3, :, 0, 0], [[0.299 * 100 + 0.587 * 50 + 0.114 * 200], [20]], rtol=1e-6)


def test_files_of_two_sizes_need_a_grid(data: Path) -> None:
    picture(data / "skin/p6.png", np.full((8, 6), 60))
    message = refusal(data)
    for word in ("p6.png", "1 x 8 x 6", "p0.png", "1 x 4 x 3", "set grid = [4, 3]"):
        assert word in message
    values = skin(data, ", grid = [2, 5]").samples.modality("skin").values
    assert values.shape == (8, 1, 2, 5)
    np.testing.assert_allclose(values, np.broadcast_to(np.arange(8)[:, None, None, None] * 10.0, values.shape))


def test_intensities_are_normalised_within_each_file(data: Path) -> None:
    rng = np.random.default_rng(0)
    for i, p in enumerate(IDS):
        picture(data / "skin" / f"{p}.png", rng.integers(20 * i, 20 * i + 60, (20, 20)))
    scored = skin(data, ', normalise = "zscore"').samples.modality("skin").values
    np.testing.assert_allclose(scored.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(scored.std(axis=(1, 2, 3)), 1, rtol=1e-5)
    between = skin(data, ', normalise = "minmax"').samples.modality("skin").values
    assert between.min(axis=(1, 2, 3)).tolist() == [0] * 8
    assert between.max(axis=(1, 2, 3)).tolist() == [1] * 8
    raw = skin(data).samples.modality("skin").values
    cut = skin(data, ", clip = [5, 95]").samples.modality("skin").values
    np.testing.assert_allclose(cut[2], np.clip(raw[2], *np.percentile(raw[2], [5, 95])))


def test_a_blank_image_becomes_zero(data: Path) -> None:
    assert not skin(data, ', normalise = "zscore"').samples.modality("skin").values.any()
    assert not skin(data, ', normalise = "minmax"').samples.modality("skin").values.any()


def test_a_signal_is_normalised_channel_by_channel(data: Path) -> None:
    (data / "s").mkdir()
    for p in IDS:
        np.save(data / "s" / f"{p}.npy", np.random.default_rng(0).normal([[5], [900]], [[1], [200]], (2, 40)))
    toml = (
        '[modalities]\ns = {folder = "s", pattern = "{id}.npy", kind = "signal", normalise = "zscore", grid = [20]}\n'
    )
    values = read(data, TOP + toml).samples.modality("s").values
    assert values.shape == (8, 2, 20)
    np.testing.assert_allclose(values.mean(axis=2), 0, atol=1e-5)


# How it is kept.


def test_the_array_is_made_once_and_again_when_a_file_or_a_setting_changes(data: Path, cache: Path) -> None:
    skin(data)
    (kept,) = cache.iterdir()
    first = kept.stat().st_mtime_ns
    skin(data)
    assert kept.stat().st_mtime_ns == first
    picture(data / "skin/p3.png", np.full((4, 3), 255))
    os.utime(data / "skin/p3.png", ns=(0, 12345))
    old = skin(data).samples.modality("skin")
    assert old.values[3, 0, 0, 0] == 255
    (kept,) = cache.iterdir()  # the old one is gone
    assert skin(data, ", grid = [2, 2]").samples.modality("skin").shape == (8, 1, 2, 2)
    (other,) = cache.iterdir()
    assert other != kept
    assert old.values[3, 0, 0, 0] == 255  # still there for those who have it open


def test_a_damaged_array_is_made_again(data: Path, cache: Path) -> None:
    expected = np.array(skin(data).samples.modality("skin").values)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(skin(data).samples.modality("skin").values, expected)


def test_a_file_that_cannot_be_read_leaves_nothing_behind(data: Path, cache: Path) -> None:
    (data / "skin/p7.png").write_bytes((data / "skin/p7.png").read_bytes()[:50])
    assert "p7.png: damaged or truncated" in refusal(data)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "occupied").write_text("a file where the folder should be")
    monkeypatch.setenv("FUSEBENCH_CACHE", str(data / "occupied"))
    assert "set FUSEBENCH_CACHE" in refusal(data)


def test_jobs_open_the_very_file_of_the_cache(data: Path, cache: Path, tmp_path: Path) -> None:
    (data / "skin/p5.png").unlink()
    task = skin(data)
    folder = save_task(task, tmp_path / "jobs")
    (kept,) = cache.iterdir()
    assert (folder / "modality-0.npy").samefile(kept)
    assert open_task(folder, verify=True).fingerprint == task.fingerprint
    # A part of the rows is another array.
    (data / "t.csv").write_text((data / "t.csv").read_text().replace("p7,7,1", "p7,7,x"))
    some = skin(data, top=TOP.replace('map = {"0" = "no", "1" = "yes"}', 'drop = "x"'))
    part = save_task(some, tmp_path / "part")
    assert not (part / "modality-0.npy").samefile(kept)
    assert open_task(part, verify=True).samples.ids.tolist() == IDS[:7]


WITHIN = """
import resource, sys
from fusebench.datasets.own import images
from fusebench.datasets.exchange import open_task, save_task
from fusebench.datasets.own import read_task
from fusebench.datasets.validate import describe
import scipy.stats

held = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
limit = 1024 * held + 96 * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
task = read_task(sys.argv[1])
describe(task)
save_task(task, sys.argv[2])
assert open_task(sys.argv[2], verify=True).fingerprint == task.fingerprint
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_large_volumes_are_never_held(data: Path, tmp_path: Path) -> None:
    # Two modalities of 160 MiB each; all but memory maps is limited to 96 MiB more than the modules need.
    (data / "v").mkdir()
    ids = [f"p{i}" for i in range(160)]
    (data / "t.csv").write_text("pid,age,dx\n" + "".join(f"{p},{i},{i % 2}\n" for i, p in enumerate(ids)))
    noise = np.random.default_rng(0).random((64, 64, 64), dtype=np.float32)
    for i, p in enumerate(ids):
        for m in ("t1", "pet"):
            np.save(data / "v" / f"{p}_{m}.npy", noise + np.float32(i))
    toml = "".join(f'{m} = {{folder = "v", pattern = "{{id}}_{m}.npy", kind = "volume"}}\n' for m in ("t1", "pet"))
    (data / "task.toml").write_text(TOP + "[modalities]\n" + toml)
    command = [sys.executable, "-c", WITHIN, str(data / "task.toml"), str(tmp_path / "jobs")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "jobs" / "modality-0.npy").stat().st_nlink == 2


# What is refused.


def test_two_files_for_one_row(data: Path) -> None:
    (data / "skin/b").mkdir()
    (data / "skin/a").mkdir()
    for folder in "ab":
        picture(data / "skin" / folder / "p0.png", np.zeros((4, 3)))
    with pytest.raises(DataError, match=r"two files for 'p0': a/p0.png and b/p0.png; .* match one of them"):
        read(data, TOP + '[modalities]\nskin = {folder = "skin", pattern = "*/{id}.png"}\n')


def test_folders_without_the_files(data: Path) -> None:
    (data / "empty").mkdir()
    for settings, words in {
        'folder = "empty", pattern = "{id}.png"': ["the folder is empty"],
        'folder = "skins", pattern = "{id}.png"': ["no such folder", "folders there are empty, skin"],
        'folder = "skin", pattern = "{id}.jpg"': ["no file fits the pattern", "p0.png"],
        'folder = "skin", pattern = "p{id}.png"': ["none of the 8 ids has a file", "ids are 'p0'", "files are for '0'"],
    }.items():
        with pytest.raises(DataError) as caught:
            read(data, f"{TOP}[modalities]\nm = {{{settings}}}\n")
        assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("pattern", ["../{id}.png", "/etc/{id}", "a/../../{id}", "~/{id}", "C:/{id}"])
def test_a_pattern_may_not_leave_the_folder(data: Path, pattern: str) -> None:
    with pytest.raises(DataError, match=r"\[modalities.m\] pattern: .* leaves the folder"):
        read(data, TOP + f'[modalities]\nm = {{folder = "skin", pattern = "{pattern}"}}\n')


@pytest.mark.parametrize(
    ("link", "target", "pattern"),
    [("q0.png", "p0.png", "{id}.png"), ("sub", "", "*/{id}.png"), ("p0/1.dcm", "p0.png", "{id}")],
    ids=["a file", "a folder", "a slice in a folder of slices"],
)
def test_a_link_may_not_leave_the_folder(data: Path, link: str, target: str, pattern: str) -> None:
    (data / "secret").mkdir()
    picture(data / "secret/p0.png", np.zeros((4, 3)))
    (data / "skin/p0").mkdir()
    (data / "skin" / link).symlink_to(data / "secret" / target)
    with pytest.raises(DataError, match=rf"skin/{link}: is a link that leads out of .*skin"):
        read(data, TOP + f'[modalities]\nm = {{folder = "skin", pattern = "{pattern}", kind = "volume"}}\n')


def test_links_inside_the_folder_are_followed(data: Path) -> None:
    (data / "skin/store").mkdir()
    (data / "skin/p0.png").rename(data / "skin/store/x17")
    (data / "skin/p0.png").symlink_to("store/x17")  # as git-annex and DataLad keep files
    assert skin(data).notes == ()
    (data / "skin/store/x17").unlink()
    assert "p0.png: is a link to a file that is not there; fetch that file" in refusal(data)


SETTINGS = {
    ', kind = "table"': ["kind", "one file a row", "volume"],
    ', columns = "a"': ["columns", "belongs to a single file"],
    ', file = "t.csv"': ["file", "not both"],
    ", grid = [4]": ["grid", "2 sides for kind image", "[64, 64]"],
    ", grid = [4, 0]": ["grid", "2 sides"],
    ', kind = "connectivity", grid = [4]': ["grid", "cannot be resampled"],
    ', kind = "volume", colour = "rgb"': ["colour", "images"],
    ", clip = [99, 1]": ["clip", "two percentiles"],
    ", clip = [1]": ["clip", "two percentiles"],
    ', normalise = "z-score"': ["normalise", "'zscore'"],
    ', suffix = "T1w"': ["pattern", "either pattern", "suffix"],
    ", gird = [2, 2]": ["gird", "'grid'"],
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_that_do_not_fit(data: Path, settings: str) -> None:
    message = refusal(data, settings)
    assert message.startswith(f"{data / 'task.toml'}: [modalities.skin] ")
    assert [word for word in SETTINGS[settings] if word not in message] == []


@pytest.mark.parametrize("pattern", ["x.png", "**/{id}.png", "{id}//a.png", "{ID}.png", "{id}.png}"])
def test_patterns_that_are_none(data: Path, pattern: str) -> None:
    with pytest.raises(DataError, match=r"\[modalities.m\] pattern"):
        read(data, TOP + f'[modalities]\nm = {{folder = "skin", pattern = "{pattern}"}}\n')


def test_keys_of_a_folder_need_one(data: Path) -> None:
    with pytest.raises(DataError, match=r"\[modalities.m\] grid: is for a folder"):
        read(data, TOP + '[modalities]\nm = {columns = "age", grid = [2]}\n')


def test_files_need_ids(data: Path) -> None:
    assert 'add id = "COLUMN"' in refusal(data, top=TOP.replace('id = "pid"\n', ""))


def test_a_missing_package_is_told_with_its_cure(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "skin/p0.nii").write_bytes(b"x" * 400)
    (data / "skin/p0.dcm").write_bytes(b"x" * 400)
    for ending, package in (("png", "PIL"), ("nii", "nibabel"), ("dcm", "pydicom")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(DataError, match=r"pip install 'fusebench\[imaging\]'"):
            read(data, TOP + f'[modalities]\nm = {{folder = "skin", pattern = "{{id}}.{ending}"}}\n')
