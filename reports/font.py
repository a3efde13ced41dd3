"""The font of figures: DejaVu Sans, which comes with matplotlib, cut to the letters and signs that figures use.

Every PDF holds a subset of its font, and to take one from the whole font costs half of what the file does.
"""

import os
import zlib
from functools import cache
from itertools import chain
from pathlib import Path

import matplotlib
from fontTools import subset
from matplotlib import font_manager

_WHOLE = "DejaVu Sans"
_CUT = f"{_WHOLE} of figures"
_BLOCKS = {  # of Unicode, as (first, last)
    "Latin letters": (0x20, 0x24F),
    "Greek letters": (0x370, 0x3FF),
    "punctuation, raised and lowered digits": (0x2000, 0x209F),
    "arrows and operators": (0x2190, 0x22FF),
}
_FAMILY_NAMES = (1, 16)  # entries of a font's table of names


@cache
def families() -> tuple[str, ...]:
    """Names of the fonts that figures are set in; what the first does not have comes from the next."""
    version = zlib.crc32(repr((matplotlib.__version__, _BLOCKS)).encode())
    path = Path(matplotlib.get_cachedir()) / f"hamiltonian-bench-{version:08x}.ttf"
    if not path.exists():
        _cut(path)
    font_manager.fontManager.addfont(path)
    return _CUT, _WHOLE


def _cut(path: Path) -> None:
    options = subset.Options(layout_features=["kern", "liga"], layout_scripts=["latn", "DFLT"])
    options.drop_tables += ["FFTM", "MATH"]  # a time stamp, and measures of formulas
    with subset.load_font(font_manager.findfont(_WHOLE), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=chain.from_iterable(range(first, last + 1) for first, last in _BLOCKS.values()))
        subsetter.subset(font)
        for entry in font["name"].names:
            if entry.nameID in _FAMILY_NAMES:
                entry.string = _CUT.encode(entry.getEncoding())
        own = path.with_suffix(f".{os.getpid()}")  # other processes may make it at the same time
        font.save(own)
    own.replace(path)
