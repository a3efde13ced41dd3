from itertools import pairwise
from math import pi, sin

import pytest
import torch
from torch.autograd.functional import jacobian

import systems
from systems.spring_chain_3 import SpringChain3
from systems.spring_chain_10 import SpringChain10
from systems.spring_chain_20 import SpringChain20

CHAINS = [SpringChain3(), SpringChain10(), SpringChain20()]
each_chain = pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: type(chain).__name__)


def frequencies(chain):
    """From the linear field itself: the roots of the eigenvalues of -J H_qq."""
    a = jacobian(chain.field, torch.zeros(chain.dim, dtype=torch.float64))
    squares = torch.linalg.eigvals(-a[chain.dof :, : chain.dof] / torch.tensor(chain.masses).double()[None])
    return squares.real.clamp(min=0).sqrt().sort().values.tolist()


@pytest.mark.parametrize(
    ("chain", "expected"),
    [(SpringChain3(), [0, 1, 3**0.5]), (SpringChain10(), [2 * sin(pi * j / 20) for j in range(10)])],
)
def test_free_chains_have_the_stated_frequencies(chain, expected):
    assert frequencies(chain) == pytest.approx(expected, abs=1e-6)


def test_the_chain_between_walls_has_twenty_different_frequencies():
    found = frequencies(SpringChain20())
    assert found[0] == pytest.approx(0.33, abs=0.005)
    assert found[-1] == pytest.approx(6.45, abs=0.005)
    assert min(later - earlier for earlier, later in pairwise(found)) > 0.02


def test_the_drawn_masses_and_springs_have_the_spread_of_their_draw():
    chain = SpringChain20()
    for values in (chain.masses, [k / 5 for k in chain.springs]):
        drawn = torch.tensor(values)
        assert abs(float(drawn.mean()) - 1) < 3 * 0.25 / len(values) ** 0.5
        assert 0.12 < float(drawn.std()) < 0.4
        assert drawn.min() >= 0.2


@each_chain
def test_it_has_a_mass_and_two_neighbouring_springs_a_coordinate(chain):
    assert len(chain.masses) == len(chain.springs) - 1 == chain.dof


@each_chain
def test_h_is_that_of_masses_and_springs_one_by_one(chain):
    q, p = torch.randn(2, chain.dof, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    places = [0.0, *q.tolist(), 0.0]
    expected = sum(float(p_i) ** 2 / (2 * m) for p_i, m in zip(p, chain.masses, strict=True))
    expected += sum(k * (places[i + 1] - places[i]) ** 2 / 2 for i, k in enumerate(chain.springs))
    assert float(chain.hamiltonian(torch.cat((q, p)))) == pytest.approx(expected, rel=1e-14)


def test_free_chains_drift_as_their_momentum_says_and_bound_ones_have_no_such_invariant():
    chain, t = SpringChain3(), torch.tensor([0.0, 4.0], dtype=torch.float64)
    y = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    states = chain.exact(y, t)
    assert float(states[1, :3].mean() - y[:3].mean()) == pytest.approx(4.0 * float(y[3:].sum()) / 3, abs=1e-13)
    assert SpringChain20().invariants(torch.zeros(40)) == {}


def test_sizes_are_names_of_their_own_and_the_base_is_none():
    assert [name for name in systems.names() if "chain" in name] == [
        "spring_chain_10",
        "spring_chain_20",
        "spring_chain_3",
    ]
