"""Files of figures: the same bytes from whoever saves them, and an error of a helper's is not lost."""

import pytest

from reports import saving, theme


def drawn():
    with theme.style():
        figure, axes = theme.panels(1, 2, height=2)
        axes[0, 0].plot([1, 2], [3, 5], label="line")
        figure.legend(loc="outside lower center")
    return figure


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(saving.os, "sched_getaffinity", lambda pid: {0, 1})


def files(out, monkeypatch, alone):
    monkeypatch.setattr(saving, "ALONE", alone)
    out.mkdir()
    with saving.edition(saving.Edition(saving.FORMATS, "small print", dpi=50)):
        paths = [path for name in ("one", "two") for path in saving.save(drawn(), out, name)]
    return {path.name: path.read_bytes() for path in paths}


def test_helpers_write_the_same_bytes(tmp_path, monkeypatch, two_processors):
    own = files(tmp_path / "own", monkeypatch, alone=9)
    assert len(own) == 6
    submitted = []
    helper = saving.get_reusable_executor
    monkeypatch.setattr(saving, "get_reusable_executor", lambda count: submitted.append(count) or helper(count))
    assert files(tmp_path / "helped", monkeypatch, alone=1) == own
    assert submitted == [1]


def test_what_a_helper_cannot_write_is_an_error_of_the_whole(tmp_path, monkeypatch, two_processors):
    monkeypatch.setattr(saving, "ALONE", 0)
    with pytest.raises(FileNotFoundError), saving.edition(saving.Edition(("png",))):
        saving.save(drawn(), tmp_path / "nowhere", "one")
