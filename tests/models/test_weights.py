"""Weights in files: what does not fit is told, and nothing in a file is ever run."""

import pickle

import pytest
import torch

from models.fshnn import FSHNN
from models.weights import load_into, save
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles


def model(system=HarmonicOscillator, seed=0, **size):
    return FSHNN(system(), torch.Generator().manual_seed(seed), **size)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights"


def test_weights_are_loaded_in_the_type_of_the_model(path):
    saved, loaded = model(seed=1), model(seed=2).double()
    save(saved, path)
    load_into(loaded, path)
    assert loaded.net.readout.dtype == torch.float64
    torch.testing.assert_close(loaded.net.readout.float(), saved.net.readout, rtol=0, atol=0)


def test_another_dimension_is_told_with_both(path):
    save(model(), path)
    with pytest.raises(ValueError, match="2n = 2, the model of one with 2n = 4"):
        load_into(model(HenonHeiles), path)


def test_another_size_is_told_with_the_parameter_and_both_sizes(path):
    save(model(hidden=(16, 32, 16)), path)
    other = model(hidden=(16, 32, 8))
    before = other.net.readout.detach().clone()
    with pytest.raises(ValueError, match=r"'net\.biases\.2' has size \(16,\), in the model \(8,\)"):
        load_into(other, path)
    assert torch.equal(other.net.readout, before), "a refused file must leave the model alone"


def test_a_missing_parameter_is_told(path):
    save(model(hidden=(16, 32)), path)
    with pytest.raises(ValueError, match=r"'net\.biases\.2' has size none, in the model \(16,\)"):
        load_into(model(), path)


class Malicious:
    def __reduce__(self):
        return exec, ("import builtins; builtins.was_run = True",)


def pickled(thing, path):
    path.write_bytes(pickle.dumps(thing, protocol=2))


@pytest.mark.parametrize("write", [torch.save, pickled])
@pytest.mark.parametrize("wrap", [lambda thing: thing, lambda thing: {"dim": 2, "state": {"net.readout": thing}}])
def test_code_in_a_file_is_refused_and_not_run(path, write, wrap):
    import builtins

    write(wrap(Malicious()), path)
    with pytest.raises(ValueError, match="is not a saved model"):
        load_into(model(), path)
    assert not hasattr(builtins, "was_run")


@pytest.mark.parametrize("content", [{"state": {}}, [1, 2], {"dim": 2, "state": {}, "more": 1}])
def test_another_file_of_torch_is_refused(path, content):
    torch.save(content, path)
    with pytest.raises(ValueError, match="holds no dimension and state"):
        load_into(model(), path)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_any_other_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a saved model"):
        load_into(model(), path)
