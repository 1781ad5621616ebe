"""Makes and updates the environment that the other commands of make run in. Needs nothing but Python."""
