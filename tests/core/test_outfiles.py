"""Whether two names are one file, and whether a file can be put in a place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.core.outfiles import identity_of, ignores_case, is_mount_point, refuse_irreplaceable

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away, mount, or make one immutable")


def test_names_of_one_file_are_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, absolute, through links of files and folders: one file, be it there or not; others are others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to(".")
    (tmp_path / "dangling").symlink_to("file")
    names = [Path("file"), tmp_path / "file", Path("linked/linked/file"), Path("./file"), Path("dangling")]
    for _ in range(2):
        assert len({identity_of(name) for name in names}) == 1
        assert identity_of(Path("other")) != identity_of(names[0])
        (tmp_path / "file").touch()


def test_case_counts_where_a_folder_tells_it(tmp_path: Path) -> None:
    """New files whose names differ in case are two."""
    (tmp_path / "any").touch()
    assert not ignores_case(tmp_path)
    assert identity_of(tmp_path / "new") != identity_of(tmp_path / "NEW")


def test_case_does_not_count_where_a_folder_ignores_it(tmp_path: Path) -> None:
    """A folder whose files answer to both spellings, as on macOS: new files whose names differ in case are one."""
    (tmp_path / "any").touch()
    (tmp_path / "ANY").hardlink_to(tmp_path / "any")
    assert ignores_case(tmp_path)
    assert identity_of(tmp_path / "new") == identity_of(tmp_path / "NEW")
    assert identity_of(tmp_path / "e\u0301") == identity_of(tmp_path / "\u00c9")


def test_a_good_place_is_left_as_it_was(tmp_path: Path) -> None:
    """A new file, an old one: nothing is said, made or changed."""
    (tmp_path / "old").write_text("before")
    for name in ("old", "new"):
        refuse_irreplaceable(tmp_path / name)
        assert not is_mount_point(tmp_path / name)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can reach, as /tmp is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


REFUSAL = """
import os, sys
from pathlib import Path
from runner.core.outfiles import refuse_irreplaceable
os.setuid(int(sys.argv[1]))
try:
    refuse_irreplaceable(Path(sys.argv[2]))
except OSError as error:
    print(error.strerror or error)
"""


@root_only
def test_a_sticky_folder_guards_other_peoples_files(shared: Path) -> None:
    """As in /tmp: a file of another user can be read and not replaced, by its owner and a new one it can."""
    path = shared / "out"
    path.write_text("theirs")
    os.chown(path, 4242, -1)
    words = {
        (user, name): subprocess.check_output([sys.executable, "-c", REFUSAL, str(user), shared / name], text=True)
        for user in (4242, 4343)
        for name in ("out", "new")
    }
    assert [case for case, word in words.items() if word] == [(4343, "out")], words
    assert "only its owner may replace it" in words[4343, "out"]


@root_only
@pytest.mark.parametrize("mark", ["i", "a"])
@pytest.mark.parametrize("name", ["out", "."])
def test_a_file_that_is_marked_fixed_cannot_be_replaced(shared: Path, mark: str, name: str) -> None:
    """Immutable and append-only, the file or its folder: refused, and nothing left behind."""
    path = shared / "out"
    path.write_text("before")
    if subprocess.run(["chattr", f"+{mark}", shared / name], check=False).returncode:
        pytest.skip("this file system has no such marks")
    try:
        with pytest.raises(OSError, match=r"cannot be replaced|cannot be written|not permitted"):
            refuse_irreplaceable(path)
        assert [each.name for each in shared.iterdir()] == ["out"]
    finally:
        subprocess.run(["chattr", f"-{mark}", shared / name], check=True)
