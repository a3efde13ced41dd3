from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from models.weak import weak_form
from systems.trajectories import Window


@register
class WeakFormHNN(NetHamiltonian):
    """The net of fshnn, trained by the residual of Hamilton's equations in weak form: no integrator, no derivative.

    Loss: mean over test functions and batch of ||left yhat - right f(yhat)||^2 on the noisy observations yhat of a
    window (`models.weak`), of which the true f leaves the noise, 2n sigma^2. No gradient mode has a part in it.
    """

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        form = weak_form(window.steps // window.every, window.h * window.every).like(window.start)
        field = self.field(window.observed)
        residual = form.left @ window.observed.flatten(1) - form.right @ field.flatten(1)
        return self.dim * residual.square().mean()
