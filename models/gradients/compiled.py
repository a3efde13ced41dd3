"""A function of tensors, compiled: once a shape, cached on disk for all workers, eager where that cannot be done."""

import logging
import time
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Shapes = tuple[Hashable, ...]

# Kernels are short: calling them from Python would cost a sixth of the time.
OPTIONS: dict[str, Any] = {"cpp_wrapper": True}


class Compiled(Generic[P, R]):
    """`function`, compiled by torch.compile for each set of shapes when they first come.

    `spent_s` is what that took in all. Where it fails (no C++ compiler, code that cannot be traced), a line in
    the log says why and the function runs as it is for these shapes. Inductor keeps what it compiles in
    TORCHINDUCTOR_CACHE_DIR, by default a folder that all workers of a user on a machine share.
    """

    def __init__(self, function: Callable[P, R]):
        self.function = function
        self.spent_s = 0.0
        self._could: dict[Shapes, bool] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
        """The function's value, and whether compiled code gave it."""
        shapes = shapes_of(args)
        if shapes not in self._could:
            return self._first_call(shapes, *args, **kwargs)
        return (self._compiled if self._could[shapes] else self.function)(*args, **kwargs), self._could[shapes]

    @cached_property
    def _compiled(self) -> Callable[P, R]:
        return torch.compile(self.function, fullgraph=True, dynamic=False, options=OPTIONS)

    def _first_call(self, shapes: Shapes, *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
        start = time.perf_counter()
        try:
            with torch._dynamo.config.patch(recompile_limit=1000, fail_on_recompile_limit_hit=True):
                result = self._compiled(*args, **kwargs)
        except Exception as error:  # of many kinds, none documented
            self._could[shapes] = False
            why = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            log.warning("%s is not compiled but runs as it is: %s", self.function.__name__, why)
            return self.function(*args, **kwargs), False
        self._could[shapes] = True
        self.spent_s += time.perf_counter() - start
        return result, True


def shapes_of(args: tuple) -> Shapes:
    """What is compiled in: shape, type and device of every tensor and parameter, and the value of all else."""
    return tuple(key for leaf in tree_leaves(args) for key in _compiled_in(leaf))


def _compiled_in(leaf: Any) -> Shapes:
    if isinstance(leaf, nn.Module):
        return (type(leaf), *shapes_of(tuple(leaf.parameters())))
    return (leaf.shape, leaf.dtype, leaf.device) if isinstance(leaf, Tensor) else (leaf,)
