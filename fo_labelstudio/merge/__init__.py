"""Answers and stored labels -> the least change: pure, no file, no network, no database."""
