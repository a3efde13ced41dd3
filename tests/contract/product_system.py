import torch

from systems import Card, System, cube


class Product(System):
    """H = (q^2 + 1)(p^2 + 1)/2: nonlinear and non-separable. Not registered."""

    dof = 1
    separable = False
    box = cube(2.0, 2)
    card = Card("H = (q^2 + 1)(p^2 + 1)/2", ("all level sets are closed",), "Tao, Phys. Rev. E 94, 043303")

    def hamiltonian(self, y):
        q, p = y.unbind(-1)
        return (q**2 + 1) * (p**2 + 1) / 2

    def field(self, y):
        q, p = y.unbind(-1)
        return torch.stack(((q**2 + 1) * p, -q * (p**2 + 1)), dim=-1)
