"""What every integrator declares about itself is what it does."""

from math import log2

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch.autograd.functional import jacobian

import systems
from systems import integrators
from systems.base import apply_j
from systems.integrators import field_of_owner, unroll

OWNERS = {name: systems.get(name)() for name in ("tao_oscillator", "double_well")}


@pytest.fixture(params=integrators.names())
def integrator(request):
    return integrators.get(request.param)()


@pytest.fixture(params=OWNERS)
def owner(request):
    return OWNERS[request.param]


def final_error(integrator, owner, duration, h):
    y0 = [0.7, -1.1]
    exact = solve_ivp(
        lambda _, y: owner.field(torch.from_numpy(y)).numpy(), (0, duration), y0, "DOP853", rtol=3e-14, atol=1e-15
    ).y[:, -1]
    start = torch.tensor(y0, dtype=torch.float64)
    final = unroll(integrator, field_of_owner(owner), start, h, round(duration / h))[-1]
    return np.linalg.norm(final.numpy() - exact)


def test_error_falls_with_the_stated_order(integrator, owner):
    duration, h = {1: (0.25, 1 / 128), 2: (0.25, 1 / 128), 4: (0.25, 1 / 32)}.get(integrator.order, (1, 1 / 8))
    coarse, fine = (final_error(integrator, owner, duration, step) for step in (h, h / 2))
    assert coarse > 1e-12
    assert log2(coarse / fine) == pytest.approx(integrator.order, abs=0.3)


def test_symplectic_means_that_the_jacobian_preserves_j(integrator, owner):
    y = torch.tensor([0.7, -1.1], dtype=torch.float64)
    m = jacobian(lambda y: integrator.step(field_of_owner(owner), y, 0.1), y)
    j = apply_j(torch.eye(2, dtype=torch.float64)).T
    defect = float((m.T @ j @ m - j).norm())
    assert defect < 1e-12 if integrator.symplectic else defect > 1e-9


def test_symplectic_in_four_dimensions(integrator):
    y, henon_heiles = torch.tensor([0.2, -0.1, 0.3, 0.25], dtype=torch.float64), systems.get("henon_heiles")()
    m = jacobian(lambda y: integrator.step(field_of_owner(henon_heiles), y, 0.2), y)
    j = apply_j(torch.eye(4, dtype=torch.float64)).T
    defect = float((m.T @ j @ m - j).norm())
    assert defect < 1e-12 if integrator.symplectic else defect > 1e-9


def test_symmetric_means_that_a_step_back_undoes_a_step(integrator, owner):
    y, field = torch.tensor([0.7, -1.1], dtype=torch.float64), field_of_owner(owner)
    defect = float((integrator.step(field, integrator.step(field, y, 0.1), -0.1) - y).norm())
    assert defect < 1e-13 if integrator.symmetric else defect > 1e-9


def test_each_sample_of_a_batch_is_advanced_as_if_alone(integrator, owner):
    y = torch.randn(2, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    together = integrator.step(field_of_owner(owner), y, 0.05)
    alone = torch.stack([integrator.step(field_of_owner(owner), row, 0.05) for row in y.flatten(0, 1)])
    torch.testing.assert_close(together.flatten(0, 1), alone, rtol=0, atol=1e-13)


def test_dtype_is_kept_and_single_precision_agrees_with_double(integrator, owner):
    y = torch.tensor([0.7, -1.1], dtype=torch.float64)
    single, double = (integrator.step(field_of_owner(owner), state, 0.1) for state in (y.float(), y))
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-6)


def test_splitting_a_separable_field_gives_what_the_implicit_form_gives(integrator):
    double_well, y = OWNERS["double_well"], torch.tensor([0.7, -1.1], dtype=torch.float64)
    marked, plain = (integrator.step(f, y, 0.1) for f in (field_of_owner(double_well), double_well.field))
    torch.testing.assert_close(marked, plain, rtol=0, atol=1e-14)
