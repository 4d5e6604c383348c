"""Where the SQLite file lies: links, rights, room and file systems, all found out before anything is bought."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runner.ledger.sqlite import open_sqlite
from runner.ledger.storage import network_file_system
from tests.ledger.conftest import Child, refusal

NOBODY = 65534


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".acme.lock", ".acme.emergency"])
@pytest.mark.parametrize("trick", ["symlink", "hardlink", "folder", "pipe"])
def test_links_and_special_files(tmp_path: Path, path: Path, ending: str, trick: str) -> None:
    """Nothing is written through a link, a pipe or a folder that somebody put where a file of the ledger goes."""
    path.parent.mkdir()
    victim, place = tmp_path / "victim", Path(f"{path}{ending}")
    victim.write_text("precious")
    {
        "symlink": lambda: place.symlink_to(victim),
        "hardlink": lambda: place.hardlink_to(victim),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }[trick]()
    refusal(path)
    assert victim.read_text() == "precious"


def test_dangling_link(path: Path) -> None:
    """A link to nowhere is not followed to make a file there."""
    path.parent.mkdir()
    path.symlink_to(path.parent / "elsewhere")
    refusal(path)
    assert not (path.parent / "elsewhere").exists()


@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o644), (0o755, 0o444)], ids=["folder", "file"])
def test_read_only_place(tmp_path: Path, folder: int, file: int, child: Child) -> None:
    """A file or folder that cannot be written is found out when the ledger is opened."""
    program = f"""
open_sqlite(Path(sys.argv[2]), 'acme').close()
if os.getuid() == 0:
    os.setuid({NOBODY})
try:
    open_sqlite(Path(sys.argv[1]), 'acme')
except Exception as error:
    print(type(error).__name__, error)
"""
    with TemporaryDirectory() as place:  # unlike tmp_path open to others, among them who the child becomes
        path = Path(place) / "ledger.db"
        open_sqlite(path, "acme").close()
        for found, mode in ((path, file), (path.parent, folder)):
            if os.getuid() == 0:
                os.chown(found, NOBODY, NOBODY)
            found.chmod(mode)
        output = child(program, path, tmp_path / "warm.db").communicate()[0]
        path.parent.chmod(0o700)
    assert output.startswith("LedgerUnusable")
    assert "cannot be written" in output


def test_full_disk_before_the_purchase(used: Path, child: Child) -> None:
    """Where a claim cannot be made durable it is refused, and leaves nothing behind."""
    program = """
import resource
with open_sqlite(Path(sys.argv[1]), 'acme').hold(holder(), timeout=0) as hold:
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        hold.claim(claim('two', ids=20000))
    except Exception as error:
        print(type(error).__name__)
    print(hold.claim(claim('three')).n)
"""
    assert child(program, used).communicate()[0] == "LedgerUnusable\n1\n"
    with closing(open_sqlite(used, "acme", read_only=True)) as ledger:
        assert [found.key.name for found in ledger.every_record()] == ["one", "three"]


def test_full_disk_names_the_way_out(tmp_path: Path, child: Child) -> None:
    """On a disk that is full, neither an order can be claimed nor an account be taken, and the user is told why."""
    program = """
import ctypes, subprocess
path = Path(sys.argv[1])
if os.getuid() or ctypes.CDLL(None).unshare(0x00020000):  # CLONE_NEWNS: a mount of its own
    sys.exit('no rights')
subprocess.run(['mount', '--make-rprivate', '/'], check=True)
subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=400k', 'none', path.parent], check=True)
with open_sqlite(path, 'acme').hold(holder(), timeout=0) as hold:
    bring(hold, 'one', State.PLACED)
try:
    (path.parent / 'filler').write_bytes(bytes(400_000))
except OSError:
    pass
for account in ('acme', 'other'):
    try:
        with open_sqlite(path, account).hold(holder(), timeout=0) as hold:
            for n in range(10_000):
                hold.claim(claim(f'more-{n}'))
    except Exception as error:
        print(type(error).__name__, error.hint)
"""
    started = child(program, tmp_path / "ledger.db", stderr=subprocess.PIPE)
    output, complaint = started.communicate()
    if started.returncode:
        pytest.skip(f"no small file system can be mounted here: {complaint.splitlines()[-1]}")
    assert output == "LedgerUnusable make room on the disk\n" * 2


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/data/ledgers", "nfs4"),
        ("/data", "nfs4"),
        ("/database", None),
        ("/mnt/with space/x", "fuse.sshfs"),
        ("/tmp/x", None),
        ("/win", "cifs"),
    ],
)
def test_network_file_systems_are_known(folder: str, kind: str | None) -> None:
    """Places where the locks of a database cannot be trusted are told from local ones, by their mount."""
    mounts = (
        "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "23 22 0:40 / /data rw shared:1 - nfs4 host:/export rw\n"
        "24 22 0:41 / /mnt/with\\040space rw - fuse.sshfs host: rw\n"
        "25 22 0:42 / /tmp rw - tmpfs none rw\n"
        "26 22 0:43 / /win rw - ext4 /dev/vdb rw\n"
        "27 26 0:44 / /win rw - cifs //host/share rw\n"
    )
    assert network_file_system(Path(folder), mounts) == kind
    assert network_file_system(Path(folder), "") is None
