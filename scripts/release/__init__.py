"""Builds what is published, and tries it as somebody who installs it."""
