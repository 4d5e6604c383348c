"""Where the SQLite file lies: links, rights, room and file systems, all found out before anything is bought."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runner.core.errors import LedgerUnusable
from runner.ledger.sqlite import open_sqlite
from runner.ledger.storage import check_place, doubtful_file_system
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


MOUNTS = (
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "23 22 0:40 / /data rw shared:1 - nfs4 host:/export rw\n"
    "24 22 0:41 / /mnt/with\\040space rw - fuse.sshfs host: rw\n"
    "25 22 0:42 / /tmp rw - tmpfs none rw\n"
    "26 22 0:43 / /win rw - ext4 /dev/vdb rw\n"
    "27 26 0:44 / /win rw - cifs //host/share rw\n"
    "28 22 0:45 / /vm rw - virtiofs share rw\n"
    "29 22 0:46 / /new rw - shinyfs /dev/vdc rw\n"
    "30 22 0:47 / /layer rw - overlay overlay rw\n"
)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/data/ledgers", "nfs4"),
        ("/data", "nfs4"),
        ("/database", None),
        ("/mnt/with space/x", "fuse.sshfs"),
        ("/tmp/x", None),
        ("/win", "cifs"),
        ("/vm/x", "virtiofs"),
        ("/new", "shinyfs"),
        ("/layer/x", None),
    ],
)
def test_only_local_file_systems_are_relied_on(folder: str, kind: str | None) -> None:
    """Places where the locks of a database are not known to hold are told from local ones, by their mount."""
    assert doubtful_file_system(Path(folder), MOUNTS) == kind
    assert doubtful_file_system(Path(folder), "") is None


def test_a_file_system_is_refused_until_it_is_trusted_by_its_name() -> None:
    """The refusal names the type and the option; another trusted type does not help, the very one does."""
    place = Path("/vm/ledgers/orders.ledger")
    for other in (None, "9p"):
        with pytest.raises(LedgerUnusable, match="of type virtiofs") as caught:
            check_place(place, other, MOUNTS)
        assert "--trust-file-system virtiofs" in str(caught.value.hint)
    check_place(place, "virtiofs", MOUNTS)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".acme.lock", ".acme.emergency"])
def test_a_file_that_is_a_mount_of_its_own_is_refused(ending: str) -> None:
    """The ledger, its log or its lock, mounted alone, is refused whatever file system it is on, and trusted or not."""
    mounts = f"{MOUNTS}31 22 254:0 /l /srv/a\\040b/orders.ledger{ending} rw - ext4 /dev/vda rw\n"
    place = Path("/srv/a b/orders.ledger")
    with pytest.raises(LedgerUnusable, match="a mount of its own"):
        check_place(place, "ext4", mounts)
    check_place(place.with_name("other.ledger"), None, mounts)
    check_place(place / "deeper.ledger", None, mounts)


def test_a_folder_that_is_a_mount_is_fine() -> None:
    """A mounted folder has ledger, log and lock together."""
    for mounted in ("/srv", "/srv/orders.ledger.d", "/srv/orders.ledger-backup"):
        check_place(Path("/srv/orders.ledger"), None, f"{MOUNTS}31 22 254:0 /l {mounted} rw - ext4 /dev/vda rw\n")


def test_a_ledger_on_a_doubtful_file_system_is_opened_by_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and writing are refused there, and work where the user trusts it."""
    monkeypatch.setattr("runner.ledger.storage.doubtful_file_system", lambda folder, mounts: "gpfs")
    refusal(path)
    refusal(path, read_only=True)
    open_sqlite(path, "acme", trusted="gpfs").close()
