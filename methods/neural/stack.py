"""Networks of one architecture side by side: one forward pass, one gradient and one step of AdamW for all of them.

Small networks on small data spend their time on starting operations, not on arithmetic. A stack starts each operation
once for all its networks, which share nothing else: each has its own rows, noise, learning rate, weight decay and
dropout. Modules that can read the rows of several networks one after another do so (see ``side_by_side``); all others
run under ``torch.func.vmap``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.adamw import adamw

from .losses import WEIGHT, Batch, Loss
from .noise import NOISE
from .side_by_side import is_narrow, runs_side_by_side

Terms = Mapping[str, Tensor]
"""Name of a loss term to its value in each network, shape (networks,)."""

# Of AdamW. Its usual 1e-8 lies below the rounding of a gradient: where one is all but zero, noise would become a step
# of full length, and the same network would not come out the same alone and in a stack.
_EPSILON = 1e-6

# Their state or their randomness is not the network's own alone: torch.func refuses them.
_UNSTACKABLE = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd, nn.RNNBase, nn.MultiheadAttention)


def architecture(network: nn.Module) -> Hashable | None:
    """Equal for networks that a stack may hold together: the same modules with the same settings; None for no stack.

    What stands in parameters and buffers may differ, and so may dropout's share, which stands in a buffer.
    """
    modules = list(network.named_modules())
    if any(isinstance(module, _UNSTACKABLE) for _, module in modules):
        return None
    return tuple((name, type(module), _settings(module)) for name, module in modules)


def _settings(module: nn.Module) -> Hashable:
    own = {key: value for key, value in vars(module).items() if key not in ("training", "stream") and key[0] != "_"}
    tensors = [*module._parameters.items(), *module._buffers.items()]
    forms = [(key, None if t is None else (tuple(t.shape), str(t.dtype), t.requires_grad)) for key, t in tensors]
    return (*((key, _fingerprint(value)) for key, value in sorted(own.items())), *forms)


def _fingerprint(value: Any) -> str:
    if isinstance(value, Tensor):
        return hashlib.sha256(value.detach().cpu().numpy().tobytes()).hexdigest() + str(tuple(value.shape))
    return repr(value)


@dataclass(frozen=True)
class Stride:
    """How far AdamW goes in networks ``start`` to ``stop``, which have taken ``taken`` steps before."""

    start: int
    stop: int
    rate: float
    decay: float
    taken: int


class Networks:
    """One network, or a stack of several, with the state of AdamW and the best weights so far.

    One network is called as it is and stepped in place; a stack holds copies, (networks, *shape), and writes the best
    ones back. All else is the same code.

    Parameters
    ----------
    stacked: False for one network.
    compiled, mixed: see ``Training``; on a GPU only.
    """

    def __init__(
        self, modules: Sequence[nn.Module], loss: Loss, *, stacked: bool, compiled: bool = False, mixed: bool = False
    ) -> None:
        self.loss, self.stacked, self._base = loss, stacked, modules[0]
        learnt = [(name, p) for name, p in self._base.named_parameters() if p.requires_grad]
        self._names = [name for name, _ in learnt]
        self._held = [*self._names, *_fixed(self._base)]
        self._slots = [_slot(self._base, name) for name in self._held]
        matrices = [i for i, (_, p) in enumerate(learnt) if p.ndim > 1]
        vectors = [i for i, (_, p) in enumerate(learnt) if p.ndim <= 1]
        # Gradients of most linear maps of a stack come column by column: weights that lie so need no copy of them.
        self._by_columns = {
            i for i, (name, p) in enumerate(learnt) if stacked and p.ndim == 2 and _by_columns(self._base, name, p)
        }
        # Which tensors AdamW steps together: matrices decay, vectors do not.
        self._kinds = [(kind, decays) for kind, decays in ((matrices, True), (vectors, False)) if kind]
        self.device = learnt[0][1].device
        gpu = self.device.type == "cuda"
        self._precision = torch.autocast(self.device.type, torch.bfloat16, enabled=mixed and gpu)
        self._compiled = compiled and gpu
        self._in_rows = stacked and runs_side_by_side(self._base, loss)
        call: Callable[..., Any] = self._functional if stacked else self._direct
        if stacked and not self._in_rows:
            call = torch.vmap(call)
        self._call = torch.compile(call) if self._compiled else call
        # What is the same from step to step, until the stack is arranged anew.
        self._prefixes: dict[int, list[Tensor]] = {}
        self._fixed_prefixes: dict[int, dict[str, Tensor]] = {}
        self._stepped: dict[bool, list[list[Tensor]]] = {}
        self._modules: list[nn.Module] = []
        self._weights: list[Tensor] = []
        self._means: list[Tensor] = []
        self._squares: list[Tensor] = []
        self._best: list[Tensor] = []
        self._fixed: dict[str, Tensor] = {}
        if stacked:
            self.arrange([], modules)
        else:
            self._modules, self._weights = list(modules), [p for _, p in learnt]
            self._means, self._squares, self._best = ([torch.zeros_like(p) for p in self._weights] for _ in range(3))
            self.keep([0])

    def __len__(self) -> int:
        return len(self._modules)

    def train(self, mode: bool) -> None:
        """Tell the modules whether what comes is training."""
        self._base.train(mode)

    def terms(self, batch: Batch, k: int) -> Terms:
        """Loss terms of the first k networks on a batch of as many rows of each, one network's after another's."""
        if self.stacked and not self._in_rows:
            batch = {name: t if name in (WEIGHT, NOISE) else t.unflatten(0, (k, -1)) for name, t in batch.items()}
        with self._precision:
            found = self._call(self._leaves(k), self._first_fixed(k), batch)
        return {name: value.reshape(-1) for name, value in found.items()}

    def step(self, terms: Terms, strides: Sequence[Stride], clip: Sequence[float]) -> None:
        """One step downhill of the networks of those terms, each gradient clipped to its norm."""
        k = len(clip)
        first, *rest = terms.values()
        total = sum(rest, start=first).sum()
        gradients = torch.autograd.grad(total, self._leaves(k), materialize_grads=True)
        gradients = [_laid_like(w, g) for w, g in zip(self._leaves(k), gradients, strict=True)]
        gradients = self._clipped(gradients, clip)
        with torch.no_grad():
            for stride in strides:
                for kind, decays in self._kinds:
                    self._stride(stride, [gradients[i] for i in kind], kind, decays)

    def keep(self, places: Sequence[int]) -> None:
        """Note the weights of the networks at those places as their best so far."""
        with torch.no_grad():
            for best, weight in zip(self._best, self._weights, strict=True):
                if len(places) == len(self):
                    best.copy_(weight)
                elif places:
                    rows = torch.tensor(places, device=self.device)
                    best[rows] = weight[rows]

    def write_back(self, place: int) -> None:
        """Give the network at that place its best weights, in evaluation mode."""
        module = self._modules[place]
        own = dict(module.named_parameters())
        with torch.no_grad():
            for name, best in zip(self._names, self._best, strict=True):
                own[name].copy_(best[place] if self.stacked else best)
        module.eval()

    def arrange(self, staying: Sequence[int], coming: Sequence[nn.Module]) -> None:
        """Go on with the networks at some places, and new ones after them; the others leave the stack."""
        self._modules = [*(self._modules[place] for place in staying), *coming]
        self._prefixes, self._fixed_prefixes, self._stepped = {}, {}, {}
        new = [dict(module.named_parameters()) for module in coming]
        fresh = [[own[name].detach() for own in new] for name in self._names]
        zeros = [[torch.zeros_like(t) for t in tensors] for tensors in fresh]
        self._weights = [w.requires_grad_() for w in self._laid(_arranged(self._weights, staying, fresh))]
        self._best = self._laid(_arranged(self._best, staying, fresh))
        self._means = self._laid(_arranged(self._means, staying, zeros))
        self._squares = self._laid(_arranged(self._squares, staying, zeros))
        fixed = [_fixed(module) for module in coming]
        names = list(_fixed(self._base))
        found = _arranged(list(self._fixed.values()), staying, [[own[name] for own in fixed] for name in names])
        self._fixed = dict(zip(names, found, strict=True))

    def _laid(self, tensors: list[Tensor]) -> list[Tensor]:
        """Stacked tensors, those of linear maps column by column."""
        return [t.mT.contiguous().mT if i in self._by_columns else t for i, t in enumerate(tensors)]

    def _direct(self, weights: Sequence[Tensor], fixed: Mapping[str, Tensor], batch: Batch) -> Mapping[str, Tensor]:
        return self.loss(self._base(batch), batch)

    def _functional(self, weights: Sequence[Tensor], fixed: Mapping[str, Tensor], batch: Batch) -> Mapping[str, Tensor]:
        tensors = [*weights, *fixed.values()]
        if self._compiled:  # the compiler knows this form, and takes the time out of it
            return self.loss(functional_call(self._base, dict(zip(self._held, tensors, strict=True)), (batch,)), batch)
        with _lent(self._slots, tensors):
            return self.loss(self._base(batch), batch)

    def _leaves(self, k: int) -> list[Tensor]:
        """The weights of the first k networks, as what gradients are taken by."""
        if k == len(self):
            return self._weights
        if k not in self._prefixes:
            self._prefixes[k] = [w[:k].detach().requires_grad_() for w in self._weights]
        return self._prefixes[k]

    def _first_fixed(self, k: int) -> dict[str, Tensor]:
        """What the first k networks hold and do not learn."""
        if k not in self._fixed_prefixes:
            self._fixed_prefixes[k] = {name: t[:k] for name, t in self._fixed.items()}
        return self._fixed_prefixes[k]

    def _clipped(self, gradients: list[Tensor], clip: Sequence[float]) -> list[Tensor]:
        parts = torch.stack([_norms(g) if self.stacked else torch.linalg.vector_norm(g)[None] for g in gradients])
        most = torch.tensor(clip, dtype=parts.dtype, device=parts.device)
        factor = (most / (torch.linalg.vector_norm(parts, dim=0) + 1e-6)).clamp(max=1.0)
        # On a GPU the question would cost more than the product.
        if self.device.type == "cpu" and not bool((factor < 1.0).any()):
            return gradients
        return [g * (factor.view(-1, *[1] * (g.ndim - 1)) if self.stacked else factor[0]) for g in gradients]

    def _row_by_row(self, tensors: Sequence[Tensor], kind: Sequence[int]) -> list[Tensor]:
        """Views that lie row by row: AdamW would copy others."""
        return [t.mT if i in self._by_columns else t for i, t in zip(kind, tensors, strict=True)]

    def _stride(self, stride: Stride, gradients: list[Tensor], kind: Sequence[int], decays: bool) -> None:
        """Step the tensors of one kind in some networks.

        By torch's functional form: a step of ``torch.optim.AdamW`` takes twice as long for a small network.
        """
        if decays not in self._stepped:
            states = self._weights, self._means, self._squares
            self._stepped[decays] = [self._row_by_row([state[i] for i in kind], kind) for state in states]
        lists = [self._row_by_row(gradients, kind), *self._stepped[decays]]
        if self.stacked and stride.stop - stride.start < len(self):
            lists = [[t[stride.start : stride.stop] for t in tensors] for tensors in lists]
        gradients, weights, means, squares = lists
        adamw(
            weights,
            gradients,
            means,
            squares,
            [],
            list(torch.full((len(kind),), float(stride.taken), device=self.device).unbind()),
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=stride.rate,
            weight_decay=stride.decay if decays else 0.0,
            eps=_EPSILON,
            maximize=False,
        )


def _arranged(old: Sequence[Tensor], staying: Sequence[int], new: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Each of the stacked tensors with the rows that stay, then the new ones."""
    if not staying:
        return [torch.stack(list(tensors)) for tensors in new]
    kept = [t.detach()[torch.tensor(staying, device=t.device)] for t in old]
    if not new or not new[0]:
        return kept
    return [torch.cat([t, torch.stack(list(tensors))]) for t, tensors in zip(kept, new, strict=True)]


