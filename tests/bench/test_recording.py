"""Reading recorded trajectories: what is read, and what is said about what cannot be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import recording, write

from bench import recording as module
from bench.declarations import BadInput
from bench.recording import read_recording

COUNT, TIMES = 4, 5


@pytest.fixture
def frame() -> pd.DataFrame:
    return recording("henon_heiles", COUNT, TIMES)


def complaint(frame: pd.DataFrame, path: Path) -> str:
    """What is said about a file of these rows."""
    with pytest.raises(BadInput) as caught:
        read_recording([write(frame, path)])
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.fixture(params=["a.csv", "a.parquet"])
def path(request, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_states_and_times_are_those_of_the_file(frame, path: Path):
    found = read_recording([write(frame.assign(time=frame["time"] + 7, energy=1.0), path)])
    expected = frame[["q0", "q1", "p0", "p1"]].to_numpy().reshape(COUNT, TIMES, 4)
    np.testing.assert_array_equal(found.states, expected)
    np.testing.assert_allclose(found.times, np.tile(0.1 * np.arange(TIMES), (COUNT, 1)), atol=1e-14)
    assert found.unused == ("energy",)


def test_rows_of_several_trajectories_may_alternate(frame, path: Path):
    alternating = frame.sort_values("time", kind="stable")[["p1", "p0", "time", "q1", "trajectory", "q0"]]
    assert read_recording([write(alternating, path)]).content == read_recording([write(frame, path)]).content


def test_files_add_up_and_each_has_names_of_its_own(frame, tmp_path: Path):
    whole = read_recording([write(frame, tmp_path / "whole.csv")])
    half = frame["trajectory"] < COUNT // 2
    renamed = frame[~half].assign(trajectory=[f"run {n % 2}" for n in frame["trajectory"][~half]])
    parts = [write(frame[half], tmp_path / "one.csv"), write(renamed, tmp_path / "two.parquet")]
    assert read_recording(parts).content == whole.content


def test_the_content_is_that_of_the_numbers(frame, tmp_path: Path):
    one, same = (read_recording([write(frame, tmp_path / name)]).content for name in ("a.csv", "b.parquet"))
    frame.loc[3, "p1"] += 1e-12
    assert one == same != read_recording([write(frame, tmp_path / "a.csv")]).content


BROKEN = {
    "empty": (None, "empty"),
    "not a number": (float("nan"), ""),
    "infinite": (float("inf"), "inf"),
    "text": ("abc", "abc"),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row=st.integers(0, COUNT * TIMES - 1),
    column=st.sampled_from(["time", "q0", "q1", "p0", "p1"]),
    kind=st.sampled_from(sorted(BROKEN)),
    ending=st.sampled_from([".csv", ".parquet"]),
)
def test_a_cell_that_is_no_finite_number_is_named(tmp_path: Path, row: int, column: str, kind: str, ending: str):
    frame = recording("henon_heiles", COUNT, TIMES)
    value, shown = BROKEN[kind]
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    if ending == ".parquet":  # a column of Parquet has one type
        frame[column] = frame[column].map(lambda cell: None if cell is None else str(cell))
    said = complaint(frame, tmp_path / f"broken{ending}")
    assert f"row {row + 1}, column {column}: " in said
    assert shown in said


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trajectory=st.integers(0, COUNT - 1), place=st.integers(1, TIMES - 1), back=st.integers(0, 3))
def test_a_time_that_does_not_rise_is_named(tmp_path: Path, trajectory: int, place: int, back: int):
    frame, row = recording("henon_heiles", COUNT, TIMES), trajectory * TIMES + place
    frame.loc[row, "time"] = frame.loc[row - 1, "time"] - 0.01 * back
    said = complaint(frame, tmp_path / "times.csv")
    assert f"row {row + 1}, column time: " in said
    assert f"trajectory {trajectory}" in said
    assert ("again" in said) == (back == 0)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda f: f.drop(columns="trajectory"), ["no column trajectory among time, q0", "needed are"]),
        (lambda f: f.rename(columns={"time": "t"}), ["no column time"]),
        (lambda f: f.drop(columns=["p0", "p1"]), ["no column p0"]),
        (lambda f: f.drop(columns="p1"), ["3 phase coordinates without p1"]),
        (lambda f: f.rename(columns={"q1": "q2"}), ["4 phase coordinates without q1"]),
        (lambda f: f.iloc[:-1], ["trajectory 3 has 4 rows, trajectory 0 has 5", "cut all to 4 rows"]),
        (lambda f: f[f["time"] < 0.15], ["trajectories of 2 rows; at least 3"]),
        (lambda f: f.iloc[:0], ["has no rows"]),
        (lambda f: f.assign(trajectory=f["trajectory"].where(f.index != 6)), ["row 7, column trajectory: empty"]),
        (lambda f: f.assign(time=pd.Timestamp("2026-01-01")), ["row 1, column time: ", "no finite number (20 such"]),
    ],
)
def test_what_is_wrong_and_what_would_be_right(frame, path: Path, change, parts: list[str]):
    said = complaint(change(frame), path)
    assert [part for part in parts if part not in said] == []


def test_what_is_no_number_in_parquet_is_named_too(frame, tmp_path: Path):
    """Arrow knows NaN apart from what is missing; pandas writes both as missing."""
    for column, said in (("trajectory", "NaN, every row must name"), ("q1", "NaN, which is no finite number")):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        numbers = frame[column].to_numpy(dtype=float, copy=True)
        numbers[6] = np.nan
        place = table.column_names.index(column)
        path = tmp_path / "arrow.parquet"
        pq.write_table(table.set_column(place, column, pa.array(numbers, from_pandas=False)), path)
        with pytest.raises(BadInput, match=rf"arrow\.parquet: row 7, column {column}: {said}"):
            read_recording([path])


@pytest.mark.parametrize(
    ("cell", "said"), [("", "empty"), ("NaN", "NaN"), ("nan", "NaN"), ("NA", "'NA'"), ("null", "'null'")]
)
def test_what_stands_in_a_cell_of_csv_is_shown_as_it_stands(frame, tmp_path: Path, cell: str, said: str):
    path = write(frame.assign(q0=0.5), tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace(",0.5,", f",{cell},")
    path.write_text("\n".join(lines))
    with pytest.raises(BadInput, match=rf"a\.csv: row 4, column q0: {said}, which is no finite number$"):
        read_recording([path])


@pytest.mark.parametrize("names", [("NA", "null", "nan", "NaN"), ("1", "1.0", "01", "1e0")])
def test_trajectories_are_named_by_text(frame, path: Path, names: tuple[str, ...]):
    renamed = frame.assign(trajectory=[names[number] for number in frame["trajectory"]])
    assert read_recording([write(renamed, path)]).content == read_recording([write(frame, path)]).content
    assert f"trajectory {names[-1]} has 4 rows, trajectory {names[0]} has 5" in complaint(renamed.iloc[:-1], path)


def test_names_that_are_neither_numbers_nor_text_are_refused(frame, tmp_path: Path):
    said = complaint(frame.assign(trajectory=[[1, 2]] * len(frame)), tmp_path / "lists.parquet")
    assert "column trajectory: of type list" in said


def test_files_must_agree(frame, tmp_path: Path):
    first = write(frame, tmp_path / "first.csv")
    for other, part in (
        (frame.drop(columns=["q1", "p1"]), "columns time, q0, p0, but"),
        (frame[frame["time"] < 0.35], "4 times"),
    ):
        with pytest.raises(BadInput, match=part) as caught:
            read_recording([first, write(other, tmp_path / "second.csv")])
        assert "second.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.csv", "", "cannot be read: Empty CSV file"),
        ("a.csv", "trajectory,time,q0,p0\n1,2,3\n", "Expected 4 columns, got 3"),
        ("a.csv", "trajectory;time;q0;p0\n1;2;3;4\n", "separated by commas"),
        ("a.csv", "trajectory,time,q0,p0,q0\n1,2,3,4,5\n", "column q0 stands there twice"),
        ("a.parquet", "no Parquet at all", "cannot be read: "),
        ("a.txt", "", "ends in '.txt'; trajectories are read from .csv and .parquet files"),
        ("a.csv.gz", "", "ends in '.gz'; trajectories are read from .csv and .parquet files"),
        ("missing.csv", None, "No such file"),
        ("folder.csv", "/", "cannot be read: "),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: str | None, part: str):
    path = tmp_path / name
    if content == "/":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=part) as caught:
        read_recording([path])
    assert name in str(caught.value)


def test_ten_gigabytes_are_refused_before_they_are_read(tmp_path: Path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(10 << 30)  # sparse: it takes no room
    with pytest.raises(BadInput, match=r"10,737,418,240 bytes, and at most 536,870,912 are read"):
        read_recording([path])


def test_a_file_counts_once(frame, tmp_path: Path, monkeypatch):
    path = write(frame, tmp_path / "runs.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"runs\.csv: named 2 times; what is held out must not be learned from"):
        read_recording([path, Path("runs.csv")])


def test_files_are_as_large_as_all_of_them_together(frame, tmp_path: Path, monkeypatch):
    files = [write(frame, tmp_path / f"{number}.csv") for number in range(3)]
    whole = sum(file.stat().st_size for file in files)
    monkeypatch.setattr(module, "MOST_BYTES", whole - 1)
    with pytest.raises(BadInput, match=rf"0\.csv, .*1\.csv, .*2\.csv: {whole:,} bytes, and at most"):
        read_recording(files)
    monkeypatch.setattr(module, "MOST_BYTES", whole)
    assert len(read_recording(files).states) == 3 * COUNT


def test_parquet_is_as_large_as_its_numbers(frame, tmp_path: Path, monkeypatch):
    constant = pd.concat([frame * 0] * 500)
    path = write(constant, tmp_path / "packed.parquet")
    numbers = 8 * constant.size
    assert path.stat().st_size < numbers / 4
    monkeypatch.setattr(module, "MOST_BYTES", numbers - 1)
    with pytest.raises(BadInput, match=f"{numbers:,} bytes of numbers"):
        read_recording([path])
