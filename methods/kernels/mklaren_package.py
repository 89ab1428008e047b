"""Loading the package mklaren 1.2, whose source still speaks Python 2: repaired in memory as it is imported.

Nothing on disk is changed and none of its code is copied here. See https://github.com/mstrazar/mklaren (BSD-2-Clause).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import threading
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

_LOCK = threading.RLock()
_REPAIRS = (
    (re.compile(r"^(\s*)print (?=[\"'])(.*)$", re.MULTILINE), r"\1print(\2)"),
    (re.compile(r"^from align import", re.MULTILINE), "from .align import"),
)
# What Python 2 gave as lists. xrange must stay a type: the package asks isinstance(rows, xrange).
_BUILTINS = {
    "xrange": range,
    "range": lambda *args: list(range(*args)),
    "map": lambda *args: list(map(*args)),
    "zip": lambda *args: list(zip(*args)),  # noqa: B905 - the package relies on the shortest
}


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        # Not through the bytecode cache: it may hold the unrepaired module, and must not get the repaired one.
        source = importlib.util.decode_source(self.get_data(self.path))
        for pattern, repaired in _REPAIRS:
            source = pattern.sub(repaired, source)
        return compile(source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_BUILTINS)
        super().exec_module(module)


class _Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "mklaren":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.origin)
        return spec


def load(module: str) -> ModuleType:
    """A module of mklaren, such as ``mklaren.mkl.alignf``, repaired. Safe to call from several threads.

    Raises
    ------
    ImportError: the package is not installed; the message says how to install it.
    """
    with _LOCK:
        for name, loaded in list(sys.modules.items()):
            if name.partition(".")[0] == "mklaren" and not isinstance(getattr(loaded, "__loader__", None), _Loader):
                del sys.modules[name]  # somebody imported it as it is; what runs at all of it lacks the repairs
        sys.meta_path.insert(0, _Finder)
        try:
            with warnings.catch_warnings():  # string escapes of its docstrings, and Octave, which is not needed here
                warnings.simplefilter("ignore")
                return importlib.import_module(module)
        except ModuleNotFoundError as error:
            cure = 'pip install "fusebench[kernels]"'
            raise ImportError(f"{module} cannot be imported ({error}); install it with: {cure}") from error
        finally:
            sys.meta_path.remove(_Finder)
