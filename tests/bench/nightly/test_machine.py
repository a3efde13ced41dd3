"""Names of machines: two sorts have two."""

import pytest

from bench.nightly.machine import processor

FACTS = {"cpu family": "6", "model": "167", "stepping": "8", "model name": "whatever"}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Intel(R) Xeon(R) Processor", "intel-xeon-6-167-8"),
        ("AMD EPYC-Rome Processor", "amd-epyc-rome-6-167-8"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-xeon-2.20ghz"),
        ("AMD EPYC 7763 64-Core Processor", "amd-epyc-7763-64-core"),
    ],
)
def test_a_model_whose_number_is_hidden_is_named_by_its_generation(model, name):
    assert processor(model, FACTS) == name


def test_where_linux_says_nothing_the_architecture_is_the_name():
    assert processor("arm64", {}) == "arm64"
