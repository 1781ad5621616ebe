"""Runs a command that ends when its standard input does: ``python guard.py COMMAND [ARGUMENT ...]``.

The other end of that input belongs to the process that started it, so the command never outlives that
process, even one that was killed.
"""

import os
import subprocess
import sys
import threading

_GRACE = 10.0


def main() -> int:
    """Runs the command of the command line and returns its exit status."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def end_with_parent() -> None:
        while os.read(0, 1024):
            pass
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
