"""A second integrator that is not ours: Taylor's method of heyoka, on Hamilton's equations that it derives from H.

H is the one that the system defines: its computation is recorded once, and done again with expressions of heyoka.
So nothing is defined twice, and nothing of `System.field` is used.
"""

from collections.abc import Callable, Iterable
from operator import add, mul, neg, sub, truediv

import heyoka as hy
import numpy as np
import torch
from torch.fx import GraphModule, Interpreter
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten
ELEMENTWISE = {
    aten.add.Tensor: add,
    aten.sub.Tensor: sub,
    aten.mul.Tensor: mul,
    aten.div.Tensor: truediv,
    aten.neg.default: neg,
    aten.pow.Tensor_Scalar: pow,
    aten.reciprocal.default: lambda x: 1.0 / x,
    aten.sqrt.default: hy.sqrt,
    aten.exp.default: hy.exp,
    aten.log.default: hy.log,
    aten.sin.default: hy.sin,
    aten.cos.default: hy.cos,
}
REDUCTIONS = {
    aten.sum.dim_IntList: lambda *terms: hy.sum([*terms]),
    aten.linalg_vector_norm.default: lambda *terms: hy.sqrt(hy.sum([term**2.0 for term in terms])),
}


class WithExpressions(Interpreter):
    """Runs a recorded computation with expressions in the place of its numbers.

    A tensor of expressions is one of whole numbers, which tell the place of each entry in one list: what only moves
    entries about, torch does as ever. The first in the list is 0, for `zeros_like`.
    """

    def __init__(self, recorded: GraphModule):
        super().__init__(recorded)
        self.expressions = [hy.expression(0.0)]

    def call_function(self, target, args, kwargs):
        if target in ELEMENTWISE:
            entries = torch.stack(torch.broadcast_tensors(*map(self.places, args)), dim=-1)
            return self.computed(ELEMENTWISE[target], entries)
        if target in REDUCTIONS:
            entries, *_, (dim,) = args
            return self.computed(REDUCTIONS[target], entries.movedim(dim, -1))
        return super().call_function(target, args, kwargs)

    def places(self, argument: torch.Tensor | float) -> torch.Tensor:
        """Where the entries of an argument stand; numbers are put there."""
        if isinstance(argument, torch.Tensor) and not argument.is_floating_point():
            return argument
        numbers = torch.as_tensor(argument, dtype=torch.float64)
        return self.stored(map(hy.expression, numbers.flatten().tolist())).view(numbers.shape)

    def computed(self, operation: Callable, entries: torch.Tensor) -> torch.Tensor:
        """Where that stands which comes of the expressions along the last dimension."""
        rows = entries.reshape(-1, entries.shape[-1]).tolist()
        return self.stored(operation(*(self.expressions[place] for place in row)) for row in rows).view(
            entries.shape[:-1]
        )

    def stored(self, expressions: Iterable) -> torch.Tensor:
        first = len(self.expressions)
        self.expressions += expressions
        return torch.arange(first, len(self.expressions))


def equations(system) -> list[tuple]:
    """(variable, its derivative in time) of every coordinate of the state."""
    variables = hy.make_vars(*(f"{letter}{number}" for letter in "qp" for number in range(system.dof)))
    within = torch.tensor(system.box, dtype=torch.float64).mean(-1)
    run = WithExpressions(make_fx(lambda y: system.hamiltonian(y))(within))
    energy = run.expressions[run.run(run.stored(variables))]
    slopes = [hy.diff(energy, variable) for variable in variables]
    return [*zip(variables, (*slopes[system.dof :], *(-slope for slope in slopes[: system.dof])), strict=True)]


def follow(system, starts, times):
    """States [times, starts, 2n] at the given times, from the starts [starts, 2n] at times[0]; to rounding."""
    method, times = hy.taylor_adaptive(equations(system), np.zeros(system.dim)), times.numpy()
    states = np.empty((len(times), *starts.shape))
    for number, start in enumerate(starts.numpy()):
        method.time, method.state[:] = times[0], start
        states[:, number] = method.propagate_grid(times)[-1]
    return torch.from_numpy(states)
