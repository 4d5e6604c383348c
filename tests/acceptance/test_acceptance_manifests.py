"""Bad input: a clear finding with its place and the way out, the right exit code, and nothing bought."""

from decimal import Decimal
from pathlib import Path

import pytest
from harness import CANARY, HELD_TO_PERMISSIONS, MANIFEST, PRICE, World, ipv4, yaml_of

COMMANDS = (("validate",), ("plan",), ("apply", "--yes"))


def assert_nothing_happened(world: World) -> None:
    assert (world.box.requests, world.purchases) == ((), ())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_file_is_exit_2(world: World, command: tuple[str, ...]) -> None:
    """A path that leads nowhere is named, and nothing is asked."""
    result = world.run(*command, "nowhere.yaml")
    assert result.code == 2
    assert "nowhere.yaml" in result.err
    assert_nothing_happened(world)


@pytest.mark.parametrize("path", [None, "sub"])
def test_an_unreadable_file_is_exit_2(world: World, path: str | None) -> None:
    """A file without permission to read it is named, alone or in a folder: it must not be passed over."""
    world.manifest(ipv4("a"), name="sub/a.yaml")
    world.manifest(ipv4("b"), name="sub/b.yaml")
    (world.root / "sub/b.yaml").chmod(0)
    result = world.apply(path or "sub/b.yaml", prelude=HELD_TO_PERMISSIONS)
    assert result.code == 2
    assert "b.yaml" in result.err
    assert_nothing_happened(world)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_a_manifest_is_an_error(world: World, command: tuple[str, ...]) -> None:
    """An empty folder is not a batch that went well."""
    (world.root / "empty").mkdir()
    world.write("empty/notes.txt", "no manifest")
    result = world.run(*command, "empty")
    assert result.code == 4
    assert "PSR302" in result.output
    assert_nothing_happened(world)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "apiVersion: orders/v1\nbatch: b\norders: []\n", "[]\n"])
def test_a_manifest_without_orders_is_an_error(world: World, text: str) -> None:
    """An empty file, document or list of orders is exit 4, at its place."""
    world.write(MANIFEST, text)
    result = world.apply()
    assert result.code == 4
    assert f"{MANIFEST}:" in result.err
    assert world.report()["errors"][0]["file"] == MANIFEST
    assert_nothing_happened(world)


def test_a_folder_is_every_manifest_below_it(world: World) -> None:
    """A folder stands for its *.yaml and *.yml, sorted, at any depth; other files are left alone."""
    world.manifest(ipv4("c"), name="all/sub/c.yaml")
    world.manifest(ipv4("b"), name="all/b.yml")
    world.manifest(ipv4("a"), name="all/a.yaml")
    world.write("all/notes.txt", "not: a manifest")
    assert world.apply("all").code == 0
    assert world.bought == ["a", "b", "c"]


def test_a_glob_and_stdin_are_manifests_too(world: World) -> None:
    """A quoted glob is resolved, `-` is read from stdin, and findings there point at `-`."""
    world.manifest(ipv4("a"), name="one.yaml")
    text = (world.root / "one.yaml").read_text()
    assert world.apply("o*.yaml").code == 0
    assert world.run("validate", "-", stdin=text).code == 0
    assert world.run("apply", "--yes", "-", stdin=text.replace('"a"', '"z"')).code == 0
    assert world.bought == ["a", "z"]
    assert world.order("z")["source"]["file"] == "-"


@pytest.mark.parametrize("names", [("one.yaml", "one.yaml"), ("one.yaml", "two.yaml")])
def test_two_orders_of_one_name_are_refused(world: World, names: tuple[str, str]) -> None:
    """One key twice, in a file or over two files: exit 4 at the second, naming the place of the first."""
    if names[0] == names[1]:
        world.manifest(ipv4("a"), ipv4("b"), ipv4("a"), name=names[0])
        line = world.line_of('name: "a"', name=names[0], nth=2)
    else:
        world.manifest(ipv4("a"), name=names[0])
        world.manifest(ipv4("b"), ipv4("a"), name=names[1])
        line = world.line_of('name: "a"', name=names[1])
    result = world.apply(*dict.fromkeys(names))
    assert result.code == 4
    (finding,) = world.report()["errors"]
    assert (finding["code"], finding["file"], finding["line"]) == ("PSR301", names[1], line)
    assert names[0] in finding["message"]
    assert "generation" in finding["hint"]
    assert_nothing_happened(world)


