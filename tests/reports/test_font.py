"""The cut font: the same pictures as the whole one, and files that hold their letters."""

import io
import re
import warnings

import matplotlib
import pytest
from matplotlib.figure import Figure

from reports import font, theme

OURS = "Energy drift of AVATo, efficient, 10⁻³ ± ε, ‖∇H‖ ≤ ∞ – “quoted”"
OTHERS = "гамильтониан"  # in the whole font alone


def drawn(text: str, kind: str, **settings) -> bytes:
    with theme.style(), matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("error")  # as of a letter that no font has
        figure = Figure(figsize=(4, 1))
        figure.text(0.02, 0.5, text)
        stream = io.BytesIO()
        figure.savefig(stream, format=kind, metadata={"CreationDate": None} if kind == "pdf" else None)
    return stream.getvalue()


@pytest.mark.parametrize("text", [OURS, OTHERS], ids=["letters of the cut", "letters of the whole"])
def test_pictures_are_those_of_the_whole_font(text):
    assert drawn(text, "png") == drawn(text, "png", **{"font.family": "DejaVu Sans"})
    assert drawn(text, "png") != drawn("", "png")


def embedded(pdf: bytes) -> int:
    """Bytes of the fonts in a PDF."""
    return sum(int(length) for length in re.findall(rb"/Length1 (\d+)", pdf))


def test_pdf_holds_the_letters_that_it_uses_and_no_more():
    few, many, other = (embedded(drawn(text, "pdf")) for text in ("H", OURS, OTHERS))
    assert 0 < few < many < 40_000
    assert other > 0


def test_a_cut_is_the_same_each_time_and_kept(tmp_path):
    paths = [tmp_path / name for name in ("one.ttf", "two.ttf")]
    for path in paths:
        font._cut(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_families_make_the_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(matplotlib, "get_cachedir", lambda: str(tmp_path))
    names = font.families.__wrapped__()
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    assert font.families.__wrapped__() == names
    assert path.stat().st_mtime_ns == before
