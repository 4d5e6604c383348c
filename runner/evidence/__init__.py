"""What the vendor shows against what was asked: pure, no network, no ledger."""
