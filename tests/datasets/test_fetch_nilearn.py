"""Cohorts that nilearn fetches: its real fetchers against a local server with small files of the published form."""

import http.server
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fusebench.datasets import DataError, load_task, task_registry
from fusebench.datasets.fetch.catalogue import COHORTS
from fusebench.datasets.fetch.cohort import cohort_folder, fetch, is_fetched

nibabel = pytest.importorskip("nibabel")
nilearn_datasets = pytest.importorskip("nilearn.datasets")

RNG = np.random.default_rng(0)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a local server shows, in the place of the publishers'."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        monkeypatch.setenv("FUSEBENCH_MIRROR", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()
        thread.join()


def bring(name: str):
    module = task_registry().get(name).load()
    return fetch(COHORTS[name], module.load, bring=module.bring)


def abide(folder: Path, regions: int = 200) -> dict[str, np.ndarray]:
    """Six subjects at two sites, of whom one has no scan and one failed a rater."""
    table = pd.DataFrame(
        {
            "SUB_ID": [50003, 50004, 50005, 50006, 50007, 50008],
            "SITE_ID": ["PITT", "PITT", "PITT", "NYU", "NYU", "NYU"],
            "FILE_ID": ["P_3", "P_4", "no_filename", "N_6", "N_7", "N_8"],
            "DX_GROUP": [1, 2, 1, 1, 2, 2],
            "AGE_AT_SCAN": [24.5, 19.1, 13.7, 8.0, 9.0, 10.0],
            "SEX": [1, 2, 1, 1, 1, 2],
            "qc_rater_1": ["OK", "OK", "fail", "OK", "OK", "fail"],
            "qc_anat_rater_2": ["OK", "maybe", "OK", "OK", "OK", "OK"],
            "qc_func_rater_2": ["OK", "OK", "OK", "maybe", "OK", "OK"],
            "qc_anat_rater_3": "OK",
            "qc_func_rater_3": "OK",
        }
    )
    home = folder / "abide" / "Outputs" / "cpac" / "nofilt_noglobal" / "rois_cc200"
    home.mkdir(parents=True)
    table.to_csv(folder / "abide" / "Phenotypic_V1_0b_preprocessed1.csv")
    signals = {}
    for i, name in enumerate(table.FILE_ID[table.FILE_ID != "no_filename"]):
        signals[name] = RNG.normal(size=(70 + i, regions))
        signals[name][:, 3] = 0.0  # a region outside the field of view
        header = "\t".join(f"#{j + 1}" for j in range(regions))
        np.savetxt(home / f"{name}_rois_cc200.1D", signals[name], header=header, comments="#", delimiter="\t")
    return signals


