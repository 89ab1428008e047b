"""Early fusion with gradient-boosted trees on all features side by side."""

from __future__ import annotations

import numpy as np

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes, Floats, VectorMethod, block_shares


class ConcatXGBoost(VectorMethod):
    """XGBoost on the concatenated features, one thread.

    Parameters
    ----------
    rounds: boosting rounds; with k > 2 classes each grows k trees.
    depth: depth of a tree.
    rate: learning rate.
    columns, rows: share of columns for each tree, and of rows for each round.
    ridge: L2 penalty on the leaves.
    random_state: seed.
    """

    card = MethodCard(
        name="concat-xgboost",
        title="Concatenation + XGBoost",
        family="boosting",
        fusion="early",
        summary="All features side by side, then gradient-boosted trees.",
        citation="Chen and Guestrin 2016",
        requires=("xgboost",),
        extra="boosting",
    )

    def __init__(
        self,
        rounds: int = 80,
        depth: int = 3,
        rate: float = 0.15,
        columns: float = 0.3,
        rows: float = 0.8,
        ridge: float = 1.0,
        random_state: int = 0,
    ) -> None:
        self.rounds = rounds
        self.depth = depth
        self.rate = rate
        self.columns = columns
        self.rows = rows
        self.ridge = ridge
        self.random_state = random_state

    def _learn(self, X: Floats, codes: Codes, groups: np.ndarray) -> None:
        from xgboost import XGBClassifier

        self.model_ = XGBClassifier(
            n_estimators=self.rounds,
            max_depth=self.depth,
            learning_rate=self.rate,
            colsample_bytree=self.columns,
            subsample=self.rows,
            reg_lambda=self.ridge,
            tree_method="hist",
            max_bin=64,
            n_jobs=1,
            random_state=self.random_state,
            verbosity=0,
        ).fit(X, codes)
        trees = self.model_.get_booster().trees_to_dataframe()
        leaves = int((trees["Feature"] == "Leaf").sum())
        self.n_parameters_ = 2 * (len(trees) - leaves) + leaves  # column and threshold of a split; value of a leaf
        self.modality_weights_ = block_shares(
            np.asarray(self.model_.feature_importances_, dtype=np.float64), self.blocks_.widths_
        )

    def _proba(self, X: Floats) -> Proba:
        proba = self.model_.predict_proba(X).astype(np.float64)
        return proba / proba.sum(axis=1, keepdims=True)  # single precision sums to 1 only to about 1e-7

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Depth, learning rate, columns a tree and leaf penalty."""
        return {
            "depth": Whole(2, 6),
            "rate": Real(0.03, 0.3, log=True),
            "columns": Real(0.1, 1.0, log=True),
            "ridge": Real(0.1, 30.0, log=True),
        }

    @classmethod
    def warm_up(cls) -> None:
        """Import the package."""
        import xgboost  # noqa: F401
