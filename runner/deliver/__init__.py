"""What was bought, in hand: the vendor's rows joined to the orders that paid for them."""
