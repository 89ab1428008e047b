"""Checkpoints: the same predictions, and nothing in a file that could be executed."""

import json
import pickle
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fusebench.datasets.errors import DataError  # noqa: E402
from fusebench.datasets.samples import Modality, Samples  # noqa: E402
from fusebench.methods.neural.additive import NeuralAdditive  # noqa: E402
from fusebench.methods.neural.cross_attention import NeuralCrossAttention  # noqa: E402
from fusebench.methods.neural.hybrid import NeuralHybrid  # noqa: E402
from fusebench.methods.neural.late_mean import NeuralLateMean  # noqa: E402


def mixed(n=36, seed=0):
    """All sorts of modalities, with rows that lack one and cells that are missing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    table = rng.normal(size=(n, 3)) + y[:, None]
    table[rng.random(table.shape) < 0.1] = np.nan
    texts = np.array([" ".join(rng.permutation(["sun", "rain", "wind", "fog"])[: 1 + k]) for k in y])
    graph = rng.normal(size=(n, 5, 5))
    return Samples(
        [
            Modality("table", "table", table, present=np.arange(n) != 7),
            Modality("image", "image", rng.normal(size=(n, 1, 8, 8)) + y[:, None, None, None]),
            Modality("text", "text", texts),
            Modality("roi", "roi", rng.normal(size=(n, 5, 2))),
            Modality("links", "connectivity", graph + graph.transpose(0, 2, 1)),
        ]
    ), y * 2 + 1


@pytest.mark.parametrize("cls", [NeuralAdditive, NeuralCrossAttention, NeuralLateMean, NeuralHybrid])
def test_a_checkpoint_predicts_as_the_method_did(cls, tmp_path):
    samples, y = mixed()
    method = cls(hidden=8, max_epochs=2, encoders={"image": {"name": "cnn", "width": 4}}).fit(samples, y)
    method.save(tmp_path / "method.npz")
    again = cls.load(tmp_path / "method.npz")
    np.testing.assert_array_equal(again.predict_proba(samples), method.predict_proba(samples))
    assert again.get_params() == method.get_params()
    assert again.history_ == method.history_
    assert again.cost() == method.cost()
    assert again.classes_.tolist() == [1, 3, 5]


def test_a_loaded_method_can_be_fitted_again(tmp_path):
    samples, y = mixed()
    method = NeuralAdditive(hidden=8, max_epochs=2).fit(samples, y)
    method.save(tmp_path / "m.npz")
    again = NeuralAdditive.load(tmp_path / "m.npz").fit(samples, y)
    np.testing.assert_array_equal(again.predict_proba(samples), method.predict_proba(samples))


def test_nothing_is_pickled_or_unpickled(tmp_path, monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("a pickle")

    for name in ("dump", "dumps", "load", "loads", "Unpickler", "Pickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    samples, y = mixed()
    NeuralAdditive(hidden=8, max_epochs=1).fit(samples, y).save(tmp_path / "m.npz")
    NeuralAdditive.load(tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as file:
        assert all(name.endswith(".npy") for name in file.namelist())


def rewritten(path, change):
    """The checkpoint with its page of JSON changed."""
    with np.load(path) as file:
        arrays = dict(file)
    page = json.loads(arrays["page"].tobytes())
    change(page)
    arrays["page"] = np.frombuffer(json.dumps(page).encode(), np.uint8)
    np.savez(path, **arrays)


def test_what_is_no_checkpoint_of_the_method_is_refused_with_a_reason(tmp_path):
    samples, y = mixed()
    path = tmp_path / "m.npz"

    def save():
        NeuralAdditive(hidden=8, max_epochs=1).fit(samples, y).save(path)

    save()
    with pytest.raises(DataError, match="of 'neural-additive', not of 'neural-hybrid'"):
        NeuralHybrid.load(path)
    rewritten(path, lambda page: page.update(format=99))
    with pytest.raises(DataError, match="format 99"):
        NeuralAdditive.load(path)
    save()
    rewritten(path, lambda page: page["learnt"]["dict"].append(["inputs_", {"object": "Popen", "state": {"dict": []}}]))
    with pytest.raises(DataError, match="Popen"):
        NeuralAdditive.load(path)
    save()
    rewritten(path, lambda page: page["params"]["dict"].append(["hidden", 9]))
    with pytest.raises(DataError, match="do not fit"):
        NeuralAdditive.load(path)
    with path.open("wb") as file:
        pickle.dump({"page": 1}, file)
    with pytest.raises(DataError, match="no checkpoint"):
        NeuralAdditive.load(path)
    np.savez(path, page=np.array([object()], dtype=object))
    with pytest.raises(DataError, match="no checkpoint"):
        NeuralAdditive.load(path)
