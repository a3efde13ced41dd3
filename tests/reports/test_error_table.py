"""The error table: what is averaged, what is marked, what is said about the rest."""

import math

import pytest
from synthetic_rows import frame, train_row

from reports import error_entries, error_latex, error_table
from reports import rows as select
from reports.frames import records, where
from reports.material import Material
from reports.published import paper


def table_of(rows):
    ((lined, dropped),) = Material(frame(rows)).by_protocol.values()
    return error_table.tabulate(lined, dropped, paper())


def entry(table, line, test_set="ru", system="double_well"):
    (found,) = records(where(table.measured, line=line, test_set=test_set, system=system))
    return found


REFERENCES = [train_row("double_well", "constant", 0, 0.66), train_row("double_well", "true_h", 0, 1e-9)]


def test_mean_and_interval_over_seeds():
    errors = (0.010, 0.012, 0.014)
    rows = [train_row("double_well", "fshnn", seed, error) for seed, error in enumerate(errors)]
    found = entry(table_of([*REFERENCES, *rows]), "fshnn (one_cycle)")
    assert found["mean"] == pytest.approx(0.012)
    assert found["high"] - found["mean"] == pytest.approx(4.302652729911275 * 0.002 / math.sqrt(3))
    assert found["seeds"] == 3
    assert found["cell_ids"].split(";") == sorted(row["cell_id"] for row in rows)


def test_protocols_are_never_averaged(tmp_path):
    rows = [
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 0, 0.03, protocol="smoke"),
    ]
    chapter = error_table.chapter(Material(frame(rows)), tmp_path)
    assert {path.name for path in chapter.files if path.suffix == ".md"} == {
        "error_table_paper.md",
        "error_table_smoke.md",
    }
    assert "1.00e-2" in (tmp_path / "error_table_paper.md").read_text()
    smoke = (tmp_path / "error_table_smoke.md").read_text()
    assert "3.00e-2" in smoke
    assert "do not compare" in smoke
    with pytest.raises(ValueError, match="never averaged: paper, smoke"):
        error_entries.measured(select.with_lines(select.of_kind(frame(rows), "train")))


def test_failures_are_counted_and_named_but_not_averaged():
    rows = [
        *REFERENCES,
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 1, 99.0, status="diverged", reason="the loss\nbecame NaN"),
    ]
    table = table_of(rows)
    assert entry(table, "fshnn (one_cycle)")["mean"] == 0.01
    assert entry(table, "fshnn (one_cycle)")["seeds"] == 1
    assert "3 of 4 cells are ok and enter the averages; 1 left out." in table.notes
    assert "fshnn (one_cycle): 1 diverged (double_well seed 1): the loss became NaN" in table.notes


def test_seeds_that_are_missing_on_one_system_are_named():
    rows = [
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 1, 0.01),
        train_row("henon_heiles", "fshnn", 0, 0.01),
    ]
    table = table_of(rows)
    assert "fshnn (one_cycle): not in the store (henon_heiles seed 1)" in table.notes
    assert "constant: no rows in the store" in table.notes
    assert math.isnan(entry(table, "true_h")["mean"])


def test_model_that_does_not_beat_the_constant_is_marked():
    rows = [
        *REFERENCES,
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 0, 0.66, recipe="paper"),
    ]
    table = table_of(rows)
    assert not entry(table, "fshnn (one_cycle)")["no_better_than_constant"]
    assert entry(table, "fshnn (paper)")["no_better_than_constant"]
    assert not entry(table, "constant")["no_better_than_constant"]
    assert any("learned nothing" in note for note in table.notes)


def test_only_a_comparable_protocol_is_marked_against_the_paper():
    assert entry(table_of([train_row("double_well", "fshnn", 0, 0.01)]), "fshnn (one_cycle)")["at_or_below_paper"]
    worse = entry(table_of([train_row("double_well", "fshnn", 0, 0.0101)]), "fshnn (one_cycle)")
    assert not worse["at_or_below_paper"]
    other = entry(table_of([train_row("double_well", "fshnn", 0, 0.001, protocol="smoke")]), "fshnn (one_cycle)")
    assert not other["at_or_below_paper"]


def test_lines_say_what_differs_and_no_more():
    rows = [
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 0, 0.02, gradient_mode="backprop", seq_len=16),
    ]
    lines = select.lines(select.with_lines(select.of_kind(frame(rows), "train")))
    assert lines == ["constant", "true_h", "fshnn (one_cycle, backprop, N=16)", "fshnn (one_cycle, discrete, N=5)"]


