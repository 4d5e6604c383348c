"""What `manifest.check` and `manifest.load` promise beyond single findings."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from runner import manifest
from runner.core.errors import Span, UsageError
from runner.core.yamldoc import source
from runner.manifest.judging import MAX_PROBLEMS

HEAD = "apiVersion: orders/v1\nbatch: b\norders:\n"


def order(name: str, tariff: object = 1) -> str:
    return f"  - name: {name}\n    type: resident\n    tarifId: {tariff}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def codes(checked: manifest.Checked) -> list[str]:
    return [problem.code for problem in checked.problems]


def test_a_refusal_can_point_at_each_field(tmp_path: Path) -> None:
    """Every field of an order keeps its place, also one that is inherited, for a refusal that comes minutes later."""
    text = (
        "apiVersion: orders/v1\nbatch: b\ndefaults: {periodId: 1m}\norders:\n"
        "  - name: a\n    type: mix\n    countryId: 561\n    quantity: 5\n"
    )
    (loaded,) = manifest.load([str(write(tmp_path / "m.yaml", text))]).orders
    assert loaded.source.of("countryId") == Span(line=7, column=16, end_line=7, end_column=19)
    assert loaded.source.of("periodId") == Span(line=3, column=22, end_line=3, end_column=24)
    assert loaded.source.of("coupon") == loaded.source.span == Span(line=5, column=11, end_line=5, end_column=12)
    assert set(loaded.source.fields) == {"periodId", "name", "type", "countryId", "quantity"}
    with pytest.raises(KeyError):
        loaded.source.fields["coupon"]


def test_money_is_decimal(tmp_path: Path) -> None:
    """An amount keeps its digits: it is never a binary float."""
    text = HEAD + order("a") + '    max_total: "0.10"\n'
    (loaded,) = manifest.load([str(write(tmp_path / "m.yaml", text))]).orders
    assert loaded.max_total == Decimal("0.10")
    assert str(loaded.max_total) == "0.10"


def test_stdin_is_read_once_by_its_name() -> None:
    """`-` reads standard input, and findings carry that name."""
    checked = manifest.check(["-", "-"], stdin=io.BytesIO((HEAD + order("a", "x")).encode()))
    assert [(problem.code, problem.place) for problem in checked.problems] == [("PSR205", "-:6:14")]
    assert checked.count == 1


def test_stdin_may_be_a_pipe_with_late_fields() -> None:
    """Input that cannot be read twice may still have its batch after its orders."""
    text = "orders:\n" + order("a") + "batch: b\napiVersion: orders/v1\n"
    read, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    with os.fdopen(read, "rb") as stream:
        assert [str(found.key) for found in manifest.load(["-"], stdin=stream).orders] == ["b/a"]


def test_a_named_pipe_is_a_manifest_too(tmp_path: Path) -> None:
    """A path that is no plain file, such as a shell's process substitution, is read to its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_text, args=("orders:\n" + order("a") + HEAD.removesuffix("orders:\n"),))
    feeder.start()
    loaded = manifest.load([str(pipe)])
    feeder.join()
    assert [str(found.key) for found in loaded.orders] == ["b/a"]


def test_strict_turns_warnings_into_errors(tmp_path: Path) -> None:
    """A purpose left out is a warning, and an error with `strict`."""
    text = HEAD + "  - {name: a, type: ipv4, countryId: 1, periodId: 1m, quantity: 1}\n"
    path = str(write(tmp_path / "m.yaml", text))
    assert (manifest.check([path]).errors, codes(manifest.check([path]))) == (0, ["PSR211"])
    assert manifest.check([path], strict=True).errors == 1
    assert len(manifest.load([path]).orders) == 1


def test_orders_with_errors_are_left_out_and_others_kept(tmp_path: Path) -> None:
    """`orders` holds what is right, in the order it is written, and `count` counts all."""
    text = HEAD + order("a") + order("b", "x") + order("c") + order("a")
    loaded = manifest.load([str(write(tmp_path / "m.yaml", text))])
    assert [found.key.name for found in loaded.orders] == ["a", "c"]
    assert loaded.count == 4


def test_a_folder_is_walked_in_order_without_hidden_parts(tmp_path: Path) -> None:
    """*.yaml and *.yml at any depth, sorted; hidden files and folders and other files are left out."""
    for name in ("b.yaml", "a.yml", "sub/c.yaml", ".github/x.yaml", ".d.yaml", "orders.lock.json", "e.yaml.bak"):
        write(tmp_path / name, HEAD + order(name[0].replace(".", "x").replace("s", "c")))
    found = manifest.discover([str(tmp_path)])
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found.paths] == ["a.yml", "b.yaml", "sub/c.yaml"]
    assert not found.problems


