"""Where networks train, and how their numbers stay the same from run to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fusebench.datasets.errors import DataError


def torch_device(device: str) -> torch.device:
    """The device of that name; DataError when it is unknown, or not there."""
    try:
        found = torch.device(device)
    except RuntimeError:
        found = torch.device("meta")
    if found.type not in ("cpu", "cuda"):
        raise DataError(f"device {device!r} is unknown; use 'cpu' or 'cuda'")
    if found.type == "cuda" and not torch.cuda.is_available():
        raise DataError(
            f"device {device!r}: this PyTorch ({torch.__version__}) sees no GPU; use 'cpu', or install a CUDA build"
        )
    return found


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's generators seeded inside, and as they were outside; on a GPU, only deterministic convolutions."""
    gpus = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        # Not torch.manual_seed: it would also reseed every GPU, which nobody would put back.
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield


@contextmanager
def deterministic(asked: bool) -> Iterator[None]:
    """Inside, if asked, torch refuses every operation that does not give the same bits each time."""
    if not asked:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    # Without it, matrix products on a GPU refuse; it must be set before the first of them in the process.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def keep_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one, instead of giving it back to the system.

    glibc gives back free memory beyond twice the largest block it has seen freed, of those below 32 MB: so it is shown
    one, which is never written to and takes no memory. Stacks else spend a third of their time on page faults.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)
