"""True-looking wrong statements, made from the calculi's own rewriting, and oracles that share nothing with them."""
