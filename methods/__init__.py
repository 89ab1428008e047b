"""Who classifies: one file per method, each with its card."""

from fusebench.datasets.lazy import lazy_attributes

from .card import Claim, MethodCard
from .space import Choice, Real, SearchSpace, Whole

# scikit-learn and torch are imported when a method is used, not when methods are listed.
__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "FeatureBlocks": "features",
        "Method": "base",
        "method_registry": "registry",
    },
)

__all__ = [
    "Choice",
    "Claim",
    "FeatureBlocks",
    "Method",
    "MethodCard",
    "Real",
    "SearchSpace",
    "Whole",
    "method_registry",
]
