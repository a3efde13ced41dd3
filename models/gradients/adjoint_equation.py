"""What the modes that solve an adjoint differential equation share."""

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import accumulate_parameter_gradient, blocks_backwards, trainable
from models.gradients.by_hand import ByHand, Problem
from systems.integrators.base import VectorField


class AdjointEquation(ByHand):
    """A costate solved backwards, with the trapezoidal rule over the nodes for dL/dtheta."""

    exact = False

    def adjoint_field(self, model: Model) -> VectorField:
        """The field of the pair (y, lambda): (f(y), -A(y)^T lambda), Hamiltonian with <lambda, f(y)>.

        Differentiable when gradients are enabled, which Newton's method needs.
        """

        def field(pair: Float[Tensor, "*batch pair"]) -> Float[Tensor, "*batch pair"]:
            create_graph = torch.is_grad_enabled()
            y, costate = pair.chunk(2, dim=-1)
            with torch.enable_grad():
                point = y if create_graph and y.requires_grad else y.detach().requires_grad_()
                slope = model.field(point)
                (pulled,) = torch.autograd.grad(slope, point, costate, create_graph=create_graph)
            return torch.cat((slope if create_graph else slope.detach(), -pulled), dim=-1)

        return field

    def jumps(self, state_gradients: Float[Tensor, "times batch dim"]) -> Float[Tensor, "times batch dim"]:
        """What the costate jumps by at each observed time."""
        return state_gradients

    def pull(
        self,
        problem: Problem,
        stored: Float[Tensor, "stored batch dim"],
        state_gradients: Float[Tensor, "times batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        model, h, every = problem.model, problem.h, problem.every
        totals = [torch.zeros_like(parameter) for parameter in trainable(model)]
        jumps = self.jumps(state_gradients)
        # The equation is linear in lambda: at scale 1 the solver's absolute tolerance means the same always.
        scale = jumps.abs().amax().clamp_min(torch.finfo(stored.dtype).tiny)
        costate, pair = jumps[-1] / scale, self.adjoint_field(model)
        # Half the trapezoid's weight at the last time: there is no interval after it.
        accumulate_parameter_gradient(totals, model, stored[-1], h / 2 * costate)
        for first, last in blocks_backwards(len(stored) - 1, stored.shape[1]):
            weights = torch.empty_like(stored[first:last])
            for step in range(last - 1, first - 1, -1):
                both = torch.cat((stored[step + 1], costate), dim=-1)
                before_jump = problem.integrator.step(pair, both, -h).chunk(2, dim=-1)[1]
                costate = before_jump + jumps[step // every] / scale if step % every == 0 else before_jump
                weights[step - first] = before_jump + costate if step else before_jump
            accumulate_parameter_gradient(totals, model, stored[first:last], h / 2 * weights)
        return scale * costate, [scale * total for total in totals]
