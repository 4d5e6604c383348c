"""The vendor's side: the key, the way to its address, whether it lets us in, its clock, and the balance."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from runner.core.errors import AccessError, ExitCode, RunnerError, UsageError
from runner.core.orders import CURRENCY, decimal_text
from runner.core.progress import Notice, Progress, ignore
from runner.run import wiring
from runner.run.doctor.check import Check, failure, not_checked, ok, warning
from runner.run.doctor.examination import Examination
from runner.run.settings import DEFAULT_BASE_URL, key_origin, read_key
from runner.run.wiring import Endpoint

PATIENCE: Final = 10.0
"""Seconds until an address counts as out of reach."""

SKEW: Final = timedelta(seconds=30)
"""How far two honest clocks and a slow answer may be apart."""

TOO_SKEWED: Final = timedelta(minutes=5)
"""A quarter of the time after which an order may be called absent: evidence would rest on wrong times."""

PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A connection that was made and closed again. `tls` is its version, None without."""

    family: str
    tls: str | None


def key(case: Examination) -> Check:
    """There is a key, of the right form, that only its owner can read. It is never shown."""
    if case.settings.sandbox:
        return ok("the sandbox has its own", origin="sandbox")
    events: list[Progress] = []
    case.key = read_key(case.settings, events.append)
    origin = key_origin(case.settings)
    notices = [notice.text for notice in events if isinstance(notice, Notice)]
    if notices:
        open_to_others, _, hint = notices[0].partition(": ")
        return warning(open_to_others, hint, origin=origin, private=False)
    return ok(f"from {origin}", origin=origin, private=True)


def address(case: Examination) -> Check:
    """The base URL is one the key may be sent to, and somebody answers there, with TLS that can be trusted."""
    if case.endpoint is None:
        from runner.vendors.base_url import check_base_url

        base = check_base_url(case.settings.base_url or DEFAULT_BASE_URL)
        if case.redact(base) != base:
            raise UsageError("the base URL contains the API key", hint="leave out the key: it is added to each call")
    else:
        base = case.endpoint.base_url
    url = urlsplit(base)
    origin = case.origin("base_url", "the sandbox" if case.settings.sandbox else "the default")
    facts = {"base_url": base, "scheme": url.scheme, "host": url.hostname or "", "origin": origin}
    if case.offline:
        return not_checked(f"{base} ({origin}); not asked: --offline", **facts)
    try:
        line = _probe(url.hostname or "", url.port or (443 if url.scheme == "https" else 80), tls=url.scheme == "https")
    except OSError as error:
        return failure(ExitCode.REFUSED, f"{base} ({origin}): {_in_words(error)}", _way_out(error), **facts)
    case.family = line.family
    case.endpoint = case.endpoint or (Endpoint(base_url=base, key=case.key) if case.key else None)
    text = f"{base} ({origin}) answers over {line.family}, {line.tls or 'without TLS'}"
    return ok(text, **facts, family=line.family, tls=line.tls)


def _probe(host: str, port: int, *, tls: bool) -> Handshake:
    """Connect, shake hands, and hang up without a word. OSError where that cannot be done."""
    with socket.create_connection((host, port), timeout=PATIENCE) as raw:
        family = "IPv6" if raw.family == socket.AF_INET6 else "IPv4"
        if not tls:
            return Handshake(family=family, tls=None)
        from runner.vendors.transport import tls_context

        with tls_context().wrap_socket(raw, server_hostname=host) as wrapped:
            return Handshake(family=family, tls=wrapped.version())


def _in_words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    return f"no connection within {PATIENCE:g} s" if isinstance(error, TimeoutError) else f"{error.strerror or error}"


def _way_out(error: OSError) -> str:
    named = next((name for name in PROXIES if os.environ.get(name)), None)
    if isinstance(error, ssl.SSLError):
        return "something between here and the vendor may intercept TLS; order-runner trusts certifi's authorities only"
    if named:
        return f"{named} names a proxy, which order-runner never uses: it needs a direct connection"
    return "check PROXY_SELLER_BASE_URL or --base-url, whether the vendor is up, and whether a firewall is in the way"


def access(case: Examination) -> Check:
    """The vendor answers a question about the account. The key, the address and the rate share one refusal."""
    if case.offline or case.endpoint is None:
        return not_checked(_why_not(case))
    clock = case.clock
    with wiring.transport(case.settings, case.endpoint, clock, ignore) as way:
        from runner.vendors.v1 import purchases as v1
        from runner.vendors.v1 import reads

        way.timing = replace(way.timing, pauses=())  # one honest try: whoever calls is waiting
        begun = clock.now()
        case.answer = way.read(v1.BALANCE_GET)
        case.call_times = begun, clock.now()
        try:
            case.money = reads.decode_balance(case.answer)
        except AccessError as error:
            limited = case.answer.status == 429
            hint = error.hint if limited else _triple(case)
            return failure(ExitCode.ACCESS, str(error), hint, http_status=case.answer.status)
        except RunnerError as error:
            return failure(error.exit_code, str(error), error.hint, http_status=case.answer.status)
    took = (case.call_times[1] - begun) / timedelta(milliseconds=1)
    return ok(f"the vendor answered in {took:.0f} ms", http_status=case.answer.status)


def _why_not(case: Examination) -> str:
    if case.offline:
        return "--offline"
    return "there is no key" if case.key is None else "the address cannot be reached"


def _triple(case: Examination) -> str:
    """What the one refusal can mean (docs/vendor/api-v1.md#access), with the way out of each."""
    origin = "the sandbox" if case.settings.sandbox else key_origin(case.settings)
    return (
        f"the vendor gives one answer for three causes: compare the key ({origin}) with the one in the dashboard; "
        f"put this machine's public {case.family} address on the key's list, which has room for three; "
        "or wait a minute and lower --rate"
    )


def clock(case: Examination) -> Check:
    """This machine's clock and the vendor's agree: claims, evidence and waiting times rest on them."""
    if case.call_times is None or case.answer is None:
        return not_checked(_why_not(case) if case.offline or case.endpoint is None else "the vendor did not answer")
    theirs = _date(case.answer.headers.get("date"))
    if theirs is None:
        return not_checked("the vendor's answer has no date")
    begun, ended = case.call_times
    # A `Date` is cut to whole seconds, so on average half a second old.
    skew = begun + (ended - begun) / 2 - (theirs + timedelta(seconds=0.5))
    seconds = round(abs(skew).total_seconds())
    way = "ahead of" if skew > timedelta(0) else "behind"
    facts = {"skew_seconds": seconds if skew > timedelta(0) else -seconds}
    text = f"{seconds} s {way} the vendor's"
    hint = "set the clock (timedatectl, NTP): orders in doubt are judged by these times"
    if abs(skew) > TOO_SKEWED:
        return failure(ExitCode.REFUSED, text, hint, **facts)
    if abs(skew) > SKEW:
        return warning(text, hint, **facts)
    return ok(text if seconds else "agrees with the vendor's", **facts)


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except (ValueError, OverflowError):  # no date, or one at the end of time
        return None


def balance(case: Examination) -> Check:
    """What the account can spend."""
    if case.money is None:
        answered = case.answer is not None and not case.offline
        return not_checked("the vendor did not say" if answered else _why_not(case))
    amount = decimal_text(case.money)
    if case.money <= 0:
        return warning(f"{amount} {CURRENCY}", "top up the account, or pay by card", amount=amount)
    return ok(f"{amount} {CURRENCY}", amount=amount, currency=CURRENCY)
