"""Plugins that behave and misbehave, written to files as a user would."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

HEAD = """
import os, time, sys
import numpy as np
from fusebench.methods import Method, MethodCard, Real
"""

CLASS = """
class {title}(Method):
    card = MethodCard(name="{name}", family="other", fusion="early", handles_missing="both")

    def __init__(self, shift=1.0, random_state=0):
        self.shift = shift
        self.random_state = random_state

    @classmethod
    def search_space(cls):
        return {space}

    def fit(self, samples, y):
        self.classes_ = np.unique(y)
{fit}
        X = np.hstack([np.nan_to_num(m.values) for m in samples.modalities])
        self.means_ = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        self.noise_ = np.random.default_rng(self.random_state).normal(size=X.shape[1]) * 1e-3
        return self

    def predict_proba(self, samples):
        X = np.hstack([np.nan_to_num(m.values) for m in samples.modalities])
        logits = -((X[:, None] - self.means_ - self.noise_) ** 2).sum(axis=2) * self.shift
        proba = np.exp(logits - logits.max(axis=1, keepdims=True))
        proba /= proba.sum(axis=1, keepdims=True)
{predict}
        return proba
"""


def plugin(
    name: str, fit: str = "pass", predict: str = "pass", space: str = '{"shift": Real(0.1, 10.0, log=True)}'
) -> str:
    """Source of a nearest-mean method with extra lines in fit or predict_proba."""
    title = "".join(part.capitalize() for part in name.split("-"))
    body = CLASS.format(
        title=title, name=name, space=space, fit=indent(dedent(fit), " " * 8), predict=indent(dedent(predict), " " * 8)
    )
    return HEAD + body


TASK = """
import numpy as np
from fusebench.datasets import Modality, Samples, Task, TaskCard

card = TaskCard(name="{name}", title="Two small tables")

def load(n=60):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    a = rng.normal(size=(n, 3)) + y[:, None]
    b = rng.normal(size=(n, 2)) - y[:, None]
    return Task(Samples([Modality("a", "table", a), Modality("b", "table", b)]), y, ("no", "yes"), card)
"""


@pytest.fixture
def write(tmp_path: Path):
    """Write a file under the test's own folder."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write_file


@pytest.fixture
def small_task(write) -> str:
    """A task plugin under a name that no other test uses."""
    return str(write("small_task.py", TASK.format(name="small")))


@pytest.fixture
def make_plugin():
    """Source text of a plugin."""
    return plugin
