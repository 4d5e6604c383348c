"""Before any money moves: quotes that are refused, a vendor that is down, slow or speaks HTML, keys that are no keys."""

import socket
from decimal import Decimal

import pytest
from harness import ASKED_EACH_TIME, CANARY, HELD_TO_PERMISSIONS, MANIFEST, World, ipv4

TEN = tuple(f"o{n}" for n in range(1, 11))


def ten(world: World, **head: object) -> None:
    world.manifest(*(ipv4(name, **ASKED_EACH_TIME) for name in TEN), **head)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Country not exists", "countryId"),
        ("Set existed [periodId] from reference", "periodId"),
        ("Set [quantity > 9]", "quantity"),
        ("Set [customTargetName]", "customTargetName"),
    ],
)
def test_one_refused_quote_of_ten_buys_nothing(world: World, text: str, field: str) -> None:
    """The vendor will not price the sixth order: exit 5, nothing bought, and the finding points at the field at fault."""
    ten(world)
    world.box.add_fault(f"calc-error@6:{text}")
    result = world.apply()
    assert (result.code, world.money_requests) == (5, 0)
    (finding,) = world.order("o6")["errors"]
    assert (finding["code"], finding["category"], finding["field"]) == ("PSR403", "refused", field)
    line = world.line_of(f"{field}:", nth=6)
    assert (finding["file"], finding["line"]) == (MANIFEST, line)
    written = (world.root / MANIFEST).read_text().splitlines()[line - 1]
    assert finding["column"] == written.index(":") + 3
    assert finding["vendor"] == {"code": "0", "message": text}
    assert f"{MANIFEST}:{line}:" in result.output
    assert world.report()["summary"] | {"refused": 1, "planned": 9} == world.report()["summary"]


def test_keep_going_buys_the_other_nine(world: World) -> None:
    """With `--keep-going` the nine that have a price are bought, and the exit code tells of the tenth."""
    ten(world)
    world.box.add_fault("calc-error@6:Country not exists")
    result = world.apply("--keep-going", MANIFEST)
    assert result.code == 5
    assert world.bought == [name for name in TEN if name != "o6"]
    assert world.report()["summary"] | {"refused": 1, "placed": 9} == world.report()["summary"]
    assert world.order("o6")["errors"][0]["code"] == "PSR403"
    assert world.apply().code == 0
    assert world.bought[-1] == "o6"


def test_a_quantity_that_is_not_sold_is_refused_by_the_vendor(world: World) -> None:
    """What the vendor itself refuses, without a fault, is refused with its words at the line of the field."""
    world.manifest(ipv4("a"), ipv4("b", quantity=99999))
    assert world.apply().code == 5
    (finding,) = world.order("b")["errors"]
    assert finding["line"] == world.line_of("quantity: 99999")
    assert finding["vendor"]["message"] == "Set [quantity]"
    assert world.bought == []


@pytest.mark.parametrize("fault", ["calc-html@2", "calc-html@2x*", "list-html@1x*", "list-500@1x*", "balance-500@1x*"])
def test_an_answer_that_cannot_be_read_buys_nothing(world: World, fault: str) -> None:
    """HTML or HTTP 500 instead of a quote, a list or a balance: exit 5, no money request, a report."""
    world.manifest(ipv4("a"), ipv4("b", quantity=2))
    world.box.add_fault(fault)
    result = world.apply()
    assert (result.code, world.money_requests) == (5, 0)
    report = world.report()
    findings = report["errors"] + [error for entry in report["orders"] for error in entry["errors"]]
    assert [finding["code"] for finding in findings] == ["PSR506"]
    assert all(entry["status"] in ("planned", "refused") for entry in report["orders"])
    assert findings[0]["message"] in result.output


@pytest.mark.parametrize("fault", ["list-500@1", "balance-500@1"])
def test_a_read_that_fails_once_is_tried_again(world: World, fault: str) -> None:
    """A passing 500 on something that costs nothing stops nobody."""
    world.manifest(ipv4("a"))
    world.box.add_fault(fault)
    assert world.apply().code == 0
    assert world.bought == ["a"]


def test_an_empty_body_is_no_list(world: World) -> None:
    """Nothing at all instead of the list of orders is no reading: nothing is bought on it."""
    world.manifest(ipv4("a"))
    world.box.add_fault("list-blank@1x*")
    assert (world.apply().code, world.money_requests) == (5, 0)


