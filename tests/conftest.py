import pytest
import torch
from jaxtyping import config

torch.set_num_threads(1)


@pytest.fixture
def without_type_checks():
    """For long computations, whose time they more than double; the same code runs with them in other files."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
