"""Labels meet what production answered: how every window did, and whether what counts as right has changed."""
