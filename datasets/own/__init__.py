"""Your own data as a task, from one TOML file that says which columns of which files form which modality.

The shortest description is one table and its columns::

    file = "patients.csv"
    label = "diagnosis"

    [modalities]
    blood = ["hb", "wbc", "crp"]
    ecg = "ecg_*"

Images and volumes lie in a folder, one file for each patient::

    id = "patient"

    [modalities]
    mri = { folder = "t1", pattern = "{id}_T1w.nii.gz", kind = "volume", grid = [64, 64, 64], normalise = "zscore" }

Everything else is optional.

At the top
    ``name`` (else the TOML's own name), ``file``, ``id``, ``group`` (the subject, when it has several rows), ``site``,
    ``label``, ``subgroups`` (columns to score groups of rows by, as features or not: ["sex", { column = "age", bands =
    [50, 65] }]), ``drop`` (columns that no pattern reaches), ``categorical`` (columns that hold categories),
    ``allow_absent`` (a modality may lack rows), ``ignore_extra`` (ids that only a modality has are left out). ``bids``,
    a folder, instead of ``file``: its ``participants.tsv`` is the table, ``participant_id`` the id.
How files are read: at the top for all, or beside any ``file``
    ``format`` (csv, tsv, parquet, npz; else by the file's ending), ``delimiter``, ``encoding`` (UTF-8 with or without a
    byte-order mark), ``header`` (true; false: there is none; "skip": do not use it), ``names`` (of the columns),
    ``missing`` (markers besides the empty cell; NA, N/A, NaN, nan, null when not given), ``decimal`` ("." or ",").
    Without names or a header, columns are called x1, x2, ...
Columns
    a name, a position (1 is the first, -1 the last), a glob ("F*R"), a range ("a:f", "x1:x43:2": every second), or
    "others": all that nothing else uses. Globs, ranges and "others" never reach the label, id, group, site or split.
``[label]``
    ``column``; ``file`` and ``id`` when labels have a file of their own; ``map`` from values to class names, "*" for
    all other values; ``drop``: values whose rows are left out. ``label = "diagnosis"`` when the column is all.
``[modalities.NAME]``
    ``columns``; ``kind`` (table); ``file`` when it has its own, then also ``id`` (false: same rows in the same order)
    and ``label`` (false: that file has none); ``drop``; ``categorical``; ``allow_absent``: rows may lack the modality,
    and a row without any value in it counts as such. For arrays: ``array``, a name in an NPZ or
    {train = ..., test = ...}; ``features``, the column names or the array that holds them. For kinds other than table:
    ``shape`` of one row, ``channels`` ("first" or "last"). Text is one column of kind "text".
``[modalities.NAME]`` with one file a row
    ``folder``, and ``pattern`` in it: "{id}_T1w.nii.gz" or "{site}/{id}/anat/*_T1w.nii.gz". ``{id}`` is the row's id,
    as much of the name as fits; a pattern may hold other placeholders, which are columns where there is no table:
    "{split}/{label}/{id}.png". In a BIDS folder ``suffix = "T1w"`` is enough. A row without a file lacks the modality;
    a file without a row is not used; ``fusebench validate`` tells both.
    ``kind``: image (when not given; PNG, JPEG, TIFF, DICOM, NIfTI, NPY), volume (NIfTI, DICOM, TIFF, NPY; a pattern
    that names folders, such as "{id}", finds one DICOM series in each), signal (TSV or CSV, a line for every time
    point; NPY), roi (regions by features) or connectivity (regions by regions; both TSV, CSV or NPY).
    Done to each file by itself, in this order: ``colour`` ("grey" or "rgb"; else as the files have it, without
    transparency); ``grid``, the sides to resample to: [64, 64, 64], needed when files differ in size; for volumes
    (NIfTI, DICOM series) ``spacing_mm`` with it: 2.0, or [1, 1, 2.5] to the right, to the front and up, the size of the
    grid's voxels. The grid then lies around the middle of the file's field of view, and cuts off or adds at its
    borders; without it the field is stretched over the grid. ``clip``, two percentiles; ``normalise`` ("zscore",
    "minmax" or "none"; a signal channel by channel). What learns from other rows, such as the scale of a pixel, methods
    learn from training rows.
    The outcome is kept as one memory-mapped array in the user's cache folder, and made again when a file (its size
    or time) or a setting changes; ``FUSEBENCH_CACHE`` names another folder.
``[split]``
    ``folds`` and ``repeats``; or ``column`` with ``test`` (``train``, ``unused``) values; or ``test_ids`` and/or
    ``train_ids``, text files with one id a line; or ``test_rows`` and/or ``train_rows`` as in "1-80, 90-", where 1 is
    the first data row; or ``leave_one_site_out = true``. Arrays with train and test parts are an official split by
    themselves; a modality without a test part is absent in every test row.
``[card]``
    ``title``, ``description``, ``origin``, ``licence``, ``citation``, ``url``, ``disease``, ``caveats``, and
    ``[[card.published]]`` with ``what``, ``metric``, ``value``, ``source``.

Without ids, all files must have the same rows in the same order. When no ``file`` is named at the top and labels have
no file of their own, every modality's file that has the label column must agree on it.
"""

from __future__ import annotations

from pathlib import Path

from ..task import Task
from .build import build_task
from .spec import read_spec


def read_task(path: str | Path, data: str | Path | None = None) -> Task:
    """The task that a TOML describes.

    Parameters
    ----------
    path: the TOML; this module's docstring says what may stand in it.
    data: the folder for relative file names; the TOML's own when omitted.

    Raises
    ------
    DataError: anything that is wrong with the description or the data, before anything is fitted; the message names the
        file, the line, row, column or key, and the cure.
    """
    path = Path(path)
    return build_task(read_spec(path, path.parent if data is None else Path(data)))
