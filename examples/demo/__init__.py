"""A demo of its own: real photographs, real predictions, a Label Studio server and a person who corrects."""
