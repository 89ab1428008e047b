"""Texts as word numbers, over a vocabulary that was learnt on training rows."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Modality

from .shapes import Shape

PADDING, UNKNOWN = 0, 1
"""Numbers that are no word: the place after a text's end, and a word that the vocabulary lacks."""

MOST_WORDS = 1000
LONGEST = 64

_WORD = re.compile(r"\w+")


class Vocabulary:
    """The commonest words of the training rows, at most ``MOST_WORDS``, and the length at which texts are cut.

    A word of a single training row is left out: it could only be learnt by heart, and rows that hold one teach what
    an unknown word means. Sizes are powers of two, so that the folds of a task mostly make networks of one shape.

    Attributes
    ----------
    numbers_: word to number. shape: (length,), and the size of the vocabulary.
    """

    def __init__(self, modality: Modality) -> None:
        texts = [_words(text) for text in modality.values[modality.present]]
        rows = Counter(word for words in texts for word in set(words))
        common = sorted((word for word in rows if rows[word] > 1), key=lambda word: (-rows[word], word))
        self.numbers_ = {word: number for number, word in enumerate(common[:MOST_WORDS], start=UNKNOWN + 1)}
        length = min(_power_of_two(max(map(len, texts), default=1)), LONGEST)
        self.shape = Shape("text", (length,), words=_power_of_two(len(self.numbers_) + 2))

    def __call__(self, modality: Modality) -> npt.NDArray[np.int64]:
        """Word numbers (n, length), ``PADDING`` after the end of a text and in rows that lack it."""
        numbers = np.full((len(modality), *self.shape.dims), PADDING, dtype=np.int64)
        values = modality.values
        for row in np.flatnonzero(modality.present):
            words = _words(values[row])[: numbers.shape[1]]
            numbers[row, : len(words)] = [self.numbers_.get(word, UNKNOWN) for word in words]
        return numbers


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _power_of_two(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()