def test_an_unknown_field_gets_a_suggestion(world: World) -> None:
    """A misspelt field is exit 4 with the nearest name, at its place, together with every other finding."""
    world.manifest(ipv4("a", quantity=None, quantiti=1), ipv4("b", quantity="many"), ipv4("c"))
    result = world.apply()
    assert result.code == 4
    findings = {finding["code"]: finding for finding in world.report()["errors"]}
    line = world.line_of("quantiti")
    assert (findings["PSR203"]["line"], findings["PSR203"]["column"]) == (line, 5)
    assert "did you mean `quantity`?" in findings["PSR203"]["message"]
    assert findings["PSR205"]["line"] == world.line_of('quantity: "many"')
    assert f"{MANIFEST}:{line}:5: PSR203" in result.err
    assert_nothing_happened(world)


def test_a_value_that_yaml_would_change_is_never_ordered(world: World) -> None:
    """No quantity is bought that the author did not mean: each of these is a finding at its own place."""
    traps = ("010", "1_000", "0x10", "10.0", "1:30", "1e3", "+5", "on", "NO", "2026-01-01", "!!int 5")
    world.manifest(*(ipv4(f"o{number}", quantity=f"TRAP{number}") for number in range(len(traps))))
    text = (world.root / MANIFEST).read_text()
    for number, trap in enumerate(traps):
        text = text.replace(f'"TRAP{number}"', trap)
    world.write(MANIFEST, text)
    assert world.apply().code == 4
    found = {(finding["line"], finding["column"]) for finding in world.report()["errors"]}
    assert found >= {(world.line_of(f"quantity: {trap}"), 15) for trap in traps}
    assert_nothing_happened(world)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe\x00bad",
        b'apiVersion: orders/v1\nbatch: b\norders:\n  - name: "a\x1b]0;x\x07"\n',
        b"[" * 1_003,
        b"a: &a [x, x]\nb: &b [*a, *a]\n" * 3 + b"? \n",
        b"apiVersion: orders/v1\n\tbatch: b\n",
        b"apiVersion: orders/v2\nbatch: b\norders: [{name: a}]\n",
    ],
)
def test_what_is_no_manifest_is_exit_4(world: World, raw: bytes) -> None:
    """Binary data, escapes, bombs, tabs, another version: a finding, never a trace, never a purchase."""
    (world.root / MANIFEST).write_bytes(raw)
    result = world.apply()
    assert result.code == 4
    assert MANIFEST in result.err
    assert_nothing_happened(world)


@pytest.mark.parametrize(
    ("change", "difference", "text"),
    [
        ({"quantity": 2}, "quantity 1 → 2", "quantity:"),
        ({"coupon": "C10"}, "coupon added", "coupon:"),
        ({"countryId": 562}, "countryId 561 → 562", "countryId:"),
    ],
)
def test_a_name_whose_content_changed_is_not_bought_again(
    world: World, change: dict[str, object], difference: str, text: str
) -> None:
    """Bought, then changed: exit 5, the difference named, at the changed field's line, with the ways out."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 0
    world.manifest(ipv4("a"), ipv4("b", **change), ipv4("c"))
    result = world.apply()
    assert result.code == 5
    assert world.bought == ["a", "b"]
    (finding,) = world.order("b")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR401", "refused")
    assert difference in finding["message"]
    assert finding["line"] == world.line_of(text, nth=1 if "coupon" in change else 2)
    assert "generation" in finding["hint"]
    assert difference in result.output
    assert world.run("apply", "--dry-run=offline", MANIFEST).code == 5


def test_a_removed_field_is_a_change_too(world: World) -> None:
    """What was bought with a coupon is not the same without it."""
    world.manifest(ipv4("a", coupon="C10"))
    assert world.apply().code == 0
    world.manifest(ipv4("a"))
    assert world.apply().code == 5
    assert "coupon removed (was C10)" in world.order("a")["errors"][0]["message"]
    assert world.bought == ["a"]


def test_labels_limits_and_comments_are_no_change(world: World) -> None:
    """What is not sent may change freely."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(ipv4("a", labels={"team": "x"}, max_total="50.00"), budget={"max_total": "100.00"})
    assert world.apply().code == 0
    assert world.bought == ["a"]
    assert world.order("a")["status"] == "already_placed"


