"""What one learned step does to areas and volumes: by its Jacobian M, exact to rounding."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.judges.errors import Columns
from models.base import Model
from systems.base import apply_j
from systems.integrators import NotSolved


def structure_columns(model: Model, y: Float[Tensor, "points dim"], h: float) -> Columns:
    """Defects of the step of h over some points; none if it cannot be solved at one of them."""
    try:
        jacobian = step_jacobian(model, y, h)
    except NotSolved:
        return {}
    defect = symplecticity_defect(jacobian)
    return {
        "symplecticity_defect": float(defect.median()),
        "symplecticity_defect_max": float(defect.max()),
        "volume_defect": float((torch.linalg.det(jacobian) - 1).abs().median()),
    }


def step_jacobian(model: Model, y: Float[Tensor, "points dim"], h: float) -> Float[Tensor, "points dim dim"]:
    """M = d advance(y) / dy, entry [i, j] the derivative of coordinate i by coordinate j."""
    with torch.enable_grad():
        point = y.detach().requires_grad_()
        entries = (model.advance(point, h) + 0 * point).unbind(-1)  # 0 * y: a step need not depend on y
        rows = [torch.autograd.grad(entry.sum(), point, retain_graph=True)[0] for entry in entries]
    return torch.stack(rows, dim=-2)


def symplecticity_defect(jacobian: Float[Tensor, "points dim dim"]) -> Float[Tensor, " points"]:
    """||M^T J M - J||, Frobenius."""
    j = apply_j(torch.eye(jacobian.shape[-1], dtype=jacobian.dtype, device=jacobian.device)).mT
    return (jacobian.mT @ j @ jacobian - j).flatten(-2).norm(dim=-1)
