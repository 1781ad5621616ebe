"""Tries the oldest and the newest supported versions: an environment and some tests for each row of a table."""
