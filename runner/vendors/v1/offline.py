"""API v1 without a network: only the shape of a request."""

from __future__ import annotations

from runner.core.orders import Body, OrderRequest
from runner.vendors.v1 import prolong
from runner.vendors.v1 import purchases as v1


class V1Encoder:
    """Tells how an order would be asked for, and can ask nobody."""

    base_url: str | None = None
    api_version: str = v1.API_VERSION

    def preview(self, request: OrderRequest) -> Body:
        return v1.encode_order(request) if request.renews is None else prolong.encode_renewal(request)