def test_a_folder_with_a_lockfile_of_its_own_is_left_out(tmp_path: Path) -> None:
    """Below a given folder it is for a call of its own, and said so; given itself, or with `--lockfile`, it is walked."""
    for name in ("a.yaml", "team/deep/b.yaml", "team/c.yaml"):
        write(tmp_path / name, HEAD + order(Path(name).stem))
    write(tmp_path / "team" / "orders.lock.json", "{}")
    team = str(tmp_path / "team")
    loaded = manifest.load([str(tmp_path)])
    assert ([str(request.key) for request in loaded.orders], loaded.left_out) == (["b/a"], (team,))
    assert manifest.check([str(tmp_path), str(tmp_path / "*")]).left_out == (team,)
    for paths, apart in (([team], True), ([str(tmp_path)], False)):
        loaded = manifest.load(paths, apart=apart)
        assert ({"b/b", "b/c"} - {str(request.key) for request in loaded.orders}, loaded.left_out) == (set(), ())


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """By name, by folder, by glob and through a link, one file is one file."""
    write(tmp_path / "m.yaml", HEAD + order("a"))
    (tmp_path / "link.yaml").symlink_to(tmp_path / "m.yaml")
    paths = [str(tmp_path), str(tmp_path / "m.yaml"), str(tmp_path / "*.yaml"), str(tmp_path / "link.yaml")]
    checked = manifest.check(paths)
    assert (checked.count, checked.problems) == (1, ())


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    """A folder that contains a link to itself is walked once."""
    write(tmp_path / "sub" / "m.yaml", HEAD + order("a"))
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    assert len(manifest.discover([str(tmp_path)]).paths) == 1