@pytest.mark.parametrize("command", [("apply", "--yes"), ("plan",), ("reference", "ipv4")])
def test_a_vendor_that_is_down_buys_nothing(world: World, command: tuple[str, ...]) -> None:
    """Nobody listens at the vendor's port: exit 5, a report that says so, and what to look at."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    world.manifest(ipv4("a"))
    paths = () if command[0] == "reference" else (MANIFEST,)
    result = world.run(*command, *paths, env={"PROXY_SELLER_BASE_URL": f"http://127.0.0.1:{port}/personal/api/v1"})
    assert result.code == 5
    assert "refused" in result.output
    assert "base URL" in result.output
    if command[0] == "apply":
        assert [error["code"] for error in world.report()["errors"]] == ["PSR506"]


def test_a_vendor_that_hangs_up_buys_nothing(world: World) -> None:
    """Every connection is closed without an answer: bounded tries, exit 5."""
    world.manifest(ipv4("a"))
    world.box.add_fault("downx*")
    assert world.apply().code == 5
    assert (world.bought, world.money_requests) == ([], 0)
    assert 1 <= len(world.box.requests) <= 5


def test_a_vendor_that_is_slow_is_given_up(world: World) -> None:
    """A quote that takes longer than `--timeout` is tried again and then given up: exit 5, nothing bought."""
    world.manifest(ipv4("a"))
    world.box.add_fault("calc-slow@1x*:30")
    result = world.apply("--timeout", "1", MANIFEST)
    assert (result.code, world.money_requests) == (5, 0)
    assert "within 1 s" in result.output


def test_a_wrong_key_is_exit_3(world: World) -> None:
    """The vendor refuses the key at the first question: exit 3 everywhere, nothing bought, the three causes named."""
    wrong = {"PROXY_SELLER_API_KEY": "WrongKey0123456789abcdefABCDEF00"}
    world.manifest(ipv4("a"))
    for command in (("apply", "--yes", MANIFEST), ("plan", MANIFEST), ("reference",)):
        result = world.run(*command, env=wrong)
        assert result.code == 3, command
        assert wrong["PROXY_SELLER_API_KEY"] not in result.output
        assert "key" in result.output
    report = world.report()
    assert [(error["code"], error["category"]) for error in report["errors"]] == [("PSR502", "access")]
    assert world.money_requests == 0


def test_no_key_is_exit_2_before_anything_else(world: World) -> None:
    """Without a key nothing is asked; the message names the ways to give one and the one to need none."""
    world.manifest(ipv4("a"))
    for command in (("apply", "--yes", MANIFEST), ("plan", MANIFEST), ("reference",)):
        result = world.run(*command, env={"PROXY_SELLER_API_KEY": None})
        assert result.code == 2, command
        for way in ("PROXY_SELLER_API_KEY", "--api-key-file", "--sandbox"):
            assert way in result.err
    assert world.box.requests == ()


def test_validate_status_and_offline_need_no_key(world: World) -> None:
    """What asks nobody needs no key."""
    world.manifest(ipv4("a"))
    for command in (("validate", MANIFEST), ("status", MANIFEST), ("apply", "--dry-run=offline", MANIFEST)):
        assert world.run(*command, env={"PROXY_SELLER_API_KEY": None}).code == 0, command


@pytest.mark.parametrize("content", [CANARY, CANARY + "\n", f"  {CANARY}\r\n\n"])
def test_a_key_file_may_end_in_a_newline(world: World, content: str) -> None:
    """The key may come from a file, by option or by environment, with blanks around it."""
    world.manifest(ipv4("a"))
    key = str(world.key_file(content))
    assert world.apply("--api-key-file", key, MANIFEST, env={"PROXY_SELLER_API_KEY": None}).code == 0
    again = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": key}
    assert world.run("plan", MANIFEST, env=again).code == 0
    assert world.bought == ["a"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"short",
        CANARY.encode() + b"\nand another line",
        CANARY.encode() + b"/../x",
        b"\xff\xfe" + CANARY.encode("utf-16-le"),
        b"k" * 5000,
        "Schlüssel-0123456789".encode(),
        b"0123456789\x1b[31m\x00abc",
    ],
)
def test_a_file_that_holds_no_key_is_named_and_not_quoted(world: World, content: bytes) -> None:
    """Garbage in the key file: exit 2 before any network, the file is named, its content is not shown."""
    world.manifest(ipv4("a"))
    key = world.key_file(content)
    result = world.apply("--api-key-file", str(key), MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    assert result.code == 2
    assert str(key) in result.err
    assert world.box.requests == ()
    assert "short" not in result.err.replace("shorter", "")
    assert "another line" not in result.err


@pytest.mark.parametrize("value", ["short", "with space and more", "slash/slash/slash", "new\nline-new-line"])
def test_a_variable_that_holds_no_key_is_named_and_not_quoted(world: World, value: str) -> None:
    """The same for the variable."""
    world.manifest(ipv4("a"))
    result = world.apply(env={"PROXY_SELLER_API_KEY": value})
    assert result.code == 2
    assert "PROXY_SELLER_API_KEY" in result.err
    assert value not in result.err
    assert world.box.requests == ()


def test_a_missing_key_file_is_exit_2(world: World) -> None:
    """A file that is not there, or is a folder, is named with the reason."""
    world.manifest(ipv4("a"))
    missing = world.apply("--api-key-file", "nowhere", MANIFEST)
    assert missing.code == 2
    assert "nowhere" in missing.err
    folder = world.apply("--api-key-file", str(world.home), MANIFEST)
    assert folder.code == 2
    assert world.box.requests == ()


def test_an_unreadable_key_file_is_exit_2(world: World) -> None:
    """A key file without permission to read it is named with the reason."""
    world.manifest(ipv4("a"))
    key = world.key_file()
    key.chmod(0)
    result = world.apply("--api-key-file", str(key), MANIFEST, prelude=HELD_TO_PERMISSIONS)
    assert result.code == 2
    assert "readable" in result.err


def test_a_key_file_that_others_can_read_is_noted(world: World) -> None:
    """A careless mode is told, and stops nothing."""
    world.manifest(ipv4("a"))
    key = world.key_file()
    key.chmod(0o644)
    result = world.apply("--api-key-file", str(key), MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    assert result.code == 0
    assert "chmod 600" in result.err


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy-seller.com/personal/api/v1",
        "https://user:pass@127.0.0.1/personal/api/v1",
        "ftp://127.0.0.1/x",
        "https://127.0.0.1/x?y=1",
        "https://evil\u2024example/x",
        "127.0.0.1:80",
        "http://0x7f.1/x",
        "http://127.0.0.1.example.com/x",
    ],
)
def test_the_key_goes_nowhere_else(world: World, url: str) -> None:
    """A base URL that is not https or loopback, or hides a second host, is exit 2 before any network."""
    world.manifest(ipv4("a"))
    result = world.apply("--base-url", url, MANIFEST)
    assert result.code == 2
    assert "pass" not in result.err.replace("password", "")
    assert world.box.requests == ()


def test_proxies_and_certificates_of_the_environment_are_ignored(world: World) -> None:
    """Proxy variables and .netrc do not steer where the key and the money go."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        port = trap.getsockname()[1]
        proxies = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
        env = dict.fromkeys(proxies, f"http://127.0.0.1:{port}")
        world.manifest(ipv4("a"))
        assert world.apply(env=env).code == 0
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert world.bought == ["a"]


