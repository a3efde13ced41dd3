"""A store in a bucket: the guarantees of one in a folder, and sentences where the bucket does not play along."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from s3_server import Server, every_fifth_fails
from typer.testing import CliRunner, Result

import bench.run
from bench.store import Store, StoreError, check_usable, place_of, read, records
from bench.store import bucket as bucket_module
from bench.store import claim as claim_module
from bench.store.__main__ import app
from bench.store.upkeep import doctor, merge

ROOT = Path(__file__).parent.parent.parent
WRITER = Path(__file__).with_name("reporting_writer.py").read_text()


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})


def crash(store: Store) -> None:
    """What is left of a store whose process was killed: its claim, of a process that is no more."""
    claim = store._lock
    claim._done.set()
    content = json.loads(claim._content) | {"began": "0"}
    store.place.replace(claim._name, json.dumps(content).encode())


def test_rows_come_back_and_lie_there_before_append_returns(address: str, make_row):
    with Store(address, "a") as store:
        store.write_provenance({"run_id": "a"})
        store.append(make_row(1, reason="ü", curve_train=[1.0, float("nan")]))
        assert read(address)["cell_id"].tolist() == ["1"], "by a connection of its own, while the writer is open"
        store.append(make_row(2), make_row(3))
    rows = read(address)
    assert rows["cell_id"].tolist() == ["1", "2", "3"]
    assert rows["reason"].tolist()[0] == "ü"
    assert records(address) == {"a": {"run_id": "a"}}
    names = place_of(address).names()
    assert [name.partition("-")[0] for name in names] == ["part", "store.json"]


def test_a_row_costs_one_request(address: str, server: Server, make_row):
    with Store(address, "a") as store:
        before = len(server.requests)
        for number in range(10):
            store.append(make_row(number))
        assert [request.split()[0] for request in server.requests[before:]] == ["PUT"] * 10


def test_what_was_reported_outlives_the_process(address: str, make_row, monkeypatch):
    monkeypatch.setattr("bench.store.writer.ROWS_A_PART", 3)
    store = Store(address, "a")
    for number in range(5):
        store.append(make_row(number))
    crash(store)
    assert read(address)["cell_id"].tolist() == ["0", "1", "2", "3", "4"]
    with Store(address, "b") as second:
        second.append(make_row(5))
    rows = read(address, attempts=True)
    assert rows["cell_id"].tolist() == ["0", "1", "2", "3", "4", "5"]
    assert rows["run_id"].tolist() == ["a"] * 5 + ["b"]


def test_a_second_writer_is_told_who_writes_and_leaves_no_claim(address: str):
    with Store(address, "a") as store:
        with pytest.raises(StoreError, match=rf"written by process {os.getpid()} on {os.uname().nodename}"):
            Store(address, "b")
        assert store.place.names(".lock-*") == [store._lock._name]
        assert store.place.written_by() == f"process {os.getpid()} on {os.uname().nodename}"
    assert place_of(address).names(".lock-*") == []
    assert place_of(address).written_by() is None
    Store(address, "c").close()


def test_a_claim_of_another_machine_is_stale_once_nobody_renews_it(address: str, monkeypatch):
    place = place_of(address)
    elsewhere = {"holder": "process 7 on elsewhere", "machine": "elsewhere", "pid": 7, "began": "7"}
    place.replace(".lock-0", json.dumps(elsewhere).encode())
    with pytest.raises(StoreError, match="written by process 7 on elsewhere"):
        Store(address, "a")
    monkeypatch.setattr(claim_module, "STALE_S", -5.0)
    with Store(address, "a") as store:
        assert store.place.names(".lock-*") == [store._lock._name]


def test_a_claim_is_renewed_and_its_loss_is_noticed(address: str, make_row, monkeypatch):
    monkeypatch.setattr(claim_module, "RENEW_S", 0.05)
    with Store(address, "a") as store:
        place, name = store.place, store._lock._name
        first = place.modified(name)
        deadline = time.monotonic() + 20
        while place.modified(name) == first:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        store.append(make_row(1))
        deadline = time.monotonic() + 20
        while store._lock._thread.is_alive():  # a renewal that is under way puts the claim back
            assert time.monotonic() < deadline
            place.remove(name)
            store._lock._thread.join(timeout=0.2)
        with pytest.raises(StoreError, match="another took over"):
            store.append(make_row(2))
    assert read(address)["cell_id"].tolist() == ["1"]


@pytest.mark.slow
def test_every_fifth_request_may_fail(address: str, server: Server, make_row, monkeypatch):
    monkeypatch.setattr("bench.store.writer.ROWS_A_PART", 4)
    server.fault = every_fifth_fails
    for run in "ab":
        with Store(address, run) as store:
            store.write_provenance({"run_id": run})
            for number in range(6):
                store.append(make_row(number, attempt="ab".index(run) + 1))
    assert read(address)["attempt"].tolist() == [2] * 6
    assert len(read(address, attempts=True)) == 12
    assert command("compact", address).exit_code == 0
    assert command("doctor", address).output == "nothing is wrong\n"


def test_what_arrives_late_overwrites_nothing(address: str, server: Server, make_row, monkeypatch):
    """A request that failed may be carried out later: after a failure or a removal, its name is not used again."""
    monkeypatch.setattr("bench.store.writer.ROWS_A_PART", 4)
    seen: dict[str, set[str]] = {"failed": set(), "removed": set()}

    def fault(number: int, method: str) -> tuple[str, bytes] | None:
        request = server.requests[-1]
        if "journal-" not in request:
            return None
        name = request.rpartition("/")[2]
        if method == "PUT":
            assert name not in seen["failed"] | seen["removed"]
            if number % 3 == 0:
                seen["failed"].add(name)
                return every_fifth_fails(5, method)
        elif method == "DELETE":
            seen["removed"].add(name)
        return None

    server.fault = fault
    with Store(address, "a") as store:
        for number in range(10):
            store.append(make_row(number))
    assert seen["failed"]
    assert seen["removed"]
    assert read(address)["cell_id"].tolist() == [str(number) for number in range(10)]


def test_an_outage_is_waited_out_and_a_long_one_ends_the_run(address: str, server: Server, make_row, monkeypatch):
    with Store(address, "a") as store:
        store.append(make_row(1))
        until = len(server.requests) + 12
        server.fault = lambda number, method: every_fifth_fails(5, method) if len(server.requests) < until else None
        store.append(make_row(2))
        monkeypatch.setattr(bucket_module, "FIRST_PATIENCE_S", 0.1)
        store.place._patience_s = 0.1
        server.fault = lambda number, method: every_fifth_fails(5, method)
        with pytest.raises(StoreError, match="no answer for"):
            store.append(make_row(3))
    server.fault = lambda number, method: None
    assert read(address)["cell_id"].tolist() == ["1", "2"]


def test_stores_merge_from_folder_to_bucket_and_back(address: str, tmp_path: Path, make_row):
    with Store(tmp_path / "a", "a") as store:
        store.write_provenance({"run_id": "a"})
        store.append(make_row(1), make_row(2))
    with Store(address, "b") as store:
        store.append(make_row(3))
    assert command("merge", address, tmp_path / "a").exit_code == 0
    assert merge(tmp_path / "c", [address]).rows == 3
    assert merge(address, [tmp_path / "c", tmp_path / "a"]).rows == 0
    assert read(address)["cell_id"].tolist() == read(tmp_path / "c")["cell_id"].tolist() == ["1", "2", "3"]
    assert set(records(address)) == set(records(tmp_path / "c")) == {"a"}


def test_it_is_looked_after_as_a_folder_is(address: str, make_row):
    for run in "abc":
        with Store(address, run) as store:
            store.write_provenance({"run_id": run, "started_at": "2026-01-01T00:00:00+00:00", "planned": 1})
            store.append(make_row("abc".index(run)))
    place = place_of(address)
    first = place.names("part-*")[0]
    content = place.read(first)
    place.replace(first, content[: len(content) // 2])
    assert [finding.remedy for finding in doctor(address)] == ["set aside"]
    assert command("doctor", address, "--mend").exit_code == 0
    assert place.read(f"damaged/{first}") == content[: len(content) // 2]
    assert command("doctor", address).output == "nothing is wrong\n"
    shown = command("compact", address)
    assert "2 cells in 1 files, before in 2" in shown.output, shown.output
    assert "last run c" in command("status", address).output


def test_what_holds_something_else_is_left_alone(server: Server):
    place = place_of(server.address("thesis"))
    place.replace("thesis.txt", b"mine")
    for use in (check_usable, read, lambda place: Store(place, "a")):
        with pytest.raises(StoreError, match="not a store of hamiltonian-bench"):
            use(place)
    assert place.entries() == ["thesis.txt"]


def test_an_endpoint_may_stand_in_the_environment(server: Server, monkeypatch, make_row):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    with Store("s3://bucket/by-environment", "a") as store:
        store.append(make_row(1))
    assert read(server.address("by-environment"))["cell_id"].tolist() == ["1"]


@pytest.mark.usefixtures("hasty")
def test_a_grid_runs_into_a_bucket_and_is_reported_from_there(
    tiny: Path, server: Server, address: str, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    server.fault = every_fifth_fails
    words = ["--grid", str(tiny / "grid.toml"), "--backend", "inline", "--out", address]
    result = CliRunner().invoke(bench.run.app, words, env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    assert read(address)["status"].tolist() == ["ok"] * 4
    there = address.removeprefix("s3://").partition("?")[0]
    assert (tmp_path / "results" / "s3" / there / "report" / "report.html").is_file()
    again = CliRunner().invoke(bench.run.app, words, env={"COLUMNS": "400"})
    assert "Nothing to do: all 4 cells are finished in s3://bucket/" in again.output


@pytest.mark.slow
def test_killed_writers_lose_nothing_that_they_reported(address: str, server: Server, make_row):
    server.fault = every_fifth_fails
    reported: list[str] = []
    for run, lines in (("a", 3), ("b", 9), ("c", 5)):
        words = [sys.executable, "-c", WRITER, address, run, "4"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            reported += [process.stdout.readline().strip() for _ in range(lines)]
            process.kill()
            reported += process.stdout.read().split()
        names = read(address, attempts=True)["cell_id"]
        assert names.is_unique
        assert set(reported) <= set(names)
    assert len(reported) >= 17
    assert len(names) - len(reported) <= 3, "a kill leaves one row at most that was not reported yet"
