"""Buckets and addresses that are no place for a store: a sentence and exit code 2, before a cell runs."""

from pathlib import Path

import pytest
from s3_server import Server, everything_is_refused, writing_is_refused
from typer.testing import CliRunner

import bench.run
from bench.store import bucket as bucket_module
from bench.store import place_of
from bench.store.__main__ import app


def sentence(address: str, how: str) -> str:
    """What a run, a reader or the store's own command says; each must end with exit code 2 and no traceback."""
    grid = str(Path(__file__).parent / "tiny" / "grid.toml")
    match how:
        case "run":
            words = ["--grid", grid, "--backend", "inline", "--out", address]
            result = CliRunner().invoke(bench.run.app, words, env={"COLUMNS": "400"})
        case "status":
            result = CliRunner().invoke(app, ["status", address], env={"COLUMNS": "400"})
        case _:
            raise AssertionError(how)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize("how", ["run", "status"])
def test_a_bucket_that_is_not_there_is_a_sentence(server: Server, how: str, monkeypatch):
    monkeypatch.setattr("bench.backends.inline.run_cell", lambda *_: pytest.fail("a cell ran"))
    assert "there is no such bucket: make it" in sentence(server.address("x", bucket="absent"), how)


@pytest.mark.parametrize("how", ["run", "status"])
def test_a_bucket_that_refuses_is_a_sentence(server: Server, address: str, how: str):
    server.fault = everything_is_refused
    assert "refuses these credentials; they need s3:ListBucket" in sentence(address, how)


def test_a_bucket_that_can_be_read_alone_is_refused_before_a_cell_runs(server: Server, address: str, monkeypatch):
    monkeypatch.setattr("bench.backends.inline.run_cell", lambda *_: pytest.fail("a cell ran"))
    server.fault = writing_is_refused
    assert "refuses these credentials" in sentence(address, "run")
    server.fault = lambda number, method: None
    assert place_of(address).entries() == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://", "names no bucket"),
        ("s3://bucket/x?regoin=us-east-1", "unknown option regoin; there are: endpoint_override, region, scheme"),
        ("gs://bucket/x", "a store is a folder or s3://BUCKET/PREFIX"),
        ("s3://key:secret@bucket/x", "no credentials in the address"),
        ("s3://bucket/x?endpoint_override=127.0.0.1:1&scheme=http&region=r", "is the endpoint right"),
    ],
)
def test_an_address_that_cannot_be_one_is_a_sentence(address: str, said: str, server: Server, monkeypatch):
    monkeypatch.setattr(bucket_module, "FIRST_PATIENCE_S", 0.1)
    shown = sentence(address, "run")
    assert said in shown
    assert "secret@" not in shown