def test_paths_read_as_the_user_spelled_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings name a file as it was named, and below a folder relative to how that was named."""
    write(tmp_path / "m" / "a.yaml", "x")
    monkeypatch.chdir(tmp_path)
    assert manifest.check(["m"]).problems[0].path == "m/a.yaml"
    assert manifest.check(["."]).problems[0].path == "m/a.yaml"
    assert manifest.check(["./m/a.yaml"]).problems[0].path == "./m/a.yaml"


@pytest.mark.parametrize("name", ["nothing.yaml", "no/folder", ""])
def test_a_missing_path_is_a_usage_error(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is not there stops the call and says so."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no"):
        manifest.check([name])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_a_usage_error(tmp_path: Path) -> None:
    """A file without read permission stops the call and says so."""
    path = write(tmp_path / "m.yaml", HEAD + order("a"))
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot read"):
        manifest.check([str(path)])


def test_a_file_that_vanishes_is_a_usage_error(tmp_path: Path) -> None:
    """A file that cannot be opened after it was found stops the call and says why."""
    with pytest.raises(UsageError, match="No such file"):
        source.TextSource.open(str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize("pattern", ["empty", "*.yaml"])
def test_a_folder_or_glob_without_manifests_is_a_finding(tmp_path: Path, pattern: str) -> None:
    """Nothing to check is not a success."""
    (tmp_path / "empty").mkdir()
    checked = manifest.check([str(tmp_path / pattern)])
    assert codes(checked) == ["PSR302"]
    assert checked.errors == 1


def test_a_late_batch_leaves_no_trace_of_the_first_reading(tmp_path: Path) -> None:
    """Reading a file again, because its batch stood last, reports and counts nothing twice, and keys still clash."""
    late = "orders:\n" + order("a") + order("b", "x") + "batch: b\napiVersion: orders/v1\n"
    first = write(tmp_path / "1.yaml", late)
    second = write(tmp_path / "2.yaml", late)
    loaded = manifest.load([str(first), str(second)])
    assert codes(loaded) == ["PSR205", "PSR301", "PSR301", "PSR205"]
    assert (loaded.count, len(loaded.orders)) == (4, 1)


def test_keys_are_unique_over_all_files(tmp_path: Path) -> None:
    """Two orders of one key in two files are found, with both places; other batches may use the name."""
    first = write(tmp_path / "1.yaml", HEAD + order("a"))
    second = write(tmp_path / "2.yaml", HEAD + order("c") + order("a"))
    third = write(tmp_path / "3.yaml", HEAD.replace("batch: b", "batch: other") + order("a"))
    problem = next(
        found for found in manifest.check([str(first), str(second), str(third)]).problems if found.key == "b/a"
    )
    assert (problem.code, problem.place, problem.key) == ("PSR301", f"{second}:7:11", "b/a")
    assert f"{first}:4:11" in problem.message


def test_a_bad_default_is_one_finding(tmp_path: Path) -> None:
    """A wrong default is reported once where it stands, not once for each order that inherits it."""
    text = "apiVersion: orders/v1\nbatch: b\ndefaults: {paymentId: 2}\norders:\n" + order("a") + order("c")
    checked = manifest.check([str(write(tmp_path / "m.yaml", text))])
    assert [(problem.code, problem.span and problem.span.line) for problem in checked.problems] == [("PSR106", 3)]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    """A file larger than the limit is refused by its size alone."""
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(source.MAX_BYTES + 1)
    checked = manifest.check([str(path)])
    assert codes(checked) == ["PSR003"]
    assert "64 MiB" in checked.problems[0].message
    assert checked.files == ()


def test_stdin_over_the_limit_is_refused() -> None:
    """Standard input has the same limit as a file."""
    stream = io.BytesIO(b"#" * (source.MAX_BYTES + 1))
    assert codes(manifest.check(["-"], stdin=stream)) == ["PSR003"]


def test_findings_without_end_are_cut_off(tmp_path: Path) -> None:
    """A file that is wrong everywhere is given up, and that is said."""
    text = HEAD + "  - x\n" * (MAX_PROBLEMS + 50)
    checked = manifest.check([str(write(tmp_path / "m.yaml", text))])
    assert checked.problems[0].code == "PSR303"
    assert len(checked.problems) == MAX_PROBLEMS + 2


@pytest.mark.parametrize(
    "text",
    ["".join(f"f{n}: 1\n" for n in range(20_000)), "---\n" * 20_000, "---\na: 1\n" * 20_000],
    ids=["fields", "empty documents", "documents"],
)
def test_what_is_no_manifest_is_given_up(tmp_path: Path, text: str) -> None:
    """Fields or documents without end are not kept in memory: the file is given up, and that is said."""
    checked = manifest.check([str(write(tmp_path / "m.yaml", text))])
    assert checked.problems[0].code == "PSR303"
    assert len(checked.problems) <= MAX_PROBLEMS + 2


def test_files_are_known_by_their_hash(tmp_path: Path) -> None:
    """Each file that was read is listed with the SHA-256 of its bytes, also one with errors in the middle."""
    good = write(tmp_path / "1.yaml", HEAD + order("a"))
    bad = write(tmp_path / "2.yaml", HEAD + "  - [\n  - {\n" + "# more\n" * 50_000)
    checked = manifest.check([str(good), str(bad)])
    assert {file.path: file.sha256 for file in checked.files} == {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in (good, bad)
    }


def test_problems_are_sorted_by_file_and_place(tmp_path: Path) -> None:
    """Findings come in the order in which a reader meets them."""
    for name in ("b.yaml", "a.yaml"):
        write(
            tmp_path / name,
            "colour: x\n" + HEAD.replace("batch: b", f"batch: {name[0]}") + order("a", "x") + "    y: 1\n",
        )
    places = [
        problem.place for problem in manifest.check([str(tmp_path / "b.yaml"), str(tmp_path / "a.yaml")]).problems
    ]
    assert places == [f"{tmp_path}/{name}:{place}" for name in ("a.yaml", "b.yaml") for place in ("1:1", "7:14", "8:5")]


def test_the_collector_is_left_as_it_was(tmp_path: Path) -> None:
    """Reading switches the cyclic collector off only for itself, whatever happens."""
    write(tmp_path / "m.yaml", HEAD + order("a"))
    assert gc.isenabled()
    manifest.check([str(tmp_path)])
    assert gc.isenabled()
    gc.disable()
    try:
        manifest.check([str(tmp_path)])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_checking_a_valid_manifest_loads_no_jsonschema(tmp_path: Path) -> None:
    """The slow authority is imported only where something is wrong, the gate only where there is an order."""
    path = write(tmp_path / "m.yaml", HEAD + order("a"))
    script = (
        "import json, sys\nfrom runner import manifest\n"
        "before = set(sys.modules)\nmanifest.check([sys.argv[1]])\n"
        "print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True)
    before, after = json.loads(done.stdout)
    assert not {"jsonschema", "jsonschema_rs", "difflib", "httpx", "sqlalchemy", "click"} & set(before)
    assert "jsonschema_rs" in after
    assert not {"jsonschema", "referencing", "difflib"} & set(after)
