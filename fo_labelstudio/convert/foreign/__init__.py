"""Tasks of projects that somebody else made -> answers that a load can merge into a dataset."""
