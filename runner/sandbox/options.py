"""The switches of the emulator: one for every point on which the vendor's sources disagree.

The points are listed in docs/vendor/api-v1.md#open-points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

SANDBOX_KEY = "SANDBOXsandboxSANDBOXsandbox0001"
"""The API key of the default account: 32 characters, the same in every run, worth nothing anywhere else."""

DEFAULT_BALANCE = Decimal("10000.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this emulator behaves. Defaults are the reading best supported by the sources; money is USD, times are s."""

    accounts: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    """More accounts, API key to balance; naming `SANDBOX_KEY` sets the opening balance of the default account."""
    items_shape: Literal["object", "list"] = "object"
    """`reference/list/{type}`: `data.items` as seen live, or as a list of one, as documented."""
    filters: Literal["query", "body", "ignored"] = "query"
    """Where `proxy/list` reads its filters: the query string, the JSON body of the GET, or nowhere."""
    calc_warning: Literal["success", "error"] = "success"
    """The envelope's status when `order/calc` warns of a short balance."""
    limit_form: Literal["429", "triple", "none"] = "none"
    """How a request over the limit is refused; `none` sets no limit."""
    limit_per_minute: int = 60
    """Requests an API key may send in one calendar minute, if there is a limit."""
    triple_items: Literal[1, 2, 3] = 3
    """Messages in the access refusal; 1 is the documented variant with `IP not allowed` alone."""
    provisioning_delay: float = 0.0
    """Seconds from a purchase until its addresses, authorisations or traffic can be read."""
    mobile_delay: float | None = None
    """Seconds from a purchase of mobile proxies until they can be read; None is `provisioning_delay`."""
    partial_delivery: bool = False
    """Deliver only half of each order's addresses, rounded up; the rest never comes."""
    base_order_numbers: bool = True
    """Whether `order/make` answers `listBaseOrderNumbers` (absent in 2024)."""
    number_prefix: Literal["own", "order"] = "own"
    """Whether a base order number starts with a number of its own or with the order id."""
    order_numbers: Literal["plain", "marked"] = "plain"
    """Order numbers as documented for v1, or as v2 has them: a base, `_e_` and a hash from the first purchase on."""
    ends_hidden: float = 0.0
    """Days before their end in which rows show under `ends=Y` only; 0 hides none, nor do ignored filters."""
    ids: Literal["int", "string"] = "int"
    """Ids in `proxy/list` rows and tariffs; `string` also makes `can_prolong` true instead of 1, as documented."""
    money: Literal["number", "string"] = "number"
    """Amounts as JSON numbers or as text."""
    untyped_list: Literal["bare", "nested"] = "bare"
    """`proxy/list` without a type: an array per type, or `{"items": []}` per type."""
    resident_package: Literal["docs", "live"] = "docs"
    """`resident/package`: traffic as text and a plain date, or integers and a date object."""
    require_target: bool = True
    """Refuse ipv4, isp and ipv6 orders without `customTargetName`."""
    ipv6_minimum: int = 1
    """The smallest ipv6 quantity; 10 is assumed by some integrators, official minimum unknown."""
    latency: float = 0.0
    """Seconds added to every API request."""
    delivery_rows: int = 0
    """Rows that an order is delivered in at a time, the first of them when it is due; 0 delivers all at once."""
    delivery_interval: float = 60.0
    """Seconds between two parts of a delivery."""
    dates: Literal["day", "second", "iso"] = "day"
    """How rows spell dates: `dd.mm.yyyy`, `dd.mm.yyyy hh:mm:ss`, or ISO 8601 with its offset."""
    zone: int = 0
    """Hours that the vendor's clock is ahead of UTC where it spells a date."""
    credentials: Literal["plain", "hostile", "colon", "unicode", "control"] = "plain"
    """Logins and passwords: plain, or with characters that break URLs, shells, Basic, ASCII or lines."""
    mobile_ip: Literal["plain", "ports"] = "plain"
    """The `ip` of mobile rows: an address, or `address:port_http:port_socks`, as v2 has it."""
    auth_delay: float = 0.0
    """Seconds from the delivery of an order's first rows until `auth/list` has its login."""
    auth_numbers: Literal["current", "base"] = "current"
    """The `orderNumber` in `auth/list`: the order number of today, or the base number."""
    renewal_id: Literal["new", "empty", "same"] = "new"
    """The `orderId` that `prolong/make` answers: a new number, an empty text, or the order's own."""
    renewal_number: Literal["new", "same"] = "new"
    """Whether a renewal changes what follows `_e_` in the order number."""
    renewal_month: Literal["30", "calendar"] = "30"
    """How long a month is that a renewal adds: 30 days, as seen live, or a calendar month."""
    renewal_warning: Literal["error", "success"] = "error"
    """The envelope's status when `prolong/calc` warns of a short balance."""
    renewal_refusal: Literal["code", "data", "text"] = "code"
    """A short balance on `prolong/make`: code 16, status error with data and no errors, or the text of `order/make`."""
    renewal_part: Literal["refused", "whole"] = "refused"
    """A part of an ipv6, mix or mix_isp order: code 29, or renewed and charged as the whole order."""
    renewal_delay: float = 0.0
    """Seconds from a renewal until `proxy/list` shows it."""
    renewal_busy: float = 0.0
    """Seconds after a renewal in which another one of the same order gets code 57."""
    comments: Literal["kept", "plain", "lost"] = "kept"
    """A comment: kept, kept without all but letters, digits and spaces, or lost though the answer says otherwise."""
    comments_renewed: Literal["kept", "lost"] = "kept"
    """Whether comments outlive a renewal."""
    comments_unknown: Literal["counted", "refused"] = "counted"
    """Some ids of a comment are unknown: the others are updated and counted, or all is refused."""
    resident_lists: Literal["live", "docs"] = "live"
    """`resident/lists`: a bare array, `geo` as an array and ports as text, or `items`, an object and a number."""
