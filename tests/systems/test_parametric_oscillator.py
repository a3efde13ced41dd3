import torch
from torch.autograd.functional import jacobian

from systems.damped_oscillator import DampedOscillator
from systems.parametric_oscillator import ParametricOscillator
from systems.trajectories import draw_starts, integrate

PARAMETRIC = ParametricOscillator()
STARTS = draw_starts(PARAMETRIC, PARAMETRIC.box, 16, torch.Generator().manual_seed(0), accepted_only=False)


def test_the_mean_obeys_the_equation_of_the_slides_and_the_physical_momentum_is_its_velocity():
    """u'' = -k u + gamma u' for every state: the second derivative along the flow, D f f."""
    k, gamma = STARTS[:, 2], STARTS[:, 3]
    u = (STARTS[:, 0] + STARTS[:, 1]) / 2
    velocity = PARAMETRIC.field(STARTS)[:, :2].mean(-1)
    acceleration = torch.stack([jacobian(PARAMETRIC.field, y) @ PARAMETRIC.field(y) for y in STARTS])[:, :2].mean(-1)
    torch.testing.assert_close(acceleration, -k * u + gamma * velocity, rtol=0, atol=1e-14)
    torch.testing.assert_close(velocity, (STARTS[:, 4] - STARTS[:, 5]) / 2, rtol=0, atol=1e-15)


def test_the_inputs_are_constant_and_nothing_depends_on_their_momenta():
    assert not PARAMETRIC.field(STARTS)[:, 2:4].any()
    other = STARTS.clone()
    other[:, 6:] += 1.0
    assert torch.equal(PARAMETRIC.field(other), PARAMETRIC.field(STARTS))


def test_on_the_physical_plane_nothing_but_the_oscillator_moves():
    plane = STARTS.clone()
    plane[:, 1], plane[:, 5] = plane[:, 0], -plane[:, 4]
    assert not PARAMETRIC.hamiltonian(plane).any()
    moved = integrate(PARAMETRIC, plane, 0.1, 50)
    torch.testing.assert_close(moved[..., 0], moved[..., 1], rtol=0, atol=1e-13)
    torch.testing.assert_close(moved[..., 6:], plane[:, None, 6:].expand(-1, 51, -1), rtol=0, atol=1e-13)


def test_with_the_inputs_fixed_it_is_the_damped_oscillator():
    damped, inputs = DampedOscillator(), torch.tensor([1.0, -DampedOscillator.damping], dtype=torch.float64)
    doubled = STARTS[:, [0, 1, 4, 5]]
    y = torch.cat((doubled[:, :2], inputs.expand(16, 2), doubled[:, 2:], STARTS[:, 6:]), -1)
    torch.testing.assert_close(PARAMETRIC.hamiltonian(y), damped.hamiltonian(doubled), rtol=0, atol=1e-15)
    torch.testing.assert_close(PARAMETRIC.field(y)[:, [0, 1, 4, 5]], damped.field(doubled), rtol=0, atol=1e-15)


def test_the_box_oscillates_and_what_does_not_is_rejected():
    assert PARAMETRIC.accepts(STARTS).all()
    overdamped = STARTS.clone()
    overdamped[:, 2], overdamped[:, 3] = 0.2, -1.0
    assert not PARAMETRIC.accepts(overdamped).any()
