import torch
from jaxtyping import Float
from torch import Tensor

from models.gradients.adjoint_equation import AdjointEquation
from models.gradients.base import register


@register
class PaperAdjoint(AdjointEquation):
    """Wrong by design, for forensic use: the adjoint of Choudhary et al., arXiv 2409.11138, eqs. 15-19 as printed.

    Their terminal condition lambda(T) = dL/dy(T) (eq. 18) is all that they say of the loss: lambda does not jump at
    the other observed times, so what they ask of the parameters is lost. This leaves an error O(1), whatever h;
    from residuals that grow like t, as of an untrained net, the norm is N^2 / sum_i i^2, about 3/N, of what it
    should be, with the direction nearly right. `continuous` is the same with the jumps.
    """

    def jumps(self, state_gradients: Float[Tensor, "times batch dim"]) -> Float[Tensor, "times batch dim"]:
        """The gradient at the last time, and zero at all others."""
        terminal = torch.zeros_like(state_gradients)
        terminal[-1] = state_gradients[-1]
        return terminal