def test_reference_is_one_line_under_all_recipes():
    rows = [
        train_row("double_well", "constant", 0, 0.66, recipe="paper"),
        train_row("double_well", "constant", 0, 0.66, recipe="one_cycle"),
        train_row("double_well", "constant", 1, 0.68, recipe="paper"),
    ]
    found = entry(table_of(rows), "constant")
    assert found["mean"] == pytest.approx(0.67)
    assert found["seeds"] == 2


def test_changed_contents_under_one_name_are_not_averaged():
    old = train_row("double_well", "fshnn", 0, 0.5, cell_id="old")
    new = train_row("double_well", "fshnn", 0, 0.01, cell_id="new", started_at="2026-02-01T00:00:00+00:00")
    table = table_of([new, old])
    assert entry(table, "fshnn (one_cycle)")["mean"] == 0.01
    assert any(note.startswith("1 older row") for note in table.notes)


@pytest.mark.parametrize(
    "content", [{"noise": 0.1}, {"train_starts": 64}, {"protocol_content": "b"}, {"recipe_content": "b"}], ids=str
)
def test_seeds_of_a_protocol_that_changed_under_its_name_are_not_averaged_with_those_before(content):
    """Nobody ran the other seeds again, so no newer row of theirs says that they are of old contents."""
    same = {"noise": 0.01, "train_starts": 16384, "protocol_content": "a", "recipe_content": "a"}
    now = same | {"started_at": "2026-02-01T00:00:00+00:00"}
    before = [train_row("double_well", "fshnn", seed, 0.5, **same | content) for seed in (0, 1)]
    unknown = train_row("double_well", "fshnn", 3, 0.03)  # of a schema that did not tell
    table = table_of([*before, train_row("double_well", "fshnn", 2, 0.01, **now), unknown])
    assert (entry(table, "fshnn (one_cycle)")["mean"], entry(table, "fshnn (one_cycle)")["seeds"]) == (0.02, 2)
    assert any(note.startswith("2 older row(s) left out") for note in table.notes)
    other = [row | {"protocol": "other"} for row in before]
    assert len(select.newest_of_each_cell(frame([*other, train_row("double_well", "fshnn", 2, 0.01, **now)]))[0]) == 3


@pytest.mark.parametrize("status", ["skipped", "error"])
def test_a_newer_row_that_is_not_ok_hides_no_result_of_older_contents(status):
    done = [train_row("double_well", "fshnn", seed, 0.1, protocol_content="a") for seed in range(3)]
    later = train_row("double_well", "hnn", 0, 0.1, status=status, protocol_content="b",
                      started_at="2026-02-01T00:00:00+00:00")  # fmt: skip
    kept, _ = select.newest_of_each_cell(frame([*done, later]))
    assert kept["status"].tolist().count("ok") == 3
    failed = [row | {"status": "error"} for row in done]
    assert select.newest_of_each_cell(frame([*failed, later]))[1] == 3, "nothing is ok: the last contents count"


def test_own_data_of_one_name_and_other_content_are_not_averaged():
    recorded = [("a.csv", 0, "x"), ("b.csv", 0, "y"), ("a.csv", 1, "z")]
    rows = [
        train_row(name, "fshnn", seed, 0.1, data=data, started_at=f"2026-0{month}-01T00:00:00+00:00")
        for month, (name, seed, data) in enumerate(recorded, 1)
    ]
    kept, dropped = select.newest_of_each_cell(frame(rows))
    assert (kept["data"].tolist(), dropped) == (["y", "z"], 1)


def test_mixed_code_is_said():
    rows = [
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("double_well", "fshnn", 1, 0.01, fingerprint="f2"),
    ]
    assert any("2 versions of the code" in note for note in table_of(rows).notes)


def test_published_figures_stand_beside_ours_as_printed(tmp_path):
    error_table.chapter(Material(frame([train_row("double_well", "fshnn", 0, 0.01)])), tmp_path)
    markdown = (tmp_path / "error_table.md").read_text()
    assert "| double_well | NSSNN, published | 7.80 | 8.00 | 4.81 | – |" in markdown
    assert "| double_well | FSHNN, published | 1.00e-2 | 1.2e-2 | 1.57e-1 | – |" in markdown
    assert "1 seed |" in markdown


def test_every_published_figure_is_there():
    table = paper()
    assert len(table.systems) == 3
    for system in table.systems:
        for test_set in ("ru", "sg", "gaussian"):
            assert all(table.mean(system, test_set, method) > 0 for method in table.methods)
    assert table.mean("henon_heiles", "gaussian", "FSHNN") == 9.11e-2
    assert math.isnan(table.mean("harmonic_oscillator", "ru", "FSHNN"))


