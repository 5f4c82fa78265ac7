"""How dates look where no template says it, above all in the back office."""
