from models.gradients.adjoint_equation import AdjointEquation
from models.gradients.base import register


@register
class Continuous(AdjointEquation):
    """The adjoint equation lambda' = -A(y)^T lambda, solved backwards by the integrator of the rollout.

    At every observed time lambda jumps by the gradient of the loss there. dL/dtheta is the integral of
    f_theta^T lambda by the trapezoidal rule over the nodes, accumulated on the way back. This is the gradient
    of the differential equation: second order in h away from that of the discrete rollout
    (Choudhary et al., arXiv 2409.11138, eqs. 15-19, with the jumps that they leave out).
    """
