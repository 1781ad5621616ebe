"""Samples -> tasks."""
