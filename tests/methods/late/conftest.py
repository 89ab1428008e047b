"""What the tests of ensembles share."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets.samples import Modality, Samples
from fusebench.methods import method_registry

SPY = '''
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from fusebench.methods import FeatureBlocks, Method, MethodCard


class Spy(Method):
    """The nearest row's class, very sure of itself; it notes whom it learnt from, and whom it was asked about."""

    card = MethodCard(name="spy", family="other", fusion="early", inferred="Made for tests.")
    asked = []
    warmed = []

    def fit(self, samples, y):
        self.seen_ = samples
        self.blocks_ = FeatureBlocks().fit(samples)
        self.model_ = KNeighborsClassifier(1).fit(self.blocks_.concatenated(samples), y)
        self.classes_ = self.model_.classes_
        return self

    @classmethod
    def warm_up(cls):
        cls.warmed.append(cls)

    def predict_proba(self, samples):
        self.asked.append((self.seen_, samples))
        return 0.02 / len(self.classes_) + 0.98 * self.model_.predict_proba(self.blocks_.concatenated(samples))
'''


@pytest.fixture
def spy(tmp_path):
    """A base learner called "spy" that remembers its training rows; its class, with the list ``asked``."""
    path = tmp_path / "spy.py"
    path.write_text(SPY)
    method_registry().add_file(path)
    return method_registry().get("spy").load()


@pytest.fixture(scope="session")
def make():
    """A method of the registry with settings."""
    return lambda name, **settings: method_registry().get(name).load()(**settings)


@pytest.fixture(scope="session")
def log_loss():
    """Mean log-loss in nats of probabilities (n, C)."""
    return lambda proba, y: float(-np.log(np.maximum(proba[np.arange(len(y)), y], 1e-12)).mean())


@pytest.fixture(scope="session")
def without():
    """The samples with modalities absent in some rows, ``m2=flags`` of shape (n,), or in all, ``m2=True``."""

    def make(samples, **absent):
        kept = [
            Modality(m.name, m.kind, m.values, m.present & ~np.broadcast_to(absent.get(m.name, False), len(m)))
            for m in samples.modalities
        ]
        return Samples(kept, ids=samples.ids, groups=samples.groups)

    return make
