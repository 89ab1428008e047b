"""Early fusion with a random forest on all features side by side."""

from __future__ import annotations

import numpy as np

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes, Floats, VectorMethod, block_shares


class ConcatForest(VectorMethod):
    """Random forest on the concatenated features.

    Parameters
    ----------
    trees: number of trees.
    leaf: fewest training rows in a leaf; above 1 the class frequencies in leaves are less extreme.
    share: share of the columns tried at each split, of the square root of their number when None.
    random_state: seed.
    """

    card = MethodCard(
        name="concat-forest",
        title="Concatenation + random forest",
        family="baseline",
        fusion="early",
        summary="All features side by side, then a random forest.",
        citation="Breiman 2001",
    )

    def __init__(self, trees: int = 100, leaf: int = 1, share: float | None = None, random_state: int = 0) -> None:
        self.trees = trees
        self.leaf = leaf
        self.share = share
        self.random_state = random_state

    def _learn(self, X: Floats, codes: Codes, groups: np.ndarray) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self.model_ = RandomForestClassifier(
            n_estimators=self.trees,
            min_samples_leaf=self.leaf,
            max_features="sqrt" if self.share is None else self.share,
            n_jobs=1,
            random_state=self.random_state,
        ).fit(X, codes)
        nodes = sum(tree.tree_.node_count for tree in self.model_.estimators_)
        leaves = sum(tree.tree_.n_leaves for tree in self.model_.estimators_)
        self.n_parameters_ = 2 * (nodes - leaves) + leaves * len(self.classes_)  # column and threshold; frequencies
        self.modality_weights_ = block_shares(self.model_.feature_importances_, self.blocks_.widths_)

    def _proba(self, X: Floats) -> Proba:
        return self.model_.predict_proba(X)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Leaf size and the share of columns tried."""
        return {"leaf": Whole(1, 20, log=True), "share": Real(0.02, 0.5, log=True)}
