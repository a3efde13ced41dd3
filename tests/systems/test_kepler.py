from math import pi

import pytest
import torch
from torch.autograd import grad

from systems.kepler import Kepler
from systems.trajectories import draw_starts

KEPLER = Kepler()
STARTS = draw_starts(KEPLER, KEPLER.box, 20_000, torch.Generator().manual_seed(0), accepted_only=False)


def times(*values):
    return torch.tensor(values, dtype=torch.float64)


def ellipse(y):
    """Half axis and eccentricity by the statements of the card."""
    energy, angular = KEPLER.hamiltonian(y), KEPLER.invariants(y)["angular momentum"]
    return -1 / (2 * energy), (1 + 2 * energy * angular**2).clamp(min=0).sqrt()


def test_the_box_is_bound_and_not_too_eccentric():
    axis, eccentricity = ellipse(STARTS)
    assert KEPLER.accepts(STARTS).all()
    assert KEPLER.hamiltonian(STARTS).max() < 0
    assert eccentricity.max() < 0.8
    assert (axis * (1 - eccentricity)).min() > 0.2


def test_unbound_and_falling_starts_are_rejected():
    assert not KEPLER.accepts(times(1, 0, 0, 1.5))
    assert not KEPLER.accepts(times(1, 0, 0.5, 0.1))


def test_the_eccentricity_is_the_length_of_its_vector():
    invariants = KEPLER.invariants(STARTS)
    length = torch.hypot(invariants["eccentricity along q1"], invariants["eccentricity along q2"])
    torch.testing.assert_close(length, ellipse(STARTS)[1], rtol=0, atol=1e-6)  # a root near 0 loses digits


def test_the_period_is_2_pi_a_to_the_3_halves():
    for start in STARTS[:8]:
        period = 2 * pi * float(ellipse(start)[0]) ** 1.5
        returned, later = KEPLER.exact(start, times(period, -3 * period))
        torch.testing.assert_close(returned, start, rtol=0, atol=1e-12)
        torch.testing.assert_close(later, start, rtol=0, atol=1e-11)
        assert (KEPLER.exact(start, times(period / 2))[0] - start).norm() > 0.1


def test_the_exact_solution_keeps_every_invariant_over_many_revolutions():
    """Kepler's equation is solved to rounding: errors grow with the phase alone."""
    states = KEPLER.exact(STARTS[:200], torch.linspace(-300, 300, 41, dtype=torch.float64))
    for name, value in {"H": KEPLER.hamiltonian(states), **KEPLER.invariants(states)}.items():
        torch.testing.assert_close(value, value[20].expand_as(value), rtol=0, atol=1e-12, msg=name)


@pytest.mark.parametrize("eccentricity", [0.0, 0.5, 0.99])
def test_kepler_s_equation_at_the_ends_of_the_axis(eccentricity):
    """From the pericentre of an ellipse with a = 1, after half a period, the planet is at the apocentre."""
    e = eccentricity
    speed = ((1 + e) / (1 - e)) ** 0.5
    far = KEPLER.exact(times(1 - e, 0, 0, speed), times(pi))[0]
    torch.testing.assert_close(far, times(-1 - e, 0, 0, -1 / speed), rtol=0, atol=1e-12)


def test_the_exact_solution_is_differentiable_in_its_start():
    """The flow keeps H: its derivative takes grad H at the end to grad H at the start."""
    start = STARTS[0].clone().requires_grad_()
    end = KEPLER.exact(start, times(2.0))[0]
    (at_end,) = grad(KEPLER.hamiltonian(end), end, retain_graph=True)
    (pulled,) = grad(end, start, at_end)
    (at_start,) = grad(KEPLER.hamiltonian(start), start)
    torch.testing.assert_close(pulled, at_start, rtol=0, atol=1e-12)
