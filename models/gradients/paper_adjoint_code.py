import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import register
from models.gradients.paper_adjoint import PaperAdjoint
from systems.integrators.base import VectorField


@register
class PaperAdjointCode(PaperAdjoint):
    """Wrong by design, for forensic use: `paper_adjoint` with the missing transpose of its published code.

    The scripts of Choudhary et al., arXiv 2409.11138, for one degree of freedom solve lambda' = -A lambda where
    lambda' = -A^T lambda is meant, A = df/dy. It shows once the duration is O(1): then the direction is lost as well.
    Their other slips (coefficients frozen in a step and taken in forward order) are left out.
    """

    def adjoint_field(self, model: Model) -> VectorField:
        """(f(y), -A(y) lambda)."""

        def field(pair: Float[Tensor, "*batch pair"]) -> Float[Tensor, "*batch pair"]:
            y, costate = pair.chunk(2, dim=-1)
            pushed = torch.linalg.vecdot(model.jacobian(y), costate[..., None, :])
            return torch.cat((model.field(y), -pushed), dim=-1)

        return field