def test_abide(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals = abide(served)
    module = task_registry().get("abide").load()
    monkeypatch.setattr(module, "_SUBJECTS", {True: (2, 2), False: (2, 3)})
    task = bring("abide")
    assert is_fetched(COHORTS["abide"])
    assert task.samples.ids.tolist() == [50003, 50004, 50006, 50007]
    assert task.samples.sites.tolist() == ["PITT", "PITT", "NYU", "NYU"]
    assert task.y.tolist() == [1, 0, 1, 0]
    assert task.samples.modality("phenotype").values.tolist() == [[24.5, 0], [19.1, 1], [8.0, 0], [9.0, 0]]
    found = task.samples.modality("connectivity").values[1]
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(np.corrcoef(signals["P_4"].T))
    expected[3, 3] = 1.0
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(load_task("abide", quality_checked=False)) == 5


def test_abide_with_other_counts_or_regions_is_told(served: Path) -> None:
    abide(served)
    with pytest.raises(DataError, match=r"autism, controls: \(2, 2\), published \(403, 468\)"):
        bring("abide")


def test_abide_with_another_atlas_is_told_and_not_taken_for_fetched(served: Path) -> None:
    abide(served, regions=12)
    with pytest.raises(DataError, match=r"regions: \{\(12,\)\}, published \{\(200,\)\}"):
        bring("abide")
    assert not is_fetched(COHORTS["abide"])


def test_a_server_that_lacks_the_files_is_told(served: Path) -> None:
    with pytest.raises(DataError, match=r"'abide' could not be fetched through nilearn: .*404.*; files that are whole"):
        bring("abide")
    assert not is_fetched(COHORTS["abide"])


def test_a_page_in_the_place_of_the_table_is_told(served: Path) -> None:
    (served / "abide").mkdir()
    (served / "abide" / "Phenotypic_V1_0b_preprocessed1.csv").write_text("<html>Log in first</html>\n")
    with pytest.raises(DataError, match="'abide' could not be fetched through nilearn"):
        bring("abide")
    assert not is_fetched(COHORTS["abide"])


def oasis_ids() -> list[int]:
    """The subjects that nilearn asks for: its own list, from its own code."""
    from nilearn.datasets.struct import oasis_missing_subjects

    outliers = [27, 57, 66, 83, 122, 157, 222, 269, 282, 287, 309, 428]
    gone = {*oasis_missing_subjects(), *outliers}
    return [s for s in range(1, 457) if s not in gone]


def oasis(folder: Path, tmp_path: Path, odd: int | None = None) -> np.ndarray:
    """403 subjects with maps of 6 by 5 by 4 voxels, of whom 200 were rated."""
    home = folder / "oasis-vbm"
    home.mkdir()
    ids = oasis_ids()
    grey = RNG.random((len(ids), 6, 5, 4), dtype=np.float32)
    with tarfile.open(home / "archive_dartel.tgz", "w:gz", compresslevel=1) as archive:
        for i, s in enumerate(ids):
            for part, sign in (("mwrc1", 1), ("mwrc2", -1)):
                path = tmp_path / "map.nii.gz"
                values = grey[i] * sign if i != odd else np.zeros((6, 5, 5), np.float32)
                nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
                archive.add(path, f"OAS1_{s:04d}_MR1/{part}OAS1_{s:04d}_MR1_mpr_anon_fslswapdim_bet.nii.gz")
    rated = np.where(np.arange(len(ids)) < 200, np.arange(len(ids)) % 3 * 0.5, np.nan)
    pd.DataFrame(
        {
            "ID": [f"OAS1_{s:04d}_MR1" for s in ids], "M/F": ["F", "M"] * 201 + ["F"], "Hand": "R", "Age": 70.0,
            "Educ": 3.0, "SES": 2.0, "MMSE": 29.0, "CDR": rated, "eTIV": 1400, "nWBV": 0.7, "ASF": 1.2, "Delay": "N/A",
        }
    ).to_csv(home / "oasis_cross-sectional.csv", index=False)  # fmt: skip
    (home / "data_usage_agreement.txt").write_text("agree")
    return grey


def test_oasis(served: Path, tmp_path: Path) -> None:
    grey = oasis(served, tmp_path)
    task = bring("oasis-vbm")
    assert len(task) == 200
    assert {m.name: m.shape[1:] for m in task.samples.modalities} == {
        "grey": (1, 3, 2, 2),
        "white": (1, 3, 2, 2),
        "phenotype": (4,),
    }
    np.testing.assert_allclose(task.samples.modality("grey").values[7, 0, 1, 0, 1], grey[7, 2:4, :2, 2:].mean(), 1e-5)
    np.testing.assert_allclose(task.samples.modality("white").values[7], -task.samples.modality("grey").values[7])
    assert task.y[:4].tolist() == [0, 1, 1, 0]
    assert task.samples.modality("phenotype").values[:2].tolist() == [[70, 1, 3, 1400], [70, 0, 3, 1400]]


@pytest.mark.slow
def test_oasis_with_a_map_of_another_shape_is_told(served: Path, tmp_path: Path) -> None:
    oasis(served, tmp_path, odd=5)
    with pytest.raises(DataError, match=r"shape of the map: \(6, 5, 5\), published \(6, 5, 4\)"):
        bring("oasis-vbm")
    assert not is_fetched(COHORTS["oasis-vbm"])


def development(tmp_path: Path, volumes: int = 168) -> None:
    """Three people whose second region oscillates; maps of three regions."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    time = np.arange(volumes) * 2.0
    for i in range(3):
        values = RNG.normal(size=(6, 6, 6, volumes)).astype(np.float32)
        values[2:4] += 20 * np.sin(2 * np.pi * 0.05 * time + i)
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / f"{i}.nii.gz")
        motion = {"trans_x": RNG.normal(size=volumes), "csf": RNG.normal(size=volumes)}
        pd.DataFrame(motion).to_csv(tmp_path / f"{i}.tsv", sep="\t", index=False)
    maps = np.zeros((6, 6, 6, 3), np.float32)
    for region in range(3):
        maps[2 * region : 2 * region + 2, ..., region] = 1.0
    nibabel.save(nibabel.Nifti1Image(maps, affine), tmp_path / "maps.nii.gz")


def test_development_fmri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    development(tmp_path)
    table = pd.DataFrame(
        {
            "participant_id": ["sub-a", "sub-b", "sub-c"],
            "Child_Adult": ["child", "adult", "child"],
            "Gender": ["F", "M", "M"],
            "Handedness": ["R", "L", "n/a"],
        }
    )
    # nilearn has no address to change for this one, so that its fetcher itself is replaced
    data = SimpleNamespace(
        func=[str(tmp_path / f"{i}.nii.gz") for i in range(3)],
        confounds=[str(tmp_path / f"{i}.tsv") for i in range(3)],
        phenotypic=table,
    )
    monkeypatch.setattr(nilearn_datasets, "fetch_development_fmri", lambda **_: data)
    monkeypatch.setattr(
        nilearn_datasets, "fetch_atlas_msdl", lambda **_: SimpleNamespace(maps=str(tmp_path / "maps.nii.gz"))
    )
    module = task_registry().get("development-fmri").load()
    with pytest.raises(DataError, match=r"volumes and regions: \(168, 3\), published \(168, 39\)"):
        bring("development-fmri")
    assert not is_fetched(COHORTS["development-fmri"])
    monkeypatch.setattr(module, "_REGIONS", 3)
    monkeypatch.setattr(module, "_COUNTS", (2, 1))
    task = bring("development-fmri")
    assert task.y.tolist() == [0, 1, 0]
    signal = task.samples.modality("signal").values
    assert signal.shape == (3, 3, 168)
    wave = np.sin(2 * np.pi * 0.05 * 2.0 * np.arange(168))
    assert np.corrcoef(signal[0, 1], wave)[0, 1] > 0.95
    connectivity = task.samples.modality("connectivity").values
    np.testing.assert_allclose(connectivity[1], np.corrcoef(signal[1]), atol=1e-4)
    np.testing.assert_array_equal(task.samples.modality("phenotype").values, [[0, 1], [1, 0], [1, np.nan]])
    assert (cohort_folder("development-fmri") / "complete").is_file()