def test_generation_2_buys_the_name_again_once(world: World) -> None:
    """A higher generation is a purchase of its own, with a key of its own."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(ipv4("a", generation=2, quantity=3))
    assert world.apply().code == 0
    assert world.apply().code == 0
    assert [purchase.body["quantity"] for purchase in world.purchases] == [1, 3]
    assert world.order("a")["key"] == "crawl/a#2"


def test_a_disabled_order_is_skipped(world: World) -> None:
    """`enabled: false` keeps an order in the file and out of the batch, and the exit code is 0."""
    world.manifest(ipv4("a", enabled=False), ipv4("b"))
    assert world.apply().code == 0
    assert world.bought == ["b"]
    assert [entry["status"] for entry in world.report()["orders"]] == ["skipped", "placed"]
    assert "disabled" in world.order("a")["reason"]


def test_a_batch_past_its_day_is_refused(world: World) -> None:
    """`buy_by` in the past: exit 5, nothing asked and nothing bought; what was bought before stays so."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(ipv4("a"), ipv4("b"), buy_by="2020-01-01")
    asked = len(world.box.requests)
    result = world.apply()
    assert (result.code, len(world.box.requests)) == (5, asked)
    assert [entry["status"] for entry in world.report()["orders"]] == ["already_placed", "refused"]
    assert world.order("b")["errors"][0]["code"] == "PSR402"
    assert "2020-01-01" in result.output


@pytest.mark.parametrize(
    ("head", "options", "code", "words"),
    [
        ({"budget": {"max_total": "3.59"}}, (), "PSR405", "3.59"),
        ({"budget": {"max_order": "1.79"}}, (), "PSR404", "1.79"),
        ({}, ("--max-spend", "3.59"), "PSR406", "3.59"),
        ({"budget": {"max_total": "100.00"}}, ("--max-spend", "1"), "PSR406", "--max-spend"),
        ({"budget": {"max_total": "1.00"}}, ("--max-spend", "100"), "PSR405", "max_total"),
    ],
)
def test_a_limit_stops_the_batch_before_money_moves(
    world: World, head: dict[str, object], options: tuple[str, ...], code: str, words: str
) -> None:
    """Above any limit of manifest or run: exit 5, zero purchases, amount and limit named. A run can only tighten."""
    world.manifest(ipv4("a"), ipv4("b"), **head)
    result = world.apply(*options, MANIFEST)
    assert (result.code, world.money_requests) == (5, 0)
    report = world.report()
    found = report["errors"] + [error for entry in report["orders"] for error in entry["errors"]]
    assert code in [finding["code"] for finding in found]
    assert words in result.output
    assert world.run("plan", *options, MANIFEST).code == 5


def test_an_orders_own_limit_is_kept(world: World) -> None:
    """`max_total` of one order stops the batch at the line of that limit; with `--keep-going` only that order."""
    world.manifest(ipv4("a", max_total="1.79"), ipv4("b"))
    assert world.apply().code == 5
    assert world.bought == []
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["line"]) == ("PSR404", world.line_of("max_total"))
    assert world.apply("--keep-going", MANIFEST).code == 5
    assert world.bought == ["b"]


def test_limits_that_are_just_met_are_met(world: World) -> None:
    """A price equal to its limit is within it."""
    world.box.set_balance(PRICE * 2, CANARY)
    limits = {"max_total": "3.60", "max_order": "1.80"}
    world.manifest(ipv4("a", max_total="1.80"), ipv4("b"), budget=limits)
    assert world.apply("--max-spend", "3.60", MANIFEST).code == 0
    assert world.bought == ["a", "b"]
    assert world.balance == 0


