"""Files of figures: the same bytes from whoever saves them, and what goes wrong with a helper."""

import os
from concurrent.futures import Future

import pytest

from reports import saving, theme


def drawn():
    with theme.style():
        figure, axes = theme.panels(1, 2, height=2)
        axes[0, 0].plot([1, 2], [3, 5], label="line")
        figure.legend(loc="outside lower center")
    return figure


@pytest.fixture
def helped(monkeypatch):
    """One helper, which saves every figure but the first."""
    monkeypatch.setattr(saving.loky, "cpu_count", lambda: 2)
    monkeypatch.setattr(saving, "ALONE", 1)
    monkeypatch.setattr(Future, "cancel", lambda self: False)


def files(out):
    out.mkdir(exist_ok=True)
    with saving.edition(saving.Edition(saving.FORMATS, "small print", dpi=50)):
        paths = [path for name in ("one", "two", "three", "four") for path in saving.save(drawn(), out, name)]
    return {path.name: path.read_bytes() for path in paths}


def test_every_process_writes_the_same_bytes(tmp_path, helped, monkeypatch):
    by_a_helper = files(tmp_path / "helped")
    assert len(by_a_helper) == 12
    monkeypatch.setattr(saving.loky, "cpu_count", lambda: 1)
    assert files(tmp_path / "alone") == by_a_helper


def test_what_a_helper_cannot_write_is_an_error_of_the_whole(tmp_path, helped):
    (tmp_path / "three.png").mkdir()
    with pytest.raises(IsADirectoryError):
        files(tmp_path)
    assert (tmp_path / "two.svg").is_file()


def test_after_an_error_no_helper_writes_any_more(tmp_path, helped):
    edition = saving.edition(saving.Edition(("png",)))
    edition.__enter__()
    for name in ("one", "two", "three"):
        saving.save(drawn(), tmp_path, name)
    assert not edition.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert {path.stem for path in tmp_path.iterdir()} == {"one", "two", "three"}, "begun, and so awaited"


def test_a_helper_that_was_killed_loses_no_figure(tmp_path, helped, monkeypatch):
    write = saving._write_packed
    parent = os.getpid()
    monkeypatch.setattr(saving, "_write_packed", lambda *work: write(*work) if os.getpid() == parent else os._exit(1))
    assert len(files(tmp_path / "out")) == 12


def test_a_helper_that_dies_before_it_is_asked_loses_no_figure(tmp_path, helped, monkeypatch):
    def broken(*_, **__):
        raise saving.BrokenProcessPool

    monkeypatch.setattr(saving.loky, "get_reusable_executor", broken)
    assert len(files(tmp_path)) == 12
