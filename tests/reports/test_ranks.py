"""Average ranks against those of a published example, and what is said where there is too little to rank."""

import pytest
from synthetic_rows import SYSTEMS, frame, train_row

from reports import ranks
from reports.material import Material


def rows(errors: dict[str, float], seeds: int = 5, systems: tuple[str, ...] = SYSTEMS) -> list[dict]:
    return [
        train_row(system, model, seed, error * (1 + 0.01 * seed))
        for system in systems
        for model, error in errors.items()
        for seed in range(seeds)
    ]


def chapter_of(made: list[dict], folder) -> tuple:
    chapter = ranks.chapter(Material(frame(made)), folder)
    return chapter.exhibits, chapter.missing


def test_critical_differences_are_those_of_demsar():
    """JMLR 7 (2006) 1, section 3.2.4: 1.25 for 4 on 14 data sets; table 5(a): q = 2.343 and 2.850 for 3 and 6."""
    assert ranks.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert ranks.critical_difference(3, 1) == pytest.approx(2.343 * (3 * 4 / 6) ** 0.5, abs=2e-3)
    assert ranks.critical_difference(6, 1) == pytest.approx(2.850 * (6 * 7 / 6) ** 0.5, abs=3e-3)


def test_a_model_that_is_always_better_ranks_first_and_is_told_apart_from_the_last():
    errors = {"fshnn": 0.3, "shnn": 0.2, "nssnn": 0.1}
    found = ranks.ranking(ranks.leading(Material(frame(rows(errors))).lined["paper"]), "ru")
    assert found.ranks.to_dict() == {"nssnn": 1, "shnn": 2, "fshnn": 3}
    assert (found.blocks, found.systems) == (15, 3)
    assert found.p == pytest.approx(3.06e-7, rel=0.01)  # chi-square 30 with 2 degrees of freedom
    assert ranks.alike(found.ranks, found.critical_difference) == []
    assert ranks.alike(found.ranks, 1.5) == [(0, 1), (1, 2)]
    assert ranks.alike(found.ranks, 3) == [(0, 2)]


def test_models_of_equal_errors_share_their_rank_and_are_not_told_apart():
    found = ranks.ranking(
        ranks.leading(Material(frame(rows({"fshnn": 1, "shnn": 1, "nssnn": 1}))).lined["paper"]), "ru"
    )
    assert (set(found.ranks), found.p, found.enough) == ({2.0}, 1.0, True)


def test_references_failures_and_lines_of_more_loss_are_not_ranked():
    made = [
        *rows({"fshnn": 0.3, "constant": 0.01}),
        train_row("double_well", "shnn", 0, 0.1, status="diverged"),
        train_row("double_well", "fshnn", 0, 0.001, recipe="paper", validation_loss=9.0),
    ]
    for row in made:
        row["validation_loss"] = row["validation_loss"] or 1.0
    chosen = ranks.leading(Material(frame(made)).lined["paper"])
    assert set(chosen["line"]) == {"fshnn (one_cycle)"}


def test_a_model_is_ranked_by_the_line_of_least_loss_of_each_system_and_the_lines_are_named(tmp_path):
    made = rows({"fshnn": 0.3, "shnn": 0.2})
    for number, system in enumerate(SYSTEMS):  # its best size differs from system to system
        size, other = ("cubic", "paper") if number == 2 else ("paper", "cubic")
        for seed in range(5):
            made.append(train_row(system, "polynomial", seed, 0.1, preset=size, validation_loss=0.1))
            if number:
                worse = {"preset": other, "validation_loss": 0.2, "cell_id": f"{system}-{seed}-{other}"}
                made.append(train_row(system, "polynomial", seed, 0.01, **worse))  # which no test set may choose
    ((exhibit,), _) = chapter_of(made, tmp_path)
    assert "| polynomial | 1 | 1 | 1 |" in exhibit.body
    assert "RU: 15 blocks on 3 systems" in exhibit.body
    assert (
        "- polynomial is represented by polynomial (one_cycle, cubic) on henon heiles; "
        "polynomial (one_cycle, paper) on double well, coupled oscillator.\n"
    ) in exhibit.body
    assert not any(cell.endswith(("-cubic", "-paper")) for cell in exhibit.cells)


def test_a_model_that_is_not_ranked_is_named_with_the_systems_that_it_has(tmp_path):
    made = rows({"fshnn": 0.3, "shnn": 0.2, "nssnn": 0.1})
    made += rows({"hnn": 0.01}, systems=SYSTEMS[:2])
    made += [row | {f"h_mae_{name}": None for name in ranks.TEST_SETS} for row in rows({"neural_ode": 1})]
    ((exhibit,), _) = chapter_of(made, tmp_path)
    assert "RU: 15 blocks on 3 systems" in exhibit.body
    assert "- hnn is not ranked (RU, SG, Gaussian): it has errors on 2 of the 3 systems.\n" in exhibit.body
    assert r"- neural_ode is not ranked (RU, SG, Gaussian): no error of H is known." in exhibit.body
    assert "| hnn |" not in exhibit.body


def test_a_table_and_a_figure_say_which_blocks_and_cells(tmp_path):
    ((exhibit,), missing) = chapter_of(rows({"fshnn": 0.3, "shnn": 0.2, "nssnn": 0.1}), tmp_path)
    assert missing == ()
    assert "| nssnn | 1 | 1 | 1 |" in exhibit.body
    assert "RU: 15 blocks on 3 systems; Friedman p = 3.1e-07" in exhibit.body
    assert "Nemenyi" in exhibit.caption
    assert len(exhibit.cells) == 45
    assert {path.suffix for path in exhibit.files} == {".png", ".pdf", ".md", ".tex", ".csv"}


@pytest.mark.parametrize(
    "made",
    [rows({"fshnn": 1, "shnn": 2}), rows({"fshnn": 1, "shnn": 2, "nssnn": 3}, seeds=3),
     rows({"fshnn": 1, "shnn": 2, "nssnn": 3}, seeds=12, systems=SYSTEMS[:1])],
    ids=["two models", "nine blocks", "one system"],
)  # fmt: skip
def test_too_few_models_systems_or_blocks_say_so(made, tmp_path):
    exhibits, (missing,) = chapter_of(made, tmp_path)
    assert exhibits == ()
    assert missing.endswith("not enough data sets to say which model ranks first")
