from collections.abc import Iterator

import pytest
import torch
from jaxtyping import config

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def without_type_checks() -> Iterator[None]:
    """For files of long computations, of which checks of shapes would be the most; other files run the same code."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
