"""The harness: suites, jobs, isolation, tuning, cost, the results store and the command line."""

from fusebench.datasets.lazy import lazy_attributes

from .version import __version__

# The command line must show its first line within a second: nothing heavy is imported until it is used.
__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Outcome": "outcome",
        "ResultStore": "store",
        "Status": "outcome",
        "Suite": "suite",
        "TaskSpec": "suite",
        "MethodSpec": "suite",
        "load_suite": "suite",
        "read_records": "records",
        "run": "runner",
    },
)

__all__ = [
    "MethodSpec",
    "Outcome",
    "ResultStore",
    "Status",
    "Suite",
    "TaskSpec",
    "__version__",
    "load_suite",
    "read_records",
    "run",
]
