"""The one place that spends: the purchase protocol."""
