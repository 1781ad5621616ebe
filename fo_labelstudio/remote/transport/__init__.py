"""How the server gets to read media files, a module per way."""
