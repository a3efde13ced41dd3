from systems.base import Card, cube, register
from systems.spring_chain import SpringChain


@register
class SpringChain20(SpringChain):
    """Twenty masses between two walls; masses and springs differ, drawn once as in the source and rounded."""

    dof = 20
    masses = (
        *(1.32, 0.79, 1.06, 0.46, 0.98, 1.35, 1.42, 0.71, 0.86, 0.93),
        *(0.32, 1.42, 1.17, 1.13, 1.26, 0.92, 1.06, 1.21, 1.19, 0.88),
    )
    springs = (
        *(3.42, 5.77, 5.50, 3.63, 6.42, 5.80, 5.54, 5.12, 5.70, 6.79, 4.60),
        *(6.87, 5.32, 5.54, 6.93, 5.29, 5.56, 4.32, 5.02, 5.20, 4.35),
    )
    box = cube(2.5, 40)
    card = Card(
        formula="H = sum_{i=1..20} p_i^2/(2 m_i) + sum_{i=0..20} k_i (q_{i+1} - q_i)^2/2, q_0 = q_21 = 0",
        facts=(
            "m_i drawn from max(1 + N(0, 1)/4, 0.2), k_i from 5 times that",
            "20 different frequencies from 0.33 to 6.45",
        ),
        source="Chen et al., arXiv 1909.13334, section 5 (who name neither the draw nor its seed)",
    )
