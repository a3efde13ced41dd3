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

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return torch.zeros_like(y)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        return y.new_zeros(*y.shape, y.shape[-1])
