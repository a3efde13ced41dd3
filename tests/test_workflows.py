"""The workflows of GitHub: valid, and every command in them exists in this repository."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def steps(path):
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def test_there_are_ci_a_night_and_a_comparison():
    assert [path.stem for path in WORKFLOWS] == ["ci", "compare", "nightly"]


def test_workflows_satisfy_githubs_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *map(str, WORKFLOWS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@each_workflow
def test_commands_are_those_of_the_repository(path):
    commands = " ".join(step["run"] for step in steps(path) if "run" in step)
    for script in re.findall(r"(?<![\w/])\.ci/\w+", commands):
        assert (ROOT / script).stat().st_mode & 0o100
    for module in re.findall(r"-m (bench[\w.]*)", commands):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


@each_workflow
def test_nothing_of_a_pull_request_is_pasted_into_a_shell(path):
    """What a stranger writes reaches commands through the environment alone."""
    assert not any("${{" in step.get("run", "") for step in steps(path))


@each_workflow
def test_every_job_ends_and_has_no_more_rights_than_it_says(path):
    content = yaml.safe_load(path.read_text())
    assert content["permissions"]
    assert all(job["timeout-minutes"] <= 60 for job in content["jobs"].values())


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("", []),
        (
            "a.track_time('discrete', 4) ; b.track_error",
            ["--accept", "a.track_time('discrete', 4)", "--accept", "b.track_error"],
        ),
        ("$(touch pasted) `touch pasted`", ["--accept", "$(touch pasted) `touch pasted`"]),
    ],
)
def test_a_night_that_is_started_by_hand_accepts_what_is_named(tmp_path, given, options):
    (step,) = (step for step in steps(ROOT / ".github/workflows/nightly.yml") if ".ci/nightly" in step.get("run", ""))
    assert step["env"] == {"ACCEPT": "${{ inputs.accept }}"}
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "nightly"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    script.chmod(0o755)
    command = ["bash", "-e", "-c", step["run"]]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"ACCEPT": given}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:-1] == (options or [""])
    assert not (tmp_path / "pasted").exists()


@pytest.mark.parametrize("name", ["run", "nightly"])
def test_scripts_are_valid_bash(name):
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / name)], check=True)