def test_what_was_bought_counts_against_the_budget(world: World) -> None:
    """`budget.max_total` is for the whole batch, over all runs."""
    budget = {"max_total": "3.60"}
    world.manifest(ipv4("a"), ipv4("b"), budget=budget)
    assert world.apply().code == 0
    world.manifest(ipv4("a"), ipv4("b"), ipv4("c"), budget=budget)
    assert world.apply().code == 5
    assert world.bought == ["a", "b"]


def test_a_short_balance_buys_nothing(world: World) -> None:
    """The sum is above the balance: exit 5, not even the first order is bought, and by how much it is short."""
    world.box.set_balance(Decimal("3.59"), CANARY)
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply()
    assert (result.code, world.money_requests) == (5, 0)
    (finding,) = world.report()["errors"]
    assert finding["code"] == "PSR407"
    assert "0.01 short" in result.output


def test_the_card_needs_no_balance(world: World) -> None:
    """Orders paid by card are bought on an empty balance, and do not change it."""
    world.box.set_balance(Decimal(0), CANARY)
    world.manifest(ipv4("a", paymentId=43))
    assert world.apply().code == 0
    assert world.bought == ["a"]
    assert Decimal(world.report()["money"]["unexplained"]) == 0


def test_a_warning_stops_only_the_strict(world: World) -> None:
    """A missing `customTargetName` is a warning: told, reported and bought over; with `--strict` exit 4."""
    world.serve(require_target=False)
    world.manifest(ipv4("a", customTargetName=None))
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        strict = world.run(*command, "--strict", MANIFEST)
        assert strict.code == 4, command
        assert "PSR211" in strict.output
    assert_nothing_happened(world)
    assert world.run("validate", MANIFEST).code == 0
    result = world.apply()
    assert result.code == 0
    assert "PSR211" in result.output
    assert [finding["category"] for finding in world.report()["errors"]] == ["warning"]
    assert len(world.purchases) == 1


def test_one_bad_file_of_many_stops_all(world: World) -> None:
    """A finding in any file keeps every order of the call from being bought."""
    world.manifest(ipv4("a"), name="good.yaml")
    world.manifest(ipv4("b", quantity=0), name="bad.yaml")
    result = world.apply("good.yaml", "bad.yaml")
    assert result.code == 4
    assert "bad.yaml:" in result.err
    assert_nothing_happened(world)


def test_an_invalid_batch_leaves_a_report(world: World) -> None:
    """Exit 4 has a report with every finding and its place, on file or on stdout."""
    world.manifest(ipv4("a", quantity=0), ipv4("b", countryId="x"))
    assert world.apply().code == 4
    errors = world.report()["errors"]
    assert [finding["category"] for finding in errors] == ["invalid", "invalid"]
    assert [finding["line"] for finding in errors] == [world.line_of("quantity: 0"), world.line_of('countryId: "x"')]
    on_stdout = world.apply("--report", "-", MANIFEST)
    assert on_stdout.code == 4
    assert [finding["code"] for finding in on_stdout.json["errors"]] == [finding["code"] for finding in errors]


def test_names_of_files_are_data(world: World) -> None:
    """A file whose name is a terminal escape or a CI command is named harmlessly."""
    for name in ("::error::x.yaml", "a\x1b[2Jb.yaml", "##[error]y.yaml", "\u202egnp.yaml"):
        world.manifest(ipv4("a", quantity=0), name=f"sub/{name}")
    assert world.run("validate", "sub").code == 4
    (world.root / "sub" / "::error::x.yaml").rename(world.root / "::error::x.yaml")
    assert world.apply("::error::x.yaml").code == 4
    assert world.run("validate", "::warning::nowhere\x1b]0;t\x07.yaml").code == 2
    assert Path(world.root / "report.json").is_file()


