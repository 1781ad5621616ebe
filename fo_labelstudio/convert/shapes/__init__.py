"""Geometry and masks that label families share."""
