"""What is classified: samples, tasks, splits; embedded, planted and your own data.

Tasks lie in ``planted`` (known answers), ``cohorts`` (simulated patients) and ``open`` (published data, brought by
``fetch``); ``own`` reads yours, and ``files`` reads pictures, volumes and series for it.
"""

from .errors import DataError, UnknownNameError
from .lazy import lazy_attributes

# Nothing heavy is imported until it is used, so that listing tasks stays fast.
__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "CrossValidation": "splits",
        "LeaveOneSiteOut": "splits",
        "Modality": "samples",
        "OfficialSplit": "splits",
        "Samples": "samples",
        "Split": "splits",
        "Task": "task",
        "TaskCard": "card",
        "load_task": "registry",
        "task_registry": "registry",
    },
)

__all__ = [  # noqa: RUF022 - errors first, then the lazy names
    "DataError",
    "UnknownNameError",
    "CrossValidation",
    "LeaveOneSiteOut",
    "Modality",
    "OfficialSplit",
    "Samples",
    "Split",
    "Task",
    "TaskCard",
    "load_task",
    "task_registry",
]
