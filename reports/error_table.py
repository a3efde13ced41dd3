"""The error table: one a protocol, as Markdown, LaTeX and CSV."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.schema import IDENTITY_COLUMNS, TEST_SETS
from reports import error_entries, error_latex, error_markdown, outcomes
from reports import rows as select
from reports.exhibit import Chapter, Exhibit, ids, stem, write, write_csv
from reports.frames import narrow, otherwise, where
from reports.material import Material
from reports.published import Published, paper
from reports.significance import METHOD
from reports.tabular import followed, headed

TITLE = "Errors of H"
_NEEDED = [  # of the two hundred columns, each of which makes every selection of rows slower
    "line", *IDENTITY_COLUMNS, "cell_id", "status", "reason", "fingerprint", *(f"h_mae_{name}" for name in TEST_SETS)
]  # fmt: skip


@dataclass(frozen=True)
class ErrorTable:
    """The table of one protocol: entries as `error_entries` makes them, and the notes that stand below."""

    protocol: str
    measured: pd.DataFrame
    published: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def caption(self) -> str:
        return (
            f"Mean |H_pred - H_true| under protocol {self.protocol}, after the mean offset of a calibration "
            "set, on uniformly random (RU), grid (SG) and Gaussian test points: mean over seeds ± half width "
            "of the 95 % t-interval."
        )

    @property
    def tidy(self) -> pd.DataFrame:
        """Both kinds of entries, one number a row."""
        both = pd.concat(
            [self.measured.astype(object), self.published.drop(columns="quoted").astype(object)],
            ignore_index=True,
        )
        both.insert(0, "protocol", self.protocol)
        return both


def tabulate(lined: pd.DataFrame, dropped: int, published: Published) -> ErrorTable:
    """The table of training rows of one protocol, as `rows.of_protocol` gives them."""
    lined = narrow(lined, _NEEDED)
    protocol = select.protocols(lined)[0]
    reference = error_entries.reference_line(lined, published)
    measured = error_entries.with_marks(error_entries.measured(lined), protocol, published)
    measured = error_entries.with_signs(measured, lined, reference)
    entries = error_entries.published(select.systems(lined), published)
    reading = [*_reading_notes(measured, entries, protocol, published), _sign_note(measured, reference, published)]
    notes = (*reading, *_row_notes(lined, dropped))
    return ErrorTable(protocol, measured, entries, notes)


def chapter(material: Material, out: Path) -> Chapter:
    """Writes error_table.md, .tex and .csv into `out`; several protocols stand in the names."""
    names = list(material.simulated)
    if not names:
        return Chapter(TITLE, missing=("no train rows: the error table was not made",))
    tables = [tabulate(*material.by_protocol[name], paper()) for name in names]
    return Chapter(TITLE, tuple(_exhibit(table, out, table.protocol if len(names) > 1 else "") for table in tables))


def _exhibit(table: ErrorTable, out: Path, suffix: str) -> Exhibit:
    name = stem("error_table", suffix)
    title = f"Error table, protocol {table.protocol}"
    body = error_markdown.render(table.measured, table.published, table.notes)
    linked = error_markdown.render(table.measured, table.published, table.notes, linked=True)
    latex = error_latex.render(table.measured, table.published, table.notes, table.caption, label=f"tab:{name}")
    files = (
        write(out / f"{name}.md", headed(title, table.caption, body) + followed(name, table.tidy)),
        write(out / f"{name}.tex", latex),
        write_csv(out / f"{name}.csv", table.tidy),
    )
    return Exhibit(title, table.caption, files, body, ids(table.measured), linked)


def _reading_notes(measured: pd.DataFrame, entries: pd.DataFrame, protocol: str, published: Published) -> list[str]:
    notes = ["constant predicts the mean of H and true_h is the true H: neither is trained."]
    if any(measured["no_better_than_constant"]):
        notes.append("† no better than the constant predictor: learned nothing.")
    if any(measured["at_or_below_paper"]):
        notes.append(f"Bold: at or below the paper's {published.own_method} figure.")
    if not entries.empty:
        comparable = protocol in published.comparable_protocols
        warning = (
            "" if comparable else f" They were not obtained under protocol {protocol} and do not compare with it."
        )
        notes.append(f"Published figures: {published.source}; number of seeds not stated.{warning}")
    return notes


def _sign_note(measured: pd.DataFrame, reference: str | None, published: Published) -> str:
    if reference is None:
        wanted = f"{published.own_model} by recipe {published.own_recipe}"
        return f"No signs of significant differences: the store has not exactly one line of {wanted} to compare with."
    note = f"Signs: error significantly above (+), below (−) or not to be told apart (=) from {reference}: {METHOD}."
    trained = otherwise(measured, "line", reference, *select.REFERENCES)
    return note + (" No sign: not enough seeds to say." if not where(trained, sign="").empty else "")


def _row_notes(rows: pd.DataFrame, dropped: int) -> list[str]:
    failed = len(rows) - len(select.ok(rows))
    notes = [f"{len(rows) - failed} of {len(rows)} cells are ok and enter the averages; {failed} left out."]
    notes += outcomes.left_out(rows) + outcomes.absent(rows) + outcomes.code_versions(select.ok(rows))
    return notes + outcomes.older(dropped)
