"""I/O with the FiftyOne dataset: samples are read in blocks, changes written where they are."""
