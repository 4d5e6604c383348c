"""A file of secrets is private, whole, and nowhere that somebody else chose."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from runner.core import secretfile
from runner.core.secretfile import put_secret


def test_a_new_file_is_the_owner_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        put_secret(tmp_path / "file", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_old_file_is_replaced_and_not_written_to(tmp_path: Path) -> None:
    """Whoever has the old one open, with its old rights, reads nothing new."""
    old = tmp_path / "file"
    old.write_bytes(b"public")
    old.chmod(0o666)
    with old.open("rb") as reader:
        put_secret(old, b"secret")
        assert reader.read() == b"public"
    assert old.read_bytes() == b"secret"
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "hard link"])
def test_what_somebody_has_put_there_is_refused(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"theirs")
    make = {
        "link": lambda: place.symlink_to(other),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
        "hard link": lambda: place.hardlink_to(other),
    }
    make[kind]()
    with pytest.raises(OSError, match="refusing to write"):
        put_secret(place, b"secret")
    assert other.read_bytes() == b"theirs"


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(other)
    put_secret(tmp_path / "file", b"secret")
    assert other.read_bytes() == b"theirs"


def test_a_system_without_nameless_files_has_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secretfile, "_NAMELESS", 0)
    put_secret(tmp_path / "file", b"secret")
    assert (tmp_path / "file").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """On `/dev/full` there is no room for a folder; a limit of this process is as good as a full disk."""
    import resource
    import signal

    place = tmp_path / "file"
    place.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError) as failure:
            put_secret(place, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert failure.value.errno == errno.EFBIG
    assert place.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