LEFT_OVER = (
    "<no value>",
    "!vault |",
    "[[ coupon ]]",
    "(( coupon ))",
    *[
        "${COUPON}",
        "{{coupon}}",
        "{{%coupon%}}",
        "<no_value>",
        "<%=coupon%>",
        "ENC[AES256_GCM,data:8Zk=]",
        "ENC(8Zk=)",
        ".nan",
    ],
    *[
        "$[variables.coupon]",
        "$((COUPON))",
        "$(<coupon)",
        "$<coupon>",
        "$env:COUPON",
        "for-$CI_TEAM_NAME",
        "$$COUPON",
        "$coupon$",
    ],
    *[
        "%coupon%",
        "%env.COUPON%",
        "by-%env.COUPON%",
        "%{coupon}",
        "%(coupon)s",
        "~{coupon}",
        "@{coupon}",
        "{#coupon#}",
        "{$coupon}",
    ],
    *[
        "[%coupon%]",
        "[[coupon]]",
        "((coupon))",
        "!COUPON!",
        "#COUPON#",
        "__coupon__",
        "secrets.COUPON",
        "vault:secret/coupon#value",
    ],
    *["ref+awssm://coupon", "op://vault/coupon/value", "$ANSIBLE_VAULT;1.1;AES256", "@Microsoft.KeyVault(SecretUri=x)"],
    *["***", "[MASKED]", "{}", "{0}", "%s", "CHANGE_ME", "TODO", "null", "None", "undefined"],
)
"""What tools of CI systems, secrets and templates leave in a text, or write for a value that is not there."""
MEANT = "100% uptime|A$AP Rocky|costs $5|a {b} c|C# and F#|#hashtag|wow!|none|(a (b))|[x]|50% off|US$|TODO list|20%OFF"


def test_everything_that_tools_leave_over_is_told(world: World) -> None:
    """One finding (PSR214) for each, whatever tool it is of, in texts that the vendor gets and in labels."""
    for field in ("customTargetName", "coupon", "labels"):
        orders = [ipv4(f"a{n}", **{field: {"team": t} if field == "labels" else t}) for n, t in enumerate(LEFT_OVER)]
        world.manifest(*orders)
        told = world.run("validate", MANIFEST, "-f", "json").json["diagnostics"]
        keys = {finding["key"] for finding in told if finding["code"] == "PSR214"}
        missed = [text for n, text in enumerate(LEFT_OVER) if f"crawl/a{n}" not in keys]
        assert not missed, field


def test_texts_that_only_look_alike_are_left_alone(world: World) -> None:
    """A price, a percentage, a hashtag and the like are no templates."""
    world.manifest(*(ipv4(f"a{n}", customTargetName=text) for n, text in enumerate(MEANT.split("|"))))
    assert world.run("validate", "--strict", MANIFEST).code == 0


@pytest.mark.parametrize("text", ["${COUPON}", "{{ coupon }}", "<no value>", "ENC[AES256_GCM,data:8Zk=]", ".nan"])
def test_a_template_that_nobody_filled_in_is_not_bought(world: World, text: str) -> None:
    """Left over in any text of an order, its labels and its batch, it is a finding (PSR214), and nothing is bought."""
    for field in ({"customTargetName": text}, {"coupon": text}, {"labels": {"team": text}}):
        world.manifest(ipv4("a", **field))
        result = world.apply(reported=True)
        assert (result.code, "PSR214" in result.output) == (4, True)
    world.write(MANIFEST, yaml_of((ipv4("a"),)).replace("batch: crawl", f"batch: '{text}'"))
    assert "PSR214" in world.run("validate", MANIFEST).out
    assert world.bought == []


@pytest.mark.parametrize("written", ["yes", "true", '"true"', '"Yes"', "on", '"on"', '"y"'])
def test_yes_for_the_vendors_letter_takes_one_hint(world: World, written: str) -> None:
    """Whatever yes is written where the vendor wants Y, the hint says Y, and that is taken."""
    text = world.write(MANIFEST, yaml_of((ipv4("a"),)) + f"    generateAuth: {written}\n")
    (finding,) = world.run("validate", text, "-f", "json").json["diagnostics"]
    assert finding["hint"] == "write Y"
    world.write(MANIFEST, yaml_of((ipv4("a"),)) + "    generateAuth: Y\n")
    assert world.run("validate", MANIFEST).code == 0
