"""Files that Label Studio writes, and those that its import page takes."""
