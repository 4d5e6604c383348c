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
