"""What is read from asv's files, and what of them is kept."""

import json
import subprocess
import sys

import pytest

from bench.nightly.asv_passes import Asv, NothingMeasured, configure, read_results
from bench.nightly.figures import depends_on_machine
from bench.nightly.machine import Machine
from bench.provenance import REPOSITORY

SHA = "0123456789abcdef"
ENVIRONMENT = "existing-py_home_me_venv_bin_python"


def write_results(folder, results):
    """A machine's results as asv 0.6.6 stores them: those of benchmark 'b.track_time' in its two cases."""
    content = {
        "commit_hash": SHA,
        "env_name": ENVIRONMENT,
        "python": "/home/me/venv/bin/python",
        "params": {"machine": "m", "python": "/home/me/venv/bin/python"},
        "result_columns": ["result", "params", "version", "started_at"],
        "results": {"b.track_time": [results, [["'one'", "'two'"]], "7", 0]},
    }
    path = folder / "results" / "m" / f"{SHA[:8]}-{ENVIRONMENT}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    benchmarks = folder / "results" / "benchmarks.json"
    benchmarks.write_text(json.dumps({"b.track_time": {"unit": "yardsticks"}, "version": 2}))
    (path.parent / "machine.json").write_text("{}")
    return path, benchmarks


def test_figures_carry_case_unit_and_version(tmp_path):
    figures = read_results(*write_results(tmp_path, [1.5, 2.5]))
    assert {name: figure.samples for name, figure in figures.items()} == {
        "b.track_time('one')": (1.5,),
        "b.track_time('two')": (2.5,),
    }
    assert {(figure.unit, figure.version) for figure in figures.values()} == {("yardsticks", "7")}


def test_a_skip_is_no_figure_and_a_failure_is_one(tmp_path):
    figures = read_results(*write_results(tmp_path, [float("nan"), None]))
    assert list(figures) == ["b.track_time('two')"]
    assert figures["b.track_time('two')"].failure


def test_a_benchmark_that_failed_as_a_whole_failed_in_every_case(tmp_path):
    figures = read_results(*write_results(tmp_path, None))
    assert len(figures) == 2
    assert all(figure.failure for figure in figures.values())


def test_a_figure_that_is_not_finite_is_a_failure(tmp_path):
    assert read_results(*write_results(tmp_path, [float("inf"), 1.0]))["b.track_time('one')"].failure == "gave inf"


class Call:
    """In place of asv: writes results, or none, and exits with a code."""

    def __init__(self, work, code=0, results=None):
        self.work, self.code, self.results = work, code, results

    def __call__(self, work, configuration, tree, *arguments):
        (work / "asv.log").write_text("it said this")
        if arguments[0] == "run" and self.results:
            write_results(self.work, self.results)
        return self.code


@pytest.fixture
def call(monkeypatch):
    def replace(*arguments, **options):
        monkeypatch.setattr("bench.nightly.asv_passes.call_asv", Call(*arguments, **options))

    return replace


def test_an_asv_that_fails_or_stores_nothing_is_no_measurement(tmp_path, call):
    call(tmp_path)
    asv = Asv(tmp_path, SHA, Machine("m"), tmp_path)
    with pytest.raises(NothingMeasured, match="stored no result: it said this"):
        asv.measure()
    call(tmp_path, code=1, results=[1.0, 2.0])
    with pytest.raises(NothingMeasured, match="asv run failed: it said this"):
        asv.measure()


def test_a_pass_in_which_a_benchmark_failed_is_read(tmp_path, call):
    call(tmp_path, code=2, results=[1.0, None])
    with pytest.raises(NothingMeasured):
        Asv(tmp_path, SHA, Machine("m"), tmp_path / "elsewhere").measure()
    call(tmp_path, code=2, results=[1.0, None])
    assert len(Asv(tmp_path, SHA, Machine("m"), tmp_path).measure()) == 2


def test_what_is_kept_of_the_first_pass_names_no_interpreter(tmp_path, call):
    call(tmp_path / "work", results=[1.0, 2.0])
    asv = Asv(tmp_path, SHA, Machine("m"), tmp_path / "work")
    asv.measure()
    call(tmp_path / "work", results=[3.0, 4.0])
    asv.measure()
    asv.keep(tmp_path / "kept")
    (path,) = (tmp_path / "kept" / "m").glob("0*.json")
    assert "venv" not in path.name + path.read_text()
    assert json.loads(path.read_text())["results"]["b.track_time"][0] == [1.0, 2.0]


def test_the_configuration_is_the_repositorys_with_absolute_folders(tmp_path):
    content = json.loads(configure(tmp_path, REPOSITORY, tmp_path / "r", tmp_path / "h").read_text())
    assert content["project"] == "hamiltonian-bench"
    assert content["benchmark_dir"] == str(REPOSITORY / "bench" / "perf")


def test_times_depend_on_the_machine_and_nothing_else_does():
    names = ["iteration.OfEveryMode.track_time('discrete', 4)", "storage.Storage.track_time_write(250)"]
    assert all(depends_on_machine(name) for name in names)
    assert not depends_on_machine("iteration.OfEveryMode.track_peak_bytes('discrete', 4)")
    assert not depends_on_machine("grid.h_mae_ru(double_well, fshnn, discrete)")


def test_asv_finds_every_benchmark_and_each_has_a_version_by_hand():
    """By its own discovery, in a process of its own; base classes are no benchmarks."""
    code = (
        "import json, sys; from asv_runner.discovery import disc_benchmarks, update_sys_path\n"
        "update_sys_path(sys.argv[1])\n"
        "print(json.dumps([(found.name, found.version) for found in disc_benchmarks(sys.argv[1])]))"
    )
    command = [sys.executable, "-c", code, str(REPOSITORY / "bench" / "perf")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(json.loads(done.stdout.splitlines()[-1]))
    assert len(found) > 10
    assert not any(".Iteration." in name for name in found)
    assert all(len(version) < 4 for version in found.values()), "a hash of the source: give the class a version"
