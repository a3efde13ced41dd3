from systems.base import Card, cube, register
from systems.spring_chain import SpringChain


@register
class SpringChain10(SpringChain):
    """Ten unit masses on nine unit springs, ends free."""

    dof = 10
    masses = (1.0,) * 10
    springs = (0.0, *(1.0,) * 9, 0.0)
    box = cube(0.5, 20)
    card = Card(
        formula="H = sum_{i=1..10} p_i^2/2 + sum_{i=1..9} (q_{i+1} - q_i)^2/2",
        facts=(
            "frequencies 2 sin(pi j/20), j = 0, ..., 9",
            "the total momentum is conserved, and the centre drifts",
        ),
        source="Khoo et al., arXiv 2309.01069, section 4",
    )
