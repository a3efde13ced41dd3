"""Every LaTeX table of a report goes through LaTeX, with the packages that README names, and fits the page."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from synthetic_rows import frame, full_rows, stored, train_row

from bench.studies import collocation
from reports import density
from reports.build import compose
from reports.error_latex import MOST_FLOATING
from reports.material import Material

README = Path(__file__).parents[2] / "README.md"
OVER = re.compile(r"Overfull \\[hv]box \((\d+)")  # points beyond the edge
DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage{%s}
\begin{document}
\input{%s}
\end{document}
"""
AXIS = np.linspace(-4, 4, 21)
EVIL = r"$\foo_{x}% & ~^ #1 <b> \end{table}"


@pytest.fixture(scope="module")
def latex() -> str:
    if (found := shutil.which("pdflatex")) is None:
        assert os.environ.get("CI") != "true", "no pdflatex: install Debian's texlive-latex-recommended"
        pytest.skip("no pdflatex: Debian's texlive-latex-recommended")
    return found


@pytest.mark.slow
def test_every_table_compiles_and_fits(latex: str, tmp_path: Path):
    rows = full_rows()
    rows += [train_row(f"system {number} {EVIL}", model, seed, 0.1 + seed, protocol="long")
             for number in range(30) for model in (EVIL, "fshnn", "true_h") for seed in range(3)]  # fmt: skip
    normal = (-np.add.outer(AXIS**2, AXIS**2) / 2 - np.log(2 * np.pi)).ravel().tolist()
    flows = [{"density": "two_moons", "flow": flow, "trace": trace, "kl": 0.1, "seconds": 1.0, "log_density": normal,
              "points": [0.0] * 4}
             for flow, trace in (("truth", None), *density.PANELS)]  # fmt: skip
    studies = {
        "collocation": stored("collocation", collocation.rows(iterations=20)), "density": stored("density", flows)
    }  # fmt: skip
    tables = [path for path in compose(Material(frame(rows), studies), tmp_path) if path.suffix == ".tex"]
    assert len(tables) > 5
    for table in tables:
        check(latex, table)


@pytest.mark.slow
def test_the_longest_table_that_floats_fits_on_a_page(latex: str, tmp_path: Path):
    """Of narrow lines, which are not made smaller to fit the width."""
    others = ("rule", "heading", "constant", "true_h")
    rows = [train_row("fput", f"m{number}", 0, 0.1) for number in range(MOST_FLOATING - len(others))]
    assert r"\begin{longtable}" in error_table([*rows, train_row("fput", "more", 0, 0.1)], tmp_path).read_text()
    table = error_table(rows, tmp_path)
    assert r"\begin{longtable}" not in table.read_text()
    check(latex, table)


def error_table(rows: list[dict], out: Path) -> Path:
    (table,) = [path for path in compose(Material(frame(rows)), out, ["error_table"]) if path.suffix == ".tex"]
    return table


def check(latex: str, table: Path) -> None:
    """The table alone in a document, by the packages that README names."""
    named = re.search(r"LaTeX tables need the packages ([\w, ]+)\.", README.read_text())
    assert named is not None
    packages = named[1].replace(" and ", ",").replace(" ", "")
    document = table.with_name(f"document_{table.stem}.tex")
    document.write_text(DOCUMENT % (packages, table))
    words = [latex, "-interaction=nonstopmode", "-halt-on-error", document.name]
    done = subprocess.run(words, cwd=table.parent, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"{table.name}:\n{done.stdout[-2000:]}"
    assert "Float too large" not in done.stdout, table.name
    assert max(map(int, OVER.findall(done.stdout)), default=0) < 5, table.name
