"""A simulated cohort of interviews: EEG as signals, as band features or both, and speech; depressed or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..planted.options import check_between, check_choice, check_rows, check_whole
from ..samples import Modality, Samples
from ..task import Task
from .drawing import Floats, stream
from .severity import MOST_DISAGREEMENT, LatentSeverity, check_strengths, overlap_at

card = TaskCard(
    name="interview-cohort",
    title="Simulated: EEG and speech",
    description=(
        "Resting EEG of sixteen channels and eight features of speech over time. A latent severity shows as frontal "
        "alpha asymmetry in the EEG and as monotone, halting speech, each with a set correlation, and decides on "
        "depression, which is noted wrongly at a set rate."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="major depression",
    planted=True,
    caveats=(
        "Real EEG shows far less of depression: the size of the effect is an option, not a finding.",
        "The best score is for signals that are read without error, so that it is an upper bound.",
        "At the default settings the best accuracy lies between 0.784, which an observer of the arrays alone attains, "
        "and 0.791.",
    ),
)

TASK = "interview-cohort"
MODALITIES = ("eeg", "speech")
CHANNELS = (
    *("Fp1", "Fp2", "F7", "F8", "F3", "F4", "T3", "T4"),
    *("C3", "C4", "T5", "T6", "P3", "P4", "O1", "O2"),
)
"""Odd numbers are on the left; those whose names begin with F are frontal."""
BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
SPEECH = ("pitch", "energy", "jitter", "shimmer", "harmonicity", "formant", "tilt", "rate")
SAMPLING = 128.0


def load(
    n: int = 200,
    eeg: str = "both",
    length: int = 384,
    frames: int = 128,
    strengths: Sequence[float] = (0.7, 0.75),
    disagreement: float = 0.1,
    seed: int = 0,
) -> Task:
    """Severity z is N(0, 1); a subject is depressed where z plus noise is above its median.

    What each modality shows is normal with correlation r_m to z. In the EEG it raises frontal alpha on the left and
    lowers it on the right, by half the log ratio each (after the asymmetry of Henriques and Davidson 1991); in
    speech it flattens the pitch and lengthens the pauses. Alpha as a whole, its frequency, loudness, mean pitch and
    the voice's other features differ between subjects and tell nothing.

    Parameters
    ----------
    n: subjects (rows).
    eeg: "signal" (microvolts), "roi" (log power of five bands in each channel) or "both" of one recording.
    length: samples of the EEG, 128 a second.
    frames: of speech, ten a second.
    strengths: correlation r_m with severity of what EEG and speech show, from 0 to 0.99.
    disagreement: of the diagnosis noted with that of the severity itself, from 0 to 0.4.
    seed: all random numbers.

    Returns
    -------
    The task: ``eeg`` (n, 16, length) and ``bands`` (n, 16, 5), or one of the two; ``speech`` (n, 8, frames), all
    float32. In ``truth``: ``severity``, ``clean`` diagnosis and ``posterior``, P(depressed | all that is shown), (n,);
    ``shown`` (n, 2). ``bayes`` is an upper bound, the score of reading what both show without error: accuracy
    1/2 + asin(c) / pi. Short recordings cannot be read as exactly.

    Raises
    ------
    DataError: fewer than 20 rows, another form of EEG, numbers out of range.
    """
    check_rows(TASK, n, seed)
    check_choice(TASK, "eeg", eeg, ("both", "signal", "roi"))
    check_whole(TASK, "length", length, 128, 512)
    check_whole(TASK, "frames", frames, 32, 512)
    check_between(TASK, "disagreement", disagreement, 0, MOST_DISAGREEMENT)
    overlap = overlap_at(disagreement, 2)
    rule = LatentSeverity(TASK, check_strengths(TASK, strengths, MODALITIES), overlap)
    drawn = rule.draw(n, seed)
    recording = _recording(length, drawn.shown[:, 0], seed)
    modalities = []
    if eeg != "roi":
        modalities.append(Modality("eeg", "signal", recording.astype(np.float32)))
    if eeg != "signal":
        modalities.append(Modality("bands", "roi", band_power(recording).astype(np.float32)))
    modalities.append(Modality("speech", "signal", _voice(frames, drawn.shown[:, 1], seed).astype(np.float32)))
    classes = ("control", "depressed")
    return Task(Samples(modalities), drawn.label, classes, card, bayes=rule.scores(), truth=drawn.truth)


def band_power(recording: Floats) -> Floats:
    """Natural logarithm of the mean power in each of the five bands, (n, channels, 5), from (n, channels, length)."""
    power = np.abs(np.fft.rfft(recording * np.hanning(recording.shape[-1]), axis=-1)) ** 2
    hertz = np.fft.rfftfreq(recording.shape[-1], 1 / SAMPLING)
    within = [(hertz >= low) & (hertz < high) for low, high in BANDS.values()]
    return np.log(np.stack([power[..., band].mean(axis=-1) for band in within], axis=-1))


def _recording(length: int, shown: Floats, seed: int) -> Floats:
    """Microvolts, (n, 16, length): pink noise that neighbours share in part, and an alpha rhythm."""
    n = len(shown)
    rng = stream(TASK, seed, "eeg")
    hertz = np.fft.rfftfreq(length, 1 / SAMPLING)
    falling = 1 / np.sqrt(np.maximum(hertz, 1.0))
    falling[0] = 0.0

    def pink(channels: int) -> Floats:
        noise = np.fft.irfft(np.fft.rfft(rng.normal(size=(n, channels, length))) * falling, length)
        return noise / noise.std()

    background = 6 * (0.8 * pink(len(CHANNELS)) + 0.6 * pink(1))
    t = np.arange(length) / SAMPLING
    pace = rng.normal(10, 0.5, size=(n, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, size=(n, 1, 1)) + 0.3 * np.arange(len(CHANNELS))[:, None]
    waxing = 1 + 0.4 * np.sin(2 * np.pi * 0.4 * t + rng.uniform(0, 2 * np.pi, size=(n, 1, 1)))
    alpha = waxing * np.sin(2 * np.pi * pace * t + phase)
    frontal = np.array([name.startswith("F") for name in CHANNELS])
    left = np.array([int(name[-1]) % 2 == 1 for name in CHANNELS])
    back = np.linspace(9, 16, len(CHANNELS))[:, None]
    lean = 0.3 * shown[:, None, None] * (frontal * np.where(left, 1, -1))[:, None]
    loud = np.exp(rng.normal(0, 0.3, size=(n, 1, 1)))
    return background + loud * back * np.exp(lean) * alpha


def _voice(frames: int, shown: Floats, seed: int) -> Floats:
    """Features of speech over time, (n, 8, frames): pitch in Hz and energy in dB, the rest in standard units."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.special import ndtr

    n = len(shown)
    bad = ndtr(shown)[:, None]
    rng = stream(TASK, seed, "speech")
    melody, *others = gaussian_filter1d(rng.normal(size=(len(SPEECH), n, frames)), 2.0, axis=2, mode="wrap")
    melody = (melody - melody.mean(axis=1, keepdims=True)) / melody.std(axis=1, keepdims=True)
    turns = gaussian_filter1d(rng.normal(size=(n, frames)), 3.0, axis=1, mode="wrap")
    # The quietest part of the turns is a pause: a share that is right in every recording.
    rank = turns.argsort(axis=1).argsort(axis=1)
    talking = rank >= frames * (0.1 + 0.45 * bad)
    pitch = rng.uniform(100, 220, size=(n, 1)) * (1 + (0.25 - 0.2 * bad) * melody * 0.5)
    features = [np.where(talking, pitch, 0.0)]
    energy = rng.normal(60, 3, size=(n, 1)) + 8 * others[0]
    features.append(np.where(talking, energy, 25.0 + 4 * others[0]))
    features += [np.where(talking, rng.normal(size=(n, 1)) + 3 * other, 0.0) for other in others[1:]]
    return np.stack(features, axis=1) + np.array([1.0, 1.0, *[0.1] * 6])[:, None] * rng.normal(size=(n, 8, frames))
