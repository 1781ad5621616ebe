"""Conversion between FiftyOne and Label Studio: pure, no file, no network, no database."""
