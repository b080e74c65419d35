"""What recipes call losses: each term knows the head or the reasoner that it trains; `losses/` has the mathematics."""
