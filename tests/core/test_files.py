"""Files that others rely on."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.core.files import open_private, private_folder, replace_atomically


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_are_private_under_any_umask(open_umask: None, tmp_path: Path) -> None:
    """With umask 000, files are 0600 and every folder that was made is 0700."""
    private_folder(tmp_path / "a" / "b")
    replace_atomically(tmp_path / "a" / "b" / "report", b"x")
    os.close(open_private(tmp_path / "a" / "b" / "ledger"))
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]
    assert [mode(tmp_path / "a" / "b" / name) for name in ("report", "ledger")] == [0o600, 0o600]


@pytest.mark.parametrize("kind", ["symlink", "dangling", "hardlink", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_written_through(kind: str, tmp_path: Path) -> None:
    """A link, pipe or folder in the place of a file is refused, and what it points at stays as it was."""
    other, path = tmp_path / "other", tmp_path / "report"
    other.write_bytes(b"precious")
    if kind == "symlink":
        path.symlink_to(other)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "hardlink":
        path.hardlink_to(other)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError, match="refusing"):
        replace_atomically(path, b"new")
    with pytest.raises(OSError, match="refusing"):
        open_private(path)
    assert other.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_replacement_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    """On a full disk the old content stays, and the temporary file is gone."""
    path = tmp_path / "report"
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path; from runner.core.files import replace_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "replace_atomically(Path(sys.argv[1]), b'x' * 100)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["report"]
