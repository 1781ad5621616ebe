"""I/O with Label Studio."""
