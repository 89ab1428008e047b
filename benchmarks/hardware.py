"""What a result was measured on: processor, cores, memory, accelerator, versions."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from fusebench.datasets.errors import DataError

from .version import __version__

_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "optuna", "torch", "xgboost", "pgmpy", "mklaren", "matplotlib",
    "seaborn",
)  # fmt: skip


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def describe_hardware() -> str:
    """Processor, usable cores and memory in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return f"{model}, {cores()} cores, {pages / 2**30:.0f} GiB, {platform.system()}"


@cache
def versions() -> dict[str, str]:
    """Versions of Python, fusebench and the packages that numbers depend on, where installed."""
    found = {"python": platform.python_version(), "fusebench": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def resolve_device(asked: str) -> str:
    """``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``; DataError when a GPU is asked for and none can be used."""
    if asked == "cpu":
        return "cpu"
    try:
        import torch

        usable = torch.cuda.is_available()
    except ImportError:
        usable = False
    if asked == "cuda" and not usable:
        raise DataError(
            "--device cuda: PyTorch sees no usable GPU here; use --device cpu, or install a CUDA build of PyTorch"
        )
    return "cuda" if usable else "cpu"
