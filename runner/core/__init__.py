"""The foundations every stage stands on: orders, states, records, the doors to vendor and ledger."""
