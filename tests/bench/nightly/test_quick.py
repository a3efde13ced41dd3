"""Every benchmark once: what is wrong is a sentence."""

import subprocess
import sys


def test_a_missing_peer_is_a_sentence_and_exit_code_2():
    """In a process of its own, where the peer cannot be imported."""
    code = (
        "import sys, typer; sys.modules['torchdiffeq'] = None; from bench.nightly.quick import main; typer.run(main)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("torchdiffeq is not installed")
