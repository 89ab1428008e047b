"""Probabilities of kernel machines: three calibrations, in every method, for two classes and more."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.calibrate import CALIBRATIONS
from fusebench.methods.kernels import machine
from fusebench.methods.kernels.align import KernelAlign
from fusebench.methods.kernels.gmkl_product import KernelGmklProduct
from fusebench.methods.kernels.uniform import KernelUniform


def overlapping(k, n, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    arrays = {"a": rng.normal(size=(n, 2)) + 1.2 * y[:, None], "b": rng.normal(size=(n, 3))}
    return Samples.from_arrays(arrays), y


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("k", [2, 3])
def test_every_method_can_be_calibrated_in_every_way(kernel_method, k, calibration):
    samples, y = overlapping(k, 150, 0)
    new, truth = overlapping(k, 600, 1)
    method = kernel_method(calibration=calibration).fit(samples, y)
    assert isinstance(getattr(method, "calibration_", None) or calibration_of(method), CALIBRATIONS[calibration])
    proba = method.predict_proba(new)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert proba.min() > 0
    hit = proba.argmax(axis=1) == truth
    assert hit.mean() > (0.75 if k == 2 else 0.6)
    assert abs(proba.max(axis=1).mean() - hit.mean()) < 0.08
    assert -np.log(proba[np.arange(600), truth]).mean() < 0.85 * np.log(k)


def calibration_of(method):
    model = method.model_
    return getattr(model, "calibration_", None) or model.shared_.calibration_


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_mixes_of_each_class_and_low_rank_machines_are_calibrated_too(classwise_method, calibration, monkeypatch):
    samples, y = overlapping(3, 150, 0)
    new, truth = overlapping(3, 300, 1)
    for rows in (5000, 100):
        monkeypatch.setattr(machine, "FULL_ROWS", rows)
        method = classwise_method(classes="each", calibration=calibration).fit(samples, y)
        assert isinstance(calibration_of(method), CALIBRATIONS[calibration])
        assert (method.predict(new) == truth).mean() > 0.6


def test_a_calibration_that_does_not_exist_is_named(kernel_method):
    samples, y = overlapping(2, 30, 0)
    with pytest.raises(ValueError, match=r"calibration 'beta': use one of 'platt', 'isotonic', 'temperature'"):
        kernel_method(calibration="beta").fit(samples, y)


def noise(k, n, seed):
    """Nothing here has to do with the labels, and there are about as many columns as a method can get lost in."""
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(size=(n, d)) for name, d in (("a", 20), ("b", 10), ("c", 5))}
    return Samples.from_arrays(arrays), np.arange(n) % k


def loss_on_noise(make, k):
    """Excess of the log-loss over that of the class frequencies, a mean over draws."""
    found = []
    for seed in range(2):
        (samples, y), (new, truth) = noise(k, 120, 2 * seed), noise(k, 400, 2 * seed + 1)
        proba = make().fit(samples, y).predict_proba(new)
        found.append(-np.log(proba[np.arange(400), truth]).mean() - np.log(k))
    return np.mean(found)


@pytest.mark.parametrize("rows", [5000, 50])
def test_labels_that_are_noise_leave_the_class_frequencies(kernel_method, rows, monkeypatch):
    """Whatever is learnt from labels must not have seen those of the rows on which probabilities are calibrated."""
    monkeypatch.setattr(machine, "FULL_ROWS", rows)
    assert loss_on_noise(kernel_method, 2) < 0.02


def test_so_do_mixes_of_each_class_from_many_kernels(classwise_method):
    """Of which a calibration of three classes on 120 rows has a loss of its own."""
    found = loss_on_noise(lambda: classwise_method(classes="each", kernels="ladder"), 3)
    assert found < loss_on_noise(KernelUniform, 3) + 0.03


def test_so_do_scales_of_each_column():
    assert loss_on_noise(lambda: KernelGmklProduct(level="feature", penalty=0.01), 2) < 0.02


@pytest.mark.parametrize(("weight_rows", "taught"), [(500, [330, 220, 220, 220]), (30, [30])])
def test_inner_folds_learn_weights_anew_unless_few_rows_teach_them(monkeypatch, weight_rows, taught):
    seen = []
    original = KernelAlign._learnt

    def watched(self, stack, codes, each):
        seen.append(len(codes))
        return original(self, stack, codes, each)

    monkeypatch.setattr(KernelAlign, "_learnt", watched)
    samples, y = overlapping(2, 330, 0)
    method = KernelAlign(weight_rows=weight_rows).fit(samples, y)
    assert seen == taught
    assert len(method.notes_) == (weight_rows < 330)
    assert method.n_parameters_ == method.weights_.size + method.model_.n_parameters_
