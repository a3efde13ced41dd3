import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel, register


@register
class Constant(HamiltonianModel):
    """H = 0: the constant predictor, once the offset is removed. A model that does not beat it learned nothing."""

    trainable = False

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(y[..., 0])

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        self.count(y)
        return torch.zeros_like(y)