def test_latex_escapes_what_is_special(tmp_path):
    assert error_latex.escape("a_b & 5 % #{x} ~^\\ $") == (
        r"a\_b \& 5 \% \#\{x\} \textasciitilde{}\textasciicircum{}\textbackslash{} \$"
    )
    rows = [*REFERENCES, train_row("double_well", "my_net", 0, 1.0, status="error", reason="100 % of {x}_1 & y")]
    error_table.chapter(Material(frame(rows)), tmp_path)
    latex = (tmp_path / "error_table.tex").read_text()
    assert r"100 \% of \{x\}\_1 \& y" in latex
    assert r"my\_net (one\_cycle) & $\text{--}$" in latex
    assert latex.startswith(r"\begin{table}")


def test_in_latex_the_dashes_of_an_option_stay_two():
    assert error_latex.escape("bench.run --grid x – y - z") == "bench.run -{}-grid x -- y - z"


def test_a_table_longer_than_a_page_goes_on_on_the_next(tmp_path):
    rows = [train_row(f"system {number}", "fshnn", 0, 0.1) for number in range(20)]
    error_table.chapter(Material(frame([*REFERENCES, *rows])), tmp_path)
    latex = (tmp_path / "error_table.tex").read_text()
    assert r"\begin{table}" not in latex
    assert latex.count(r"fshnn (one\_cycle) & $1.00") == 20
    assert latex.index(r"\endfirsthead") < latex.index("system 0") < latex.index(r"\end{longtable}")


def test_a_line_that_is_skipped_on_every_system_is_none():
    skipped = [train_row(name, "hnn", 0, 0.1, preset="elm", status="skipped", reason="no preset 'elm'")
               for name in ("double_well", "henon_heiles")]  # fmt: skip
    here = train_row("double_well", "fshnn", 0, 0.1)
    elsewhere = train_row("henon_heiles", "fshnn", 0, 0.1, status="skipped", reason="no")
    table = table_of([*skipped, here, elsewhere])
    assert "hnn" not in set(table.measured["model"])
    assert (
        table.measured.groupby("system")["line"].unique().map(list).tolist()
        == [["constant", "true_h", "fshnn (one_cycle)"]] * 2
    )
    assert any("no preset" in note for note in table.notes)


def test_code_that_differs_between_systems_is_not_mixed():
    rows = [
        train_row("double_well", "fshnn", 0, 0.01),
        train_row("henon_heiles", "fshnn", 0, 0.01, fingerprint="f2"),
    ]
    assert not any("versions of the code" in note for note in table_of(rows).notes)


def signed_rows():
    ours = [train_row("double_well", "fshnn", seed, 0.1 + 0.01 * seed, recipe="paper") for seed in range(5)]
    better = [train_row("double_well", "hnn", seed, (0.1 + 0.01 * seed) * (0.5 + 0.01 * seed)) for seed in range(5)]
    alike = [train_row("double_well", "shnn", seed, 0.12 + 0.04 * (-1) ** seed) for seed in range(5)]
    few = [train_row("double_well", "srnn", seed, 0.01) for seed in range(2)]
    return [*REFERENCES, *ours, *better, *alike, *few]


def test_signs_of_significant_differences_from_the_papers_own_method(tmp_path):
    table = table_of(signed_rows())
    found = {line: entry(table, line)["sign"] for line in select.lines(select.with_lines(frame(signed_rows())))}
    assert found["hnn (one_cycle)"] == "−"
    assert found["shnn (one_cycle)"] == "="
    assert found["srnn (one_cycle)"] == found["fshnn (paper)"] == found["constant"] == ""
    assert entry(table, "hnn (one_cycle)")["ratio"] == pytest.approx(0.52, abs=0.005)
    (note,) = [note for note in table.notes if note.startswith("Signs")]
    assert "from fshnn (paper): paired t-test of the logarithms" in note
    assert note.endswith("not enough seeds to say.")
    error_table.chapter(Material(frame(signed_rows())), tmp_path)
    assert "e-2 − |" in (tmp_path / "error_table.md").read_text()
    assert r"\ (-)$" in (tmp_path / "error_table.tex").read_text()


def test_without_the_papers_own_method_there_are_no_signs():
    table = table_of([train_row("double_well", "hnn", seed, 0.1) for seed in range(5)])
    assert set(table.measured["sign"]) == {""}
    assert any(note.startswith("No signs") for note in table.notes)
