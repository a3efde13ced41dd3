"""What a cell prints stands beside its row."""

import os
import sys
from pathlib import Path

from bench.log import KEPT_BYTES, keep, listening
from bench.store import StoreError, place_of


def row(**columns) -> dict:
    return {"cell_id": "abc", "attempt": 2, "status": "error", "worker": "host:1", **columns}


def test_what_is_printed_in_the_block_is_heard_and_what_comes_after_is_not(capfd):
    with listening() as said:
        print("from Python")
        print("a warning", file=sys.stderr)
        os.write(1, b"from C\n")
    print("later")
    os.write(2, b"later still\n")
    assert said == ["from Python\na warning\nfrom C\n"]
    assert capfd.readouterr() == ("later\n", "later still\n")


def test_only_the_end_of_much_is_kept(capfd):
    with listening() as said:
        print("x" * 2 * KEPT_BYTES)
        print("the end")
    assert len(said[0]) == KEPT_BYTES
    assert said[0].endswith("x\nthe end\n")


def test_an_error_in_the_block_gives_the_streams_back(capfd):
    heard: list[str] = []
    try:
        with listening() as heard:
            print("before")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        print("after")
    assert (heard, capfd.readouterr().out) == (["before\n"], "after\n")


def test_output_and_traceback_are_a_file_beside_the_row(tmp_path: Path):
    keep(place_of(tmp_path), row(traceback="Traceback ...\nValueError: x\n"), "epoch 1\n")
    (path,) = (tmp_path / "logs").iterdir()
    assert path.name == "abc.2.log"
    assert path.read_text() == "cell abc, attempt 2: error; host:1\nepoch 1\nTraceback ...\nValueError: x\n"


def test_a_cell_that_says_nothing_leaves_no_file(tmp_path: Path):
    keep(place_of(tmp_path), row(traceback=None), "")
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path):
    (tmp_path / "logs").touch()
    keep(place_of(tmp_path), row(), "epoch 1\n")
    assert (tmp_path / "logs").read_bytes() == b""


def test_a_store_that_takes_no_log_is_no_reason_to_stop_either(tmp_path: Path, monkeypatch):
    def refuse(name: str, content: bytes) -> None:
        raise StoreError(f"{name} cannot be written")

    place = place_of(tmp_path)
    monkeypatch.setattr(place, "replace", refuse)
    keep(place, row(), "epoch 1\n")
