"""API v1 without a network: only the shape of a request."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.orders import OrderRequest, Scalar
from runner.vendors.v1 import purchases as v1


class V1Encoder:
    """Tells how an order would be asked for, and can ask nobody."""

    base_url: str | None = None
    api_version: str = v1.API_VERSION

    def preview(self, request: OrderRequest) -> Mapping[str, Scalar]:
        return v1.encode_order(request)
