"""What every app needs and no customer has heard of: no page, no business rule. `docs/architecture.md` lists it."""
