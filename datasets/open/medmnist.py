"""Reading a MedMNIST file: small standard images or volumes, one label each, with the official split."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..fetch.cohort import fetched
from ..fetch.verify import verify
from ..samples import Kind, Modality, Samples
from ..splits import OfficialSplit
from ..task import Task

_PARTS = ("train", "val", "test")
_SIZE = 28


class MedMNIST:
    """One set of the collection: the subclass says what its file must hold.

    ``counts`` are images in training, validation and test; ``channels`` are 1 or 3, and 0 for a volume.
    """

    card: ClassVar[TaskCard]
    counts: ClassVar[tuple[int, int, int]]
    channels: ClassVar[int]
    classes: ClassVar[tuple[str, ...]]

    @classmethod
    def load(cls) -> Task:
        """Images of shape (channels, 28, 28) or volumes (1, 28, 28, 28), uint8 from 0 to 255.

        The official validation images are training rows here, since the harness has inner folds of its own.

        Raises
        ------
        DataError: not fetched, or not the published file.
        """
        path = fetched(cls.card.name) / f"{cls.card.name}.npz"
        images, labels = _read(path)
        row = (_SIZE,) * 3 if not cls.channels else (_SIZE, _SIZE, 3)[: 2 + (cls.channels == 3)]
        verify(
            path,
            {
                "images in train, val, test": (tuple(len(part) for part in images), cls.counts),
                "labels in train, val, test": (tuple(len(part) for part in labels), cls.counts),
                "shape of an image": ({part.shape[1:] for part in images}, {row}),
                "kind of number": ({str(part.dtype) for part in images}, {"uint8"}),
                "labels": (
                    np.unique(np.concatenate([part.ravel() for part in labels])).tolist(),
                    list(range(len(cls.classes))),
                ),
            },
        )
        array = np.concatenate(images)
        array = np.moveaxis(array, -1, 1) if cls.channels == 3 else array[:, None]
        name: Kind = "image" if cls.channels else "volume"
        y = np.concatenate(labels).ravel().astype(np.int64)
        test = np.arange(len(y)) >= sum(cls.counts[:2])
        return Task(Samples([Modality(name, name, array)]), y, cls.classes, cls.card, OfficialSplit(test))


def _read(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return [file[f"{part}_images"] for part in _PARTS], [file[f"{part}_labels"] for part in _PARTS]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no MedMNIST file ({error}); remove it and fetch it again") from error
