"""Fitted neural methods as files: one NPZ of plain arrays with a page of JSON, in which nothing can be executed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from fusebench.datasets.errors import DataError

from ..features import FeatureBlocks, _Encoder
from .arrays import ArrayScaler, GraphScaler
from .inputs import Inputs
from .shapes import Shape
from .training import History
from .words import Vocabulary

if TYPE_CHECKING:
    from .network import NeuralMethod

Fitted = TypeVar("Fitted", bound="NeuralMethod")

_FORMAT = 1
_PAGE = "page"
# What a checkpoint may hold besides plain values; nothing else is ever made from a file.
_KNOWN = {
    c.__name__: c for c in (FeatureBlocks, _Encoder, ArrayScaler, GraphScaler, Inputs, Shape, History, Vocabulary)
}
_PLAIN = (type(None), bool, int, float, str)


def save(method: NeuralMethod, path: str | Path) -> None:
    """Write a fitted method: its settings, all that it has learnt, its learning curves.

    Raises
    ------
    TypeError: a setting or a learnt attribute of a sort that a checkpoint does not hold.
    """
    arrays: dict[str, np.ndarray] = {}
    learnt = {k: v for k, v in vars(method).items() if k.endswith("_") and k[0] != "_" and k != "networks_"}
    weights = {
        member: {name: t.detach().cpu().numpy() for name, t in network.state_dict().items()}
        for member, network in method.networks_.items()
    }
    page = {
        "format": _FORMAT,
        "method": method.card.name,
        "params": _packed(method.get_params(deep=False), arrays),
        "learnt": _packed(learnt, arrays),
        "weights": _packed(weights, arrays),
    }
    arrays[_PAGE] = np.frombuffer(json.dumps(page).encode(), dtype=np.uint8)
    with Path(path).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(cls: type[Fitted], path: str | Path, device: str) -> Fitted:
    """The method that ``save`` wrote, ready to predict on that device.

    Raises
    ------
    DataError: no checkpoint of this method, or a damaged one.
    """
    arrays, page = _read(Path(path))
    if page["method"] != cls.card.name:
        raise DataError(f"{path}: a checkpoint of {page['method']!r}, not of {cls.card.name!r}")
    method = cls(**{**_unpacked(page["params"], arrays), "device": device})
    for name, value in _unpacked(page["learnt"], arrays).items():
        setattr(method, name, value)
    method.networks_ = {}
    seen = method._members(method.inputs_.names_)
    for member, weights in _unpacked(page["weights"], arrays).items():
        network = method._fresh(seen[member])
        try:
            network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
        except RuntimeError as error:
            raise DataError(f"{path}: weights that do not fit the network: {error}") from error
        method.networks_[member] = network.eval()
    return method


def _read(path: Path) -> tuple[Mapping[str, npt.NDArray[Any]], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        page = json.loads(arrays.pop(_PAGE).tobytes())
        version = page["format"]
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: no checkpoint, or a damaged one ({error})") from error
    if version != _FORMAT:
        raise DataError(f"{path}: format {version}, which this version of fusebench does not read")
    return arrays, page


def _packed(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value as JSON; arrays go beside it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_packed(item, arrays) for item in value]}
    if isinstance(value, Mapping):
        return {"dict": [[_packed(k, arrays), _packed(v, arrays)] for k, v in value.items()]}
    if type(value) in _KNOWN.values():
        return {"object": type(value).__name__, "state": _packed(vars(value), arrays)}
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def _unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What ``_packed`` was given."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "list" in value:
        return [_unpacked(item, arrays) for item in value["list"]]
    if "tuple" in value:
        return tuple(_unpacked(item, arrays) for item in value["tuple"])
    if "dict" in value:
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in value["dict"]}
    known = _KNOWN.get(value["object"])
    if known is None:
        raise DataError(f"a checkpoint never holds a {value['object']}")
    made = known.__new__(known)
    # Not setattr: a frozen dataclass would refuse.
    made.__dict__.update(_unpacked(value["state"], arrays))
    return made
