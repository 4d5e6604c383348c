"""What may be bought: limits of a call, budgets, policies."""
