"""Hostile and enormous input: text is data, whoever sends it, and size alone breaks nothing."""

import json

import pytest
from harness import CANARY, MANIFEST, World, acting_characters, command_lines, ipv4

from runner.views import formats

HOSTILE = (
    "\x1b[31mred\x1b]0;owned\x07",
    "::error file=x::owned",
    "x\n::add-mask::owned\n##[error]owned",
    "##vso[task.complete]owned",
    "##teamcity[owned]",
    "%0A::stop-commands::owned\r::error::owned",
    "\u202eowned\u2028::error::\u2066\u200b",
    "</td><script>owned</script>|`owned`|[x](javascript:owned)",
    "[red]owned[/red] [link=file:///]x[/link]",
    "=cmd|' /C calc'!A0 owned",
    "\x00\x7f\x85\x9b31mowned",
    f"owned {CANARY} and {CANARY.lower()} and {''.join(f'%{ord(c):02X}' for c in CANARY)}",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_of_the_vendor_are_data(world: World, text: str) -> None:
    """A refusal full of escapes, CI commands, markup or the key itself is shown harmlessly in every format."""
    world.manifest(ipv4("a"))
    world.box.add_fault(f"calc-error:{text}")
    files = {name: world.root / f"out.{name}" for name in formats.NAMES}
    wanted = [part for name, path in files.items() for part in ("-f", f"{name}={path}")]
    result = world.apply("-v", "-f", "text", *wanted, MANIFEST)
    assert result.code == 5
    for name, path in files.items():
        made = path.read_text(encoding="utf-8")
        assert "owned" in made
        assert not acting_characters(made)
        assert not command_lines(made, github=name == "github")
    assert "owned" in result.out
    out = (world.root / "out.json").read_text(encoding="utf-8")
    assert not acting_characters(out)
    assert not command_lines(out)
    (finding,) = world.order("a")["errors"]
    assert finding["code"] == "PSR403"
    assert CANARY not in finding["vendor"]["message"]


@pytest.mark.parametrize(
    "command", [("plan",), ("plan", "-f", "json"), ("apply", "--dry-run"), ("apply", "--yes", "-f", "json")]
)
def test_hostile_words_are_data_in_every_command(world: World, command: tuple[str, ...]) -> None:
    """All of it at once, through every command that shows what the vendor said."""
    world.manifest(ipv4("a"))
    world.box.add_fault(f"calc-error:{' '.join(HOSTILE)}")
    result = world.run(*command, MANIFEST)
    assert result.code == 5
    assert "owned" in result.out


def test_findings_are_annotations_in_github_actions(world: World) -> None:
    """With GITHUB_ACTIONS=true `validate` writes one annotation a finding, with file, line and column, by itself."""
    world.manifest(ipv4("a", quantity=0), ipv4("b", quantiti=1))
    result = world.run("validate", MANIFEST, env={"GITHUB_ACTIONS": "true"})
    assert result.code == 4
    annotations = [line for line in result.out.splitlines() if line.startswith("::")]
    assert len(annotations) == 2
    line = world.line_of("quantity: 0")
    assert annotations[0].startswith(f"::error file={MANIFEST},line={line},")
    assert result.out == world.run("validate", "-f", "github", MANIFEST).out
    plain = world.run("validate", "-f", "text", MANIFEST, env={"GITHUB_ACTIONS": "true"})
    assert "::" not in plain.out
    assert world.run("validate", MANIFEST, env={"GITHUB_ACTIONS": "false"}).out == plain.out


def test_an_annotation_cannot_be_broken_out_of(world: World) -> None:
    """Newlines and commas of a manifest's own text stay inside their annotation."""
    world.write(
        "a,b.yaml", 'apiVersion: orders/v1\nbatch: b\norders:\n  - name: "x\\n::error::owned%0A"\n    type: ipv9\n'
    )
    result = world.run("validate", "-f", "github", "a,b.yaml")
    assert result.code == 4
    annotations = [line for line in result.out.splitlines() if line.startswith("::")]
    assert annotations
    assert all(line.startswith("::error file=a%2Cb.yaml,") for line in annotations)


def test_findings_can_go_to_a_file_and_to_the_screen(world: World) -> None:
    """`-f json=FILE` beside another format: both are written, the file whole, with a range for every finding."""
    world.manifest(ipv4("a", quantity=0))
    result = world.run("validate", "-f", "json=out.json", "-f", "text", MANIFEST)
    assert result.code == 4
    assert "PSR" in result.out
    document = json.loads((world.root / "out.json").read_text(encoding="utf-8"))
    (diagnostic,) = document["diagnostics"]
    line = world.line_of("quantity: 0")
    assert diagnostic["range"]["start"] == {"line": line, "column": 15}
    assert diagnostic["range"]["end"] == {"line": line, "column": 16}
    assert world.run("validate", "-f", "json", MANIFEST).json == document


def test_apply_in_github_actions_gives_no_commands(world: World) -> None:
    """A whole run under GITHUB_ACTIONS writes nothing that the log takes for a command."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault("close-after@2")
    world.make_ledger()
    result = world.apply(env={"GITHUB_ACTIONS": "true", "CI": "true"})
    assert result.code == 7
    assert "::" not in result.output


def test_a_hundred_thousand_orders_are_checked(world: World) -> None:
    """`validate` takes 100,000 orders, and finds the one that is wrong, and the one name that is used twice."""
    world.write(MANIFEST, large(99_998) + order("n99997") + order("last").replace("quantity: 1", "quantity: 0"))
    result = world.run("validate", "-f", "json=out.json", "-f", "text", MANIFEST)
    assert result.code == 4
    assert "(100,000 orders)" in result.out
    found = json.loads((world.root / "out.json").read_bytes())["diagnostics"]
    assert [diagnostic["code"] for diagnostic in found] == ["PSR301", "PSR207"]


@pytest.mark.long
def test_a_hundred_thousand_orders_are_planned_offline(world: World) -> None:
    """A dry run without network reports all 100,000 with their exact bodies."""
    world.write(MANIFEST, large(100_000))
    result = world.run("apply", "--dry-run=offline", MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    assert result.code == 0
    assert world.box.requests == ()
    text = (world.root / "report.json").read_text(encoding="ascii")
    assert '"planned": 100000,' in text
    assert all(f'"customTargetName": "n{n}"' in text for n in (0, 1, 50_000, 99_999))


def test_a_hundred_thousand_mistakes_are_not_all_told(world: World) -> None:
    """A file that is wrong throughout is exit 4 with a bounded number of findings."""
    world.write(MANIFEST, large(100_000).replace("quantity: 1", "quantity: 0"))
    result = world.run("validate", "-f", "json", MANIFEST)
    assert result.code == 4
    found = result.json["diagnostics"]
    assert 1000 < len(found) < 20_000
    assert "PSR303" in {diagnostic["code"] for diagnostic in found}


def order(name: str) -> str:
    rows = f"type: ipv4\n    countryId: 561\n    periodId: 1m\n    quantity: 1\n    customTargetName: {name}\n"
    return f"  - name: {name}\n    {rows}"


def large(count: int) -> str:
    return "apiVersion: orders/v1\nbatch: big\norders:\n" + "".join(order(f"n{n}") for n in range(count))
