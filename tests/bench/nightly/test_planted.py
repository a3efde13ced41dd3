"""The faults that show the nightly gate at work: each can still be planted in the code as it is."""

import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci" / "planted_faults.py"
spec = spec_from_file_location("planted_faults", SCRIPT)
assert spec
assert spec.loader
script = module_from_spec(spec)
spec.loader.exec_module(script)


@pytest.mark.parametrize("name", script.FAULTS)
def test_a_fault_can_be_planted(tmp_path: Path, name: str):
    fault = script.FAULTS[name]
    path = tmp_path / fault.file
    path.parent.mkdir(parents=True)
    shutil.copy(script.ROOT / fault.file, path)
    sound = path.read_text()
    fault.plant(tmp_path)
    assert path.read_text() != sound
    compile(path.read_text(), str(path), "exec")