def test_money_that_leaves_beside_our_orders_is_told(world: World) -> None:
    """The balance fell by more than was bought: a warning that says by how much, and no failure."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.hold_answer(2)
    process = world.start("apply", "--yes", MANIFEST)
    world.wait_for(lambda: world.money_requests == 2, process)
    world.box.set_balance(world.balance - Decimal(50), CANARY)
    world.release()
    result = world.finish(process, "apply", "--yes", MANIFEST)
    assert world.bought == ["a", "b"]
    assert result.code == 0
    report = world.report()
    assert Decimal(report["money"]["unexplained"]) == 50
    assert [error["code"] for error in report["errors"]] == ["PSR507"]
    assert "50.00" in result.out


def test_a_key_in_the_wrong_place_is_not_shown(world: World) -> None:
    """Written into the base URL, or where the name of its file belongs, the key is refused and still not printed."""
    world.manifest(ipv4("a"))
    in_url = world.apply("--base-url", f"{world.server.base_url}/{CANARY}", MANIFEST)
    as_url = world.apply(env={"PROXY_SELLER_BASE_URL": CANARY})
    as_file = world.apply(env={"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": CANARY})
    as_option = world.apply("--api-key-file", CANARY, MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    as_account = world.apply("--account", CANARY, MANIFEST, reported=False, env={"PROXY_SELLER_API_KEY": None})
    assert (as_url.code, as_file.code, as_option.code, as_account.code) == (2, 2, 2, 2)
    assert in_url.code in (2, 5)
    assert world.money_requests == 0
