"""From bought to in hand: `order-runner proxies`, against a vendor that delivers late, in parts, or somebody else's."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST_ID, MANIFEST, REPO, SEVEN, World, ipv4, logins_in
from jsonschema import Draft202012Validator

from runner.cli.proxies import FORMATS, TEXT
from runner.views import proxies as formats
from tests.views.proxies.loopback import BODY, Loopback, serve

OUT = "proxies.out"


def buy(world: World, *orders: dict[str, Any]) -> None:
    world.manifest(*orders)
    assert world.apply().code == 0


def secret(world: World, name: str = OUT) -> Path:
    """A file that may have logins in it."""
    path = world.root / name
    world.secret_files.add(path)
    return path


def delivery(world: World, path: str = "delivery.json") -> Any:
    """The report of a delivery, by its schema."""
    document = json.loads((world.root / path).read_bytes())
    schema = json.loads((REPO / "schemas" / "delivery.schema.json").read_bytes())
    faults = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
    assert not faults
    return document


def states(world: World) -> dict[str, str]:
    return {order["key"]: order["state"] for order in delivery(world)["orders"]}


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serve(tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


def test_the_command_knows_every_format() -> None:
    assert set(FORMATS) == {TEXT, *formats.FORMATS}


# -- what is shown


def test_a_table_shows_every_proxy_and_no_login(world: World) -> None:
    buy(world, ipv4("fr", quantity=2), ipv4("second"))
    result = world.run("proxies", MANIFEST)
    assert result.code == 0
    assert result.out.splitlines() == [
        "ORDER         IP          PORTS        PROTOCOL  COUNTRY  ENDS",
        *(line for line in result.out.splitlines() if line.startswith("crawl/")),
        "3 proxies of 2 orders: 2 delivered",
    ]
    assert [line.split()[:3] for line in result.out.splitlines()[1:-1]] == [
        ["crawl/fr", "198.18.0.0", "50100/50101"],
        ["crawl/fr", "198.18.0.1", "50100/50101"],
        ["crawl/second", "198.18.0.2", "50100/50101"],
    ]


def test_every_type_is_delivered(world: World) -> None:
    buy(world, *SEVEN)
    secret(world)
    result = world.run("proxies", "-f", "csv", "--logins", "--output", OUT, "--report", "delivery.json")
    assert result.code == 0, result.output
    assert set(states(world).values()) == {"delivered"}
    assert "crawl/traffic: delivered: traffic of the account's package" in result.err
    assert "it has no list yet: make a list in the vendor's dashboard" in result.err
    rows = (world.root / OUT).read_text().splitlines()
    assert len(rows) == 1 + sum(int(order.get("quantity", 0)) for order in SEVEN)


def test_orders_are_named_by_manifest_key_or_pattern_and_a_file_comes_first(world: World) -> None:
    buy(world, ipv4("fr"), ipv4("de"), ipv4("us"))
    (world.root / "crawl").mkdir()
    world.manifest(ipv4("us"), name="crawl/de")
    assert "1 proxy of 1 order" in world.run("proxies", "crawl/fr").out
    assert "2 proxies of 2 orders" in world.run("proxies", "crawl/?[rs]").out
    assert "crawl/us" in world.run("proxies", "crawl/de").out  # that is a file
    assert "2 proxies of 2 orders" in world.run("proxies", MANIFEST, "--exclude", "fr").out
    assert "3 proxies of 3 orders" in world.run("proxies").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["crawl/ff"], "there is neither a file nor an order crawl/ff"),
        (["missing.yaml"], "there is no file missing.yaml"),
        (["crawl/fr@2026-12-31"], "crawl/fr@2026-12-31 is the renewal of an order: its proxies are those of crawl/fr"),
        (["other/*"], "other/* matches no file and no order"),
        (["--only", "fr"], "--only, --exclude and --label need manifests"),
        (["--template", "%ip%"], "--template is the line of txt"),
        (["--output", "x"], "--output needs a format"),
        (["-f", "csv", "-f", "json=x", "--output", "y"], "--output is the file of the one format"),
        (["-f", "xml"], "unknown format 'xml'"),
        (["--verify", "x.json", "crawl/fr"], "--verify takes a report alone"),
        (["--verify", MANIFEST], "is no report of `order-runner proxies --report`"),
        (["-f", "squid", "--kind", "socks5", "--output", "x"], "squid cannot use SOCKS5"),
    ],
)
def test_what_cannot_be_meant_is_refused(world: World, arguments: list[str], words: str) -> None:
    buy(world, ipv4("fr"))
    result = world.run("proxies", *arguments)
    assert result.code == 2
    assert words in result.err
    assert not (world.root / "x").exists()


def test_without_a_ledger_nothing_can_have_been_delivered(world: World) -> None:
    world.manifest(ipv4("fr"))
    assert world.run("proxies", MANIFEST).code == 5


def test_a_renamed_order_is_shown_by_its_new_name(world: World) -> None:
    buy(world, ipv4("old"))
    world.manifest(ipv4("new", renamed_from="crawl/old", customTargetName="old"))
    assert world.apply().code == 0
    result = world.run("proxies", "crawl/old")
    assert result.code == 0
    assert "crawl/new (asked for as crawl/old): delivered" in result.out


# -- what opens them


def test_logins_made_on_request_come_from_the_authorizations(world: World) -> None:
    world.serve(auth_numbers="base")
    buy(world, ipv4("made", quantity=2, auth={"mode": "login", "generate": True}), ipv4("own"))
    path = secret(world)
    assert world.run("proxies", "-f", "csv", "--logins", "--output", OUT).code == 0
    made, again, own = (line.split(",") for line in path.read_text().splitlines()[1:])
    assert made[8] == again[8] != own[8]
    assert made[8].startswith("login")
    assert made[9].startswith("password")


def test_an_order_waits_for_its_login(world: World) -> None:
    world.serve(auth_delay=3600.0)
    buy(world, ipv4("made", auth={"mode": "login", "generate": True}))
    result = world.run("proxies", "-f", "txt", "--output", OUT, "--report", "delivery.json")
    assert result.code == 11
    assert states(world) == {"crawl/made": "no_login"}
    assert not (world.root / OUT).exists()


def test_curl_goes_through_what_was_bought(world: World, loopback: Loopback) -> None:
    world.serve(credentials="hostile")
    buy(world, ipv4("fr"))
    world.box.dashboard.replace(
        FIRST_ID, addresses=["127.0.0.1"], port_http=loopback.port_http, port_socks=loopback.port_socks
    )
    path = secret(world, ".env")
    assert world.run("proxies", "crawl/fr", "-f", "env", "--output", ".env").code == 0
    names = dict(line.split("=", 1) for line in path.read_text().splitlines())
    fetched = subprocess.run(
        ["curl", "-sS", "--max-time", "20", "http://site.example/"],
        env={"PATH": os.environ["PATH"], **names},
        capture_output=True,
        check=False,
    )
    assert fetched.stdout == BODY, fetched.stderr
    assert loopback.take() == [("us er@x/#%?&=+\"'\\$;41%400", "p:@/#%?&=+\"' \\$(id)`;{{%41}} 0")]


# -- where secrets go


@pytest.mark.parametrize("credentials", ["plain", "hostile", "colon", "unicode", "control"])
def test_no_login_is_anywhere_but_in_the_file(world: World, credentials: str) -> None:
    world.serve(credentials=credentials)
    mobile = SEVEN[5] | {"countryId": 4401, "mobileServiceType": "dedicated", "operatorId": "31", "rotationId": 0}
    buy(world, ipv4("fr", quantity=2), ipv4("made", auth={"mode": "login", "generate": True}), mobile)
    for arguments in (["-v"], ["-f", "csv"], ["-f", "json"], ["-f", "ndjson"], ["--report", "delivery.json"]):
        assert world.run("proxies", *arguments).code == 0  # every run is examined for logins
    path = secret(world)
    for fmt in formats.FORMATS:
        path.unlink(missing_ok=True)
        result = world.run("proxies", "crawl/fr", "-f", f"{fmt}={OUT}", "--logins")
        assert result.code in (0, 5), result.output
        assert path.exists() == (result.code == 0)
        assert not path.exists() or path.stat().st_mode & 0o777 == 0o600
    data = path.read_bytes() if path.exists() else b""
    assert credentials == "control" or logins_in(data, world.box.options) or data == b""


def test_a_log_of_logins_has_to_be_asked_for(world: World) -> None:
    buy(world, ipv4("fr"))
    for asked in (["-f", "txt"], ["--logins"], ["-f", "csv", "--logins"], ["-f", "env", "--output", "-"]):
        assert world.run("proxies", *asked).code == 2
    assert world.run("proxies", "-f", "txt", "--reveal").out == "login0:password0@198.18.0.0:50100\n"
    assert world.run("proxies", "-f", "txt", "--template", "%ip%:%port%").out == "198.18.0.0:50100\n"
    assert "login0" in world.run("proxies", "--logins", "--reveal").out


def test_ci_keeps_logins_out_of_its_log(world: World) -> None:
    buy(world, ipv4("fr"))
    refused = world.run("proxies", "-f", "txt", "--reveal", env={"CI": "true"})
    assert refused.code == 2
    assert "pass --yes as well" in refused.err
    assert world.run("proxies", "-f", "txt", "--reveal", env={"CI": "true", "ORDER_RUNNER_YES": "1"}).code == 2
    assert world.run("proxies", "-f", "txt", "--reveal", "--yes", env={"CI": "true"}).code == 0


def test_github_masks_every_value_before_anything_is_said(world: World) -> None:
    world.serve(credentials="hostile")
    buy(world, ipv4("fr"))
    github = {"CI": "true", "GITHUB_ACTIONS": "true"}
    lines = world.run("proxies", env=github).out.splitlines()
    masks = [line for line in lines if line.startswith("::add-mask::")]
    assert lines[: len(masks)] == masks
    login = "us er@x/#%?&=+\"'\\$;41%400"
    assert f"::add-mask::{login.replace('%', '%25')}" in masks
    assert (
        "::add-mask::us%2520er%2540x%252F%2523%2525%253F%2526%253D%252B%2522%2527%255C%2524%253B41%252540"
        in " ".join(masks)
    )
    piped = world.run("proxies", "-f", "json", env=github)
    assert json.loads(piped.out)
    assert piped.err.startswith("::add-mask::")


def test_a_file_of_logins_is_refused_where_git_would_pick_it_up(world: World) -> None:
    buy(world, ipv4("fr"))
    subprocess.run(["git", "init", "-q", str(world.root)], check=True)
    refused = world.run("proxies", "-f", "txt", "--output", OUT)
    assert refused.code == 2
    assert "does not ignore it" in refused.err
    world.write(".gitignore", f"{OUT}\n")
    secret(world)
    assert world.run("proxies", "-f", "txt", "--output", OUT).code == 0
    assert world.run("proxies", "-f", "csv", "--output", "plain.csv").code == 0


def test_a_link_in_the_place_of_a_file_is_refused(world: World) -> None:
    buy(world, ipv4("fr"))
    target = world.root / "elsewhere"
    (world.root / OUT).symlink_to(target)
    assert world.run("proxies", "-f", "txt", "--output", OUT).code == 2
    assert not target.exists()


# -- deliveries that are not as they should be


def test_a_delivery_in_parts_is_waited_for(world: World) -> None:
    world.serve(delivery_rows=2, delivery_interval=3.0)
    buy(world, ipv4("fr", quantity=4))
    assert world.run("proxies", "-f", "txt", "--output", OUT, "--report", "delivery.json").code == 11
    assert states(world) == {"crawl/fr": "in_part"}
    assert not (world.root / OUT).exists()
    path = secret(world)
    assert world.run("proxies", "-f", "txt", "--output", OUT, "--partial").code == 11
    assert len(path.read_text().splitlines()) == 2
    waited = world.run("proxies", "-f", "txt", "--output", OUT, "--wait", "1m")
    assert waited.code == 0, waited.output
    assert len(path.read_text().splitlines()) == 4


def test_a_file_holds_whole_orders_only(world: World) -> None:
    buy(world, ipv4("whole"), ipv4("half", quantity=2))
    world.box.dashboard.withhold(FIRST_ID + 1, rows=1)
    path = secret(world)
    result = world.run("proxies", "-f", "csv", "--logins", "--output", OUT)
    assert result.code == 11
    assert "crawl/half: delivered in part: 1 of 2" in result.err
    assert [line.partition(",")[0] for line in path.read_text().splitlines()] == ["key", "crawl/whole"]


def test_rows_of_another_order_are_named_and_never_handed_out(world: World) -> None:
    buy(world, ipv4("ours"))
    world.buy_as_stranger(ipv4("theirs", quantity=2))
    world.box.dashboard.relabel(FIRST_ID + 1, like=FIRST_ID)
    path = secret(world)
    result = world.run("proxies", "-f", "txt", "--output", OUT, "--partial", "--report", "delivery.json")
    written = path.read_text().splitlines() if path.exists() else []
    assert "password1" not in "".join(written)
    assert "password2" not in "".join(written)
    (order,) = delivery(world)["orders"]
    assert order["foreign"] or order["state"] == "surplus", result.output


def test_a_renewed_order_is_found_under_its_new_id(world: World) -> None:
    world.serve(order_numbers="marked")
    buy(world, ipv4("fr", quantity=2), ipv4("same"))
    world.box.dashboard.renew(FIRST_ID, new_id=True)
    world.box.dashboard.renew(FIRST_ID + 1)
    result = world.run("proxies", "--report", "delivery.json")
    assert result.code == 0, result.output
    assert [order["delivered"] for order in delivery(world)["orders"]] == [2, 1]


def test_filters_that_are_ignored_bring_nobody_elses_proxies(world: World) -> None:
    world.serve(filters="ignored")
    world.buy_as_stranger(ipv4("theirs", quantity=3))
    buy(world, ipv4("ours"))
    assert "1 proxy of 1 order" in world.run("proxies").out


def test_an_order_in_doubt_is_said_to_be(world: World) -> None:
    buy(world, ipv4("fr"))
    world.manifest(ipv4("fr"), ipv4("lost"))
    world.box.add_fault("reset-after")
    assert world.apply().code == 7
    result = world.run("proxies", MANIFEST, "--report", "delivery.json")
    assert result.code == 7
    assert states(world) == {"crawl/fr": "delivered", "crawl/lost": "unknown"}
    assert "crawl/lost: in doubt: it may have been charged" in result.out


def test_an_order_that_was_not_bought_is_missing(world: World) -> None:
    buy(world, ipv4("fr"))
    world.manifest(ipv4("fr"), ipv4("new"), ipv4("off", enabled=False))
    result = world.run("proxies", MANIFEST)
    assert result.code == 11
    assert "crawl/new: not bought" in result.out
    assert "crawl/off" not in result.out


def test_a_list_that_is_down_after_the_purchase_is_no_missing_delivery(world: World) -> None:
    buy(world, ipv4("fr"))
    world.rewrite = spoil_lists
    result = world.run("proxies", "--report", "delivery.json")
    assert result.code == 5
    assert states(world) == {"crawl/fr": "unread"}
    assert "could not be read: no usable answer from proxy/list" in result.out


def spoil_lists(endpoint: str, document: Any) -> None:
    if endpoint.startswith("proxy/list"):
        document["data"] = "maintenance"


# -- signals


def test_a_signal_ends_the_wait_and_writes_nothing(world: World) -> None:
    world.serve(provisioning_delay=3600.0)
    world.manifest(ipv4("fr"))
    assert world.apply().code == 0
    process = world.start("proxies", "-f", "txt", "--output", OUT, "--wait", "15m")
    lists = len(world.box.requests)
    world.wait_for(lambda: len(world.box.requests) >= lists + 2, process)
    process.send_signal(signal.SIGINT)
    assert world.finish(process, "proxies").code == 8
    assert not (world.root / OUT).exists()


def test_whatever_is_killed_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    """A real process puts two files in turn until it is killed, again and again; a reader sees either of them whole."""
    place = tmp_path / "proxies.txt"
    one, other = b"1" * 3_000_000, b"2" * 3_000_000
    code = (
        "import sys, pathlib; from runner.core.secretfile import put_secret\n"
        "while True:\n"
        "    for digit in b'1', b'2': put_secret(pathlib.Path(sys.argv[1]), digit * 3_000_000); print('.', flush=True)\n"
    )
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE, cwd=REPO) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(0.05)
            process.kill()
        assert place.read_bytes() in (one, other)
        assert place.stat().st_mode & 0o777 == 0o600
    left = [path for path in tmp_path.iterdir() if path != place]
    assert all(path.read_bytes() in (one, other) for path in left)


# -- proof


def test_a_delivery_is_proved_without_being_shown(world: World) -> None:
    buy(world, ipv4("fr", quantity=2), ipv4("de"))
    assert world.run("proxies", "--report", "delivery.json").code == 0
    same = world.run("proxies", "--verify", "delivery.json")
    assert (same.code, same.out) == (0, "crawl/de: the same 1 proxy\ncrawl/fr: the same 2 proxies\n")
    world.box.dashboard.replace(FIRST_ID, rows=1)
    changed = world.run("proxies", "--verify", "delivery.json")
    assert (changed.code, changed.out) == (5, "crawl/de: the same 1 proxy\ncrawl/fr: changed; 2 proxies now\n")


def test_two_reports_of_one_delivery_share_no_digest(world: World) -> None:
    buy(world, ipv4("fr"))
    digests = set()
    for _ in range(2):
        assert world.run("proxies", "--report", "delivery.json").code == 0
        digests.add(delivery(world)["orders"][0]["digest"])
    assert len(digests) == 2


def test_what_was_put_in_a_file_is_in_the_report(world: World) -> None:
    buy(world, ipv4("fr"))
    secret(world)
    assert world.run("proxies", "-f", f"txt={OUT}", "--report", "delivery.json").code == 0
    assert delivery(world)["files"] == [{"format": "txt", "path": OUT, "proxies": 1}]


def test_masks_go_to_the_log_where_stdout_is_a_file(world: World) -> None:
    """A table sent to a file masks all the same, and the file has no command in it."""
    buy(world, ipv4("fr"))
    with (world.root / "table.txt").open("w") as table:
        result = world.run("proxies", env={"CI": "true", "GITHUB_ACTIONS": "true"}, stdout=table)
    assert "::add-mask::password0\n" in result.err
    assert "::" not in (world.root / "table.txt").read_text()


def test_quiet_says_only_what_is_missing(world: World) -> None:
    buy(world, ipv4("fr"), ipv4("none"))
    world.box.dashboard.withhold(FIRST_ID + 1, rows=0)
    secret(world)
    assert world.run("proxies", "-q", "crawl/fr", "-f", "txt", "--output", OUT).output == ""
    assert "crawl/none: not delivered yet" in world.run("proxies", "-q", "-f", "txt", "--output", OUT).err
