"""Labeling configs, the XML that says what a project asks."""
