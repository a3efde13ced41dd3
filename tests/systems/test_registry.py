import importlib
import sys

import pytest

import models
import systems
from models import gradients
from systems import integrators
from systems.registry import DuplicateName, Registry, UnknownName

PACKAGE = "from systems.registry import Registry\nregistry = Registry(__name__, 'animal')\n"
PLUGIN = "from zoo import registry\n@registry.register\nclass Plugin: pass\n"


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A package with a registry and two plug-ins."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "zebra.py").write_text(PLUGIN)
    (folder / "antelope.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in ("zoo", "circus")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("registry", "noun", "misspelt", "meant"),
    [
        (systems, "system", "henon_heile", "henon_heiles"),
        (integrators, "integrator", "implicit-midpoint", "implicit_midpoint"),
        (models, "model", "fshn", "fshnn"),
        (gradients, "gradient mode", "discret", "discrete"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_all_valid_ones(registry, noun, misspelt, meant):
    with pytest.raises(UnknownName) as failure:
        registry.get(misspelt)
    message = str(failure.value)
    assert f"unknown {noun} '{misspelt}'" in message
    assert f"Did you mean '{meant}'?" in message
    assert all(name in message for name in registry.names())


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(UnknownName, match="Valid names: ") as failure:
        systems.get("xyzzy")
    assert "Did you mean" not in str(failure.value)


def test_a_file_in_the_folder_is_a_plug_in_of_its_name(zoo):
    registry = importlib.import_module("zoo").registry
    assert registry.names() == ["antelope", "zebra"]
    assert registry.get("zebra").__module__ == "zoo.zebra"


def test_two_plug_ins_of_one_name_are_an_error_that_names_both_files(zoo, tmp_path):
    circus = tmp_path / "circus"
    circus.mkdir()
    (circus / "__init__.py").touch()
    (circus / "zebra.py").write_text(PLUGIN)
    importlib.import_module("zoo").registry.names()
    with pytest.raises(DuplicateName) as failure:
        importlib.import_module("circus.zebra")
    assert str(zoo / "zebra.py") in str(failure.value)
    assert str(circus / "zebra.py") in str(failure.value)


def test_two_plug_ins_in_one_file_are_an_error():
    registry = Registry("systems", "system")
    registry.register(type("First", (), {"__module__": __name__}))
    with pytest.raises(DuplicateName, match=r"First in .* and Second in "):
        registry.register(type("Second", (), {"__module__": __name__}))
