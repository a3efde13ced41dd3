from systems.base import Card, cube, register
from systems.spring_chain import SpringChain


@register
class SpringChain3(SpringChain):
    """Three unit masses on two unit springs, ends free."""

    dof = 3
    masses = (1.0,) * 3
    springs = (0.0, 1.0, 1.0, 0.0)
    box = cube(0.5, 6)
    card = Card(
        formula="H = sum_{i=1..3} p_i^2/2 + sum_{i=1,2} (q_{i+1} - q_i)^2/2",
        facts=("frequencies 0, 1 and sqrt(3)", "the total momentum is conserved, and the centre drifts"),
        source="Khoo et al., arXiv 2309.01069, section 4",
    )
