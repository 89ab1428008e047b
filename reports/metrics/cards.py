"""What every metric is called and which way it points, as plain data that imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "zero"]
Group = Literal["accuracy", "calibration"]


@dataclass(frozen=True)
class MetricCard:
    """One metric. A new metric is one record here and the pure function that it names.

    Parameters
    ----------
    key: name in frames, tables and on the command line.
    title: column head.
    direction: "higher" or "lower" is better; "zero" is best at zero from either side.
    group: under which head it stands.
    needs: what the function looks at: "labels" (the most probable class), or "probabilities".
    function: ``module:name`` in this room, called as ``name(y, proba) -> float``.
    resample: ``module:name`` of the same metric under case weights, ``name(y, proba, weights (B, n)) -> (B,)``; where
        it is empty the bootstrap calls ``function`` on every resample, which is right but slow.
    pooled: computed over all test rows of a repeat at once, because its bias depends on the number of rows.
    trivial: a constant guess can be perfect in it, so that guesses are never marked best.
    recalibrated: also reported after temperature scaling.
    paper: stands in the narrow tables too.
    description: one sentence for readers.
    """

    key: str
    title: str
    direction: Direction
    group: Group
    needs: Literal["labels", "probabilities"]
    function: str
    description: str
    resample: str = ""
    pooled: bool = False
    trivial: bool = False
    recalibrated: bool = False
    paper: bool = False


METRIC_CARDS: tuple[MetricCard, ...] = (
    MetricCard(
        key="balanced_accuracy",
        title="Balanced accuracy",
        direction="higher",
        group="accuracy",
        needs="labels",
        function="accuracy:balanced_accuracy",
        resample="accuracy:balanced_accuracy_resampled",
        paper=True,
        description="Mean over classes of the share of their rows that is recognised; guessing gives 1 / classes.",
    ),
    MetricCard(
        key="auroc",
        title="Macro AUROC",
        direction="higher",
        group="accuracy",
        needs="probabilities",
        function="accuracy:auroc",
        resample="accuracy:auroc_resampled",
        paper=True,
        description=(
            "Area under the ROC curve, one class against the rest, mean over the classes that the test rows hold "
            "both with and without; guessing gives 0.5."
        ),
    ),
    MetricCard(
        key="accuracy",
        title="Accuracy",
        direction="higher",
        group="accuracy",
        needs="labels",
        function="accuracy:accuracy",
        resample="accuracy:accuracy_resampled",
        paper=True,
        description="Share of rows whose most probable class is the true one.",
    ),
    MetricCard(
        key="macro_f1",
        title="Macro F1",
        direction="higher",
        group="accuracy",
        needs="labels",
        function="accuracy:macro_f1",
        resample="accuracy:macro_f1_resampled",
        description="Harmonic mean of precision and recall, mean over the classes that occur in truth or prediction.",
    ),
    MetricCard(
        key="log_loss",
        title="Log-loss",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="calibration:log_loss",
        resample="calibration:log_loss_resampled",
        recalibrated=True,
        paper=True,
        description="Mean negative log probability of the true class, in nats; probabilities are clipped at 1e-15.",
    ),
    MetricCard(
        key="brier",
        title="Brier",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="calibration:brier",
        resample="calibration:brier_resampled",
        pooled=True,
        recalibrated=True,
        description=(
            "Squared distance between the probabilities and the truth, summed over classes (0 to 2); equals "
            "miscalibration - discrimination + uncertainty."
        ),
    ),
    MetricCard(
        key="miscalibration",
        title="Miscalibration",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="calibration:miscalibration",
        resample="calibration:miscalibration_resampled",
        pooled=True,
        trivial=True,
        recalibrated=True,
        description=(
            "The part of the Brier score that the best monotone recalibration of each class would remove "
            "(CORP, Dimitriadis et al. 2021); biased upwards when there are few rows."
        ),
    ),
    MetricCard(
        key="discrimination",
        title="Discrimination",
        direction="higher",
        group="calibration",
        needs="probabilities",
        function="calibration:discrimination",
        resample="calibration:discrimination_resampled",
        pooled=True,
        description="The part of the uncertainty that the recalibrated probabilities explain (CORP).",
    ),
    MetricCard(
        key="ece",
        title="ECE",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="calibration:expected_calibration_error",
        resample="calibration:expected_calibration_error_resampled",
        pooled=True,
        trivial=True,
        recalibrated=True,
        paper=True,
        description=(
            "Mean gap between the confidence in the predicted class and how often it is right, in up to 15 bins of "
            "equal mass."
        ),
    ),
    MetricCard(
        key="smooth_ece",
        title="Smooth ECE",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="smooth_ece:smooth_ece",
        resample="smooth_ece:smooth_ece_resampled",
        pooled=True,
        trivial=True,
        recalibrated=True,
        paper=True,
        description=(
            "The same gap smoothed by a kernel whose width the data choose instead of bins (Blasiok and Nakkiran 2024)."
        ),
    ),
    MetricCard(
        key="classwise_ece",
        title="Class-wise ECE",
        direction="lower",
        group="calibration",
        needs="probabilities",
        function="calibration:classwise_ece",
        resample="calibration:classwise_ece_resampled",
        pooled=True,
        trivial=True,
        description="Gap between each class's probability and how often it is true, in bins, mean over classes.",
    ),
    MetricCard(
        key="sharpness",
        title="Sharpness",
        direction="higher",
        group="calibration",
        needs="probabilities",
        function="calibration:sharpness",
        resample="calibration:sharpness_resampled",
        description="Variance of the probabilities over rows, summed over classes; good only if they are calibrated.",
    ),
    MetricCard(
        key="confidence_gap",
        title="Confidence gap",
        direction="zero",
        group="calibration",
        needs="probabilities",
        function="calibration:confidence_gap",
        resample="calibration:confidence_gap_resampled",
        pooled=True,
        trivial=True,
        recalibrated=True,
        description="Mean confidence minus accuracy: above zero is over-confident, below zero under-confident.",
    ),
)


def metric_card(key: str) -> MetricCard:
    """The card of a metric.

    Raises
    ------
    KeyError: there is no such metric; the message lists those there are.
    """
    for card in METRIC_CARDS:
        if card.key == key:
            return card
    raise KeyError(f"no metric {key!r}; there are {', '.join(c.key for c in METRIC_CARDS)}")
