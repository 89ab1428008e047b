"""Results that several fits of one job have in common are computed once: a bounded memory with a scope."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

MOST_BYTES = 1 << 30
"""A scope holds at most this much; what was used longest ago goes first."""

Value = TypeVar("Value", bound=tuple[np.ndarray, ...])


class _Shared:
    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.kept: OrderedDict[Any, tuple[np.ndarray, ...]] = OrderedDict()

    def recall(self, key: Any, make: Callable[[], Value]) -> Any:
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        value = make()
        size = sum(array.nbytes for array in value)
        for array in value:
            array.flags.writeable = False
        if size <= self.limit:
            self.kept[key] = value
            self.size += size
        while self.size > self.limit:
            _, gone = self.kept.popitem(last=False)
            self.size -= sum(array.nbytes for array in gone)
        return value


_scope: ContextVar[_Shared | None] = ContextVar("fusebench_sharing", default=None)


@contextmanager
def sharing(limit: int = MOST_BYTES) -> Iterator[None]:
    """Within this scope ``recall`` remembers. A scope inside another uses the outer one.

    The harness opens one around the tuning of a method; the timed fit runs outside it, so that its cost is its own.
    """
    if _scope.get() is not None:
        yield
        return
    token = _scope.set(_Shared(limit))
    try:
        yield
    finally:
        _scope.reset(token)


def recall(key: Callable[[], Any], make: Callable[[], Value]) -> Value:
    """The arrays that ``make`` gives, or gave before in this scope under an equal key; then they are read-only.

    ``key`` must name everything the arrays depend on: ``digest`` of the data, and the settings; never the identity of
    an object, which another may have after it. It is not asked for outside a scope.
    """
    scope = _scope.get()
    return make() if scope is None else scope.recall(key(), make)


def digest(*arrays: np.ndarray) -> bytes:
    """A key of the arrays' contents, types and shapes."""
    state = hashlib.blake2b(digest_size=16)
    for array in arrays:
        state.update(f"{array.dtype}{array.shape}".encode())
        state.update(np.ascontiguousarray(array).data)
    return state.digest()