def _by_columns(network: nn.Module, name: str, weight: Tensor) -> bool:
    return isinstance(network.get_submodule(name.rpartition(".")[0]), nn.Linear) and not is_narrow(weight)


def _laid_like(weight: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in the weight's order of memory, in which AdamW reads both."""
    return gradient if gradient.stride() == weight.stride() else torch.empty_like(weight).copy_(gradient)


def _norms(stacked: Tensor) -> Tensor:
    """Euclidean norm of each network's part of a stacked tensor, (networks,)."""
    return torch.linalg.vector_norm(stacked, dim=list(range(1, stacked.ndim))) if stacked.ndim > 1 else stacked.abs()


def _slot(network: nn.Module, name: str) -> tuple[dict[str, Any], str]:
    """Where a network keeps the parameter or buffer of that name."""
    owner, _, key = name.rpartition(".")
    module = network.get_submodule(owner)
    return (module._parameters if key in module._parameters else module._buffers), key


@contextmanager
def _lent(slots: Sequence[tuple[dict[str, Any], str]], tensors: Sequence[Tensor]) -> Iterator[None]:
    """Other tensors in a network's slots; what ``torch.func.functional_call`` does, in a tenth of the time."""
    own = [kept[key] for kept, key in slots]
    for (kept, key), tensor in zip(slots, tensors, strict=True):
        kept[key] = tensor
    try:
        yield
    finally:
        for (kept, key), tensor in zip(slots, own, strict=True):
            kept[key] = tensor


def _fixed(module: nn.Module) -> dict[str, Tensor]:
    """What a network holds and does not learn."""
    frozen = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}
    return {**frozen, **dict(module.named_buffers())}
