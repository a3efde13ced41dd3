"""Folders that are no place for a store, said before anything is written."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.store import Store, StoreError, check_usable, place_of, read


@pytest.mark.parametrize("use", [check_usable, lambda folder: Store(folder, "a")])
def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, use):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="is a file, not a folder"):
        use(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, mode: int):
    (tmp_path / "file").touch(mode)
    (tmp_path / "file").chmod(mode)
    with pytest.raises(StoreError, match="cannot be written"):
        check_usable(tmp_path / "file" / "store")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path):
    (tmp_path / "closed").mkdir(0o500)
    with pytest.raises(StoreError, match="no permission"):
        check_usable(tmp_path / "closed" / "store")


@pytest.fixture
def read_only(tmp_path: Path, make_row) -> Iterator[Path]:
    """A file system that cannot be written any more, with a store on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a file system")
    try:
        with Store(disk / "store", "a") as store:
            store.append(make_row(1))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_store_on_a_read_only_disk_can_be_read_and_is_refused_to_writers(read_only: Path):
    assert read(read_only / "store")["cell_id"].tolist() == ["1"]
    assert place_of(read_only / "store").written_by() is None
    for folder in (read_only / "store", read_only / "another"):
        for use in (check_usable, lambda folder: Store(folder, "b")):
            with pytest.raises(StoreError, match=r"the file system of .* is read-only; choose another folder"):
                use(folder)
