"""Media files of this machine, a module a medium: whether they are whole, their size, whether browsers show them."""
