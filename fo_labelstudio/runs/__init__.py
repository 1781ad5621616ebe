"""What one can do with an annotation run, a module a verb; the only place where dataset, transport and server meet."""
