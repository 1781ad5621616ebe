"""A Label Studio server and a database of one's own, on this machine."""
