"""Where a call writes: never over its own files, never twice into one, and only where it can: all known before money."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import HELD_TO_PERMISSIONS, MANIFEST, World, ipv4

POLICY = "order-runner.yaml"
LOCK = "orders.lock.json"
PLAN = "plan.json"

Call = tuple[str, ...]
EVERYWHERE: dict[str, Call] = {
    "apply --report": ("apply", "--yes", "--report", "{}", MANIFEST),
    "apply -f": ("apply", "--yes", "-f", "text", "-f", "junit={}", MANIFEST),
    "apply -f ndjson": ("apply", "--yes", "-f", "text", "-f", "ndjson={}", MANIFEST),
    "apply --dry-run": ("apply", "--dry-run", "--report", "{}", MANIFEST),
    "plan --out": ("plan", "--out", "{}", MANIFEST),
    "plan --report": ("plan", "--report", "{}", MANIFEST),
    "plan -f": ("plan", "-f", "markdown={}", MANIFEST),
    "validate": ("validate", "-f", "json={}", MANIFEST),
    "status": ("status", "-f", "json={}", MANIFEST),
    "doctor": ("doctor", "-f", "json={}", MANIFEST),
    "lock": ("lock", "-f", "json={}", MANIFEST),
}
"""Every output of a command that reads manifests."""
ANYWHERE: dict[str, Call] = {
    "reconcile": ("reconcile", "-f", "json={}"),
    "reference": ("reference", "ipv4", "-f", "json={}"),
    "explain": ("explain", "-f", "json={}", "ipv4"),
    "export": ("ledger", "export", "-o", "{}"),
    "verify": ("ledger", "verify", "-f", "json={}"),
    "render": ("report", "render", "first.json", "-f", "html={}"),
    "lockfile": ("lock", "--lockfile", "{}", MANIFEST),
    "state": ("sandbox", "--state", "{}"),
}
"""Every output of a command that does not, and files that are written only at need."""
LEDGER_FILES = (
    "orders.ledger",
    "orders.ledger-wal",
    "orders.ledger-shm",
    "orders.ledger.default.lock",
    "orders.ledger.default.emergency",
    "orders.ledger.other.lock",
)


def furnish(world: World) -> None:
    """A bought order and every file that a call may live on."""
    world.manifest(ipv4("a"))
    world.write(POLICY, "apiVersion: policy/v1\nallow:\n  types: [ipv4]\n")
    assert world.run("lock", MANIFEST).code == 0
    world.write(LOCK, '{"lockfile_version": "1.0", "entries": []}\n') if not (world.root / LOCK).exists() else None
    assert world.apply("--report", "first.json", MANIFEST).code == 0
    assert world.run("plan", "--out", PLAN, MANIFEST).code == 0


def contents(world: World) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in world.root.rglob("*") if path.is_file()}


def assert_refused(world: World, call: Call, target: str, **process: Any) -> None:
    """Exit 2, which names the file; the vendor is not asked, and no file is made, changed or gone."""
    before, asked = contents(world), len(world.box.requests)
    result = world.run(*(word.format(target) for word in call), reported=False, **process)
    assert result.code == 2, (call, result.output)
    assert Path(target).name in result.err
    assert (len(world.box.requests), contents(world)) == (asked, before)


@pytest.mark.parametrize("target", LEDGER_FILES)
def test_no_output_goes_over_the_ledger(world: World, target: str) -> None:
    """The file, its log, its locks and emergency files, of this account or another, be they there or not."""
    furnish(world)
    for call in (EVERYWHERE | ANYWHERE).values():
        assert_refused(world, call, target)


@pytest.mark.parametrize("target", [MANIFEST, POLICY, LOCK, "key"])
def test_no_output_goes_over_what_the_call_reads(world: World, target: str) -> None:
    """Manifest, policy, lockfile, key file."""
    furnish(world)
    world.key_file()
    for call in EVERYWHERE.values():
        assert_refused(world, call, target, env={"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": "key"})


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (("apply", "--report", "{}", PLAN), PLAN),
        (("apply", "-f", "junit={}", PLAN), PLAN),
        (("report", "render", "first.json", "-f", "html={}"), "first.json"),
        (("ledger", "verify", "export.jsonl", "-f", "json={}"), "export.jsonl"),
        (("ledger", "import", "export.jsonl", "-f", "json={}"), "export.jsonl"),
        (("apply", "--yes", "--policy", "more.yaml", "--report", "{}", MANIFEST), "more.yaml"),
        (("validate", "--lockfile", "more.json", "-f", "json={}", MANIFEST), "more.json"),
        (("validate", "-f", "json={}", "."), MANIFEST),
        (("validate", "-f", "json={}", "*.yaml"), MANIFEST),
        (("apply", "--yes", "--api-key-file", "key", "--report", "{}", MANIFEST), "key"),
        (("validate", "-f", "json={}", "--lockfile", LOCK, "elsewhere"), "elsewhere/" + POLICY),
    ],
)
def test_no_output_goes_over_what_a_command_names(world: World, call: Call, target: str) -> None:
    """A plan document, a report, an export, a named policy or lockfile, a manifest by its folder or a glob, a policy of
    another folder."""
    furnish(world)
    assert world.run("ledger", "export", "-o", "export.jsonl").code == 0
    world.write("more.yaml", "apiVersion: policy/v1\n")
    world.write("more.json", (world.root / LOCK).read_text() if (world.root / LOCK).exists() else "{}")
    world.manifest(ipv4("c"), name="elsewhere/c.yaml", batch="elsewhere")
    world.write("elsewhere/" + POLICY, "apiVersion: policy/v1\n")
    world.key_file()
    assert_refused(world, call, target)


def spellings() -> dict[str, Callable[[Path], str]]:
    """Other names for a file of the working folder."""

    def through_folder(path: Path) -> str:
        if not (path.parent / "linked").exists():
            (path.parent / "linked").symlink_to(".")
        return f"linked/{path.name}"

    def symbolic(path: Path) -> str:
        (path.parent / f"{path.name}.link").symlink_to(path.name)
        return f"{path.name}.link"

    def hard(path: Path) -> str:
        (path.parent / f"{path.name}.hard").hardlink_to(path)
        return f"{path.name}.hard"

    return {
        "dot": lambda path: f"./{path.name}",
        "absolute": str,
        "up and down": lambda path: f"../{path.parent.name}/{path.name}",
        "linked folder": through_folder,
        "link": symbolic,
        "hard link": hard,
    }


@pytest.mark.parametrize("spelling", spellings())
def test_a_file_is_told_by_what_it_is(world: World, spelling: str) -> None:
    """However it is spelled: with dots, absolute, through links."""
    furnish(world)
    for target in ("orders.ledger", MANIFEST, POLICY):
        name = spellings()[spelling](world.root / target)
        assert_refused(world, ("apply", "--yes", "--report", "{}", MANIFEST), name)


def test_a_manifest_that_is_a_link_to_the_output_is_told(world: World) -> None:
    """The link is in the folder of manifests, its target is where the output would go."""
    furnish(world)
    (world.root / "many").mkdir()
    (world.root / MANIFEST).rename(world.root / "out.yaml")
    (world.root / "many" / MANIFEST).symlink_to("../out.yaml")
    assert_refused(world, ("validate", "-f", "json={}", "many"), "out.yaml")


@pytest.mark.parametrize(
    "call",
    [
        ("apply", "--yes", "-f", "json={}", "-f", "junit={}", MANIFEST),
        ("apply", "--yes", "-f", "json={}", "-f", "json={}", MANIFEST),
        ("apply", "--yes", "-f", "json={}", "-f", "json=./{}", MANIFEST),
        ("apply", "--yes", "-f", "json={}", "-f", "html=linked/{}", MANIFEST),
        ("apply", "--yes", "-f", "ndjson={}", "-f", "ndjson={}", MANIFEST),
        ("apply", "--yes", "-f", "json={}", "--report", "{}", MANIFEST),
        ("plan", "--out", "{}", "-f", "json={}", MANIFEST),
        ("plan", "--out", "{}", "--report", "linked/{}", MANIFEST),
        ("validate", "-f", "json={}", "-f", "sarif={}", MANIFEST),
        ("report", "render", "first.json", "-f", "json={}", "-f", "html={}"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "old"])
def test_two_outputs_are_two_files(world: World, call: Call, is_there: bool) -> None:
    """One file for two outputs is exit 2, whether it is there already or not."""
    furnish(world)
    (world.root / "linked").symlink_to(".")
    if is_there:
        world.write("out", "before")
    assert_refused(world, call, "out")


def test_the_usual_report_is_an_output_like_any_other(world: World) -> None:
    """`-f json=report.json` beside the report that `apply` writes there unasked."""
    furnish(world)
    assert_refused(world, ("apply", "--yes", "-f", "json={}", MANIFEST), "report.json")


@pytest.mark.parametrize("target", ["out.json", "orders.ledger", MANIFEST])
def test_stdout_is_an_output_like_any_other(world: World, target: str) -> None:
    """`plan --out FILE … >> FILE`, and stdout into the ledger or a manifest: exit 2, and nothing written there."""
    furnish(world)
    path = world.root / target
    before = path.read_bytes() if path.exists() else b""
    with path.open("ab") as stream:
        process = world.start("plan", "--out", "out.json", MANIFEST, stdout=stream)
        result = world.finish(process, "plan", MANIFEST)
    assert (result.code, path.read_bytes()) == (2, before)
    assert "stdout" in result.err


def test_upper_and_lower_case_count_where_the_file_system_counts_them(world: World) -> None:
    """Two new files whose names differ in case are two files here."""
    world.manifest(ipv4("a"))
    assert world.apply("-f", "json=OUT", "-f", "junit=out", MANIFEST).code == 0
    assert (world.root / "OUT").read_bytes() != (world.root / "out").read_bytes()


def bound(path: str) -> str:
    """A prelude that mounts a file over itself, as a container that is given a single file has it."""
    return (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
        "assert not libc.unshare(0x00020000); "
        "assert not libc.mount(b'none', b'/', None, 0x44000, None); "
        f"assert not libc.mount({path.encode()!r}, {path.encode()!r}, None, 0x1000, None)"
    )


mounts = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@mounts
def test_a_file_that_is_mounted_is_found_out_before_money(world: World) -> None:
    """An output that is a mount point can be written and not replaced: exit 2, and nothing asked or bought."""
    world.manifest(ipv4("a"))
    path = world.root / "mounted file"
    path.write_text("before")
    for call in EVERYWHERE.values():
        result = world.run(*(word.format(path) for word in call), reported=False, prelude=bound(str(path)))
        assert result.code == 2, result.output
        assert "mount its folder" in result.err
        assert (world.box.requests, path.read_text()) == ((), "before")


@pytest.mark.parametrize("place", ["closed/out", "no/such/out", "/proc/out"])
def test_a_place_that_takes_no_file_is_found_out_before_money(world: World, place: str) -> None:
    """A folder without permission, none at all, one where no file can be made."""
    world.manifest(ipv4("a"))
    (world.root / "closed").mkdir(mode=0o500)
    for call in EVERYWHERE.values():
        assert_refused(world, call, place, prelude=HELD_TO_PERMISSIONS)
    assert world.box.requests == ()


def test_an_output_that_fails_after_the_purchase_is_no_usage(world: World) -> None:
    """Its folder goes away while an order is in flight: exit 0 of the purchase, the summary printed, the output named."""
    (world.root / "out").mkdir()
    world.manifest(ipv4("a"), ipv4("b"))
    world.hold_answer(1)
    call = ("apply", "--yes", "-f", "junit=out/junit.xml", "-f", "text", MANIFEST)
    process = world.start(*call)
    world.wait_for(lambda: world.bought == ["a"], process)
    (world.root / "out").rename(world.root / "gone")
    world.release()
    result = world.finish(process, *call)
    assert (result.code, world.bought) == (0, ["a", "b"])
    assert "out/junit.xml cannot be written" in result.err
    assert "3.60 USD confirmed" in result.out


@pytest.mark.parametrize(("fault", "code"), [("no-funds@2", 6), ("reset-after@2", 7)])
def test_a_failed_output_changes_no_exit_code(world: World, fault: str, code: int) -> None:
    """The same where an order was refused or is in doubt."""
    (world.root / "out").mkdir()
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault(fault)
    world.hold_answer(1)
    call = ("apply", "--yes", "-f", "junit=out/junit.xml", "-f", "text", MANIFEST)
    process = world.start(*call)
    world.wait_for(lambda: world.bought == ["a"], process)
    (world.root / "out").rename(world.root / "gone")
    world.release()
    assert world.finish(process, *call).code == code


ANNOTATING: dict[str, Call] = {
    "apply": ("apply", "--yes", "-f", "github", "--report", "out.json", MANIFEST),
    "apply to a report of its own": ("apply", "--yes", "-f", "github", MANIFEST),
    "plan": ("plan", "-f", "github", "--report", "out.json", MANIFEST),
    "validate": ("validate", "-f", "github", "-f", "json=out.json", MANIFEST),
    "render": ("report", "render", "first.json", "-f", "github", "-f", "html=out.json"),
}
"""Every command that adds to the files of a step on GitHub."""


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
@pytest.mark.parametrize("name", ANNOTATING)
def test_the_files_of_a_step_are_none_of_the_calls_own(world: World, variable: str, name: str) -> None:
    """Where they lead to the ledger, to what the call reads or to one of its other outputs: exit 2, nothing changed."""
    furnish(world)
    os.link(world.ledger, world.root / "linked")
    call = ANNOTATING[name]
    own = {"render": ["first.json"], "validate": [MANIFEST, POLICY, LOCK]}.get(name, [MANIFEST, POLICY, LOCK, "key"])
    other = "report.json" if name == "apply to a report of its own" else "out.json"
    world.key_file()
    for target in (*own, "orders.ledger", "linked", "orders.ledger-wal", f"./{other}"):
        env = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": "key", variable: target}
        assert_refused(world, call, target, env=env)


def test_the_files_of_a_step_may_be_anything_else(world: World) -> None:
    """Both in one pipe or device, one that is not set to anything, one that nobody reads: no word against the run."""
    world.manifest(ipv4("a"))
    os.mkfifo(world.root / "pipe")
    for place in (os.devnull, "", "pipe", "new.md"):
        env = {"GITHUB_STEP_SUMMARY": place, "GITHUB_OUTPUT": place if place != "new.md" else "new.env"}
        assert world.run("apply", "--yes", "-f", "github", MANIFEST, env=env).code == 0
    assert (world.root / "new.env").read_text().startswith("exit-code=0\n")
