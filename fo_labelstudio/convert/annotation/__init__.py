"""Exported tasks with annotations -> what people changed."""
