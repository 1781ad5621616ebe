"""``python -m scripts.set_up COMMAND``; every Python, however old, can read this file."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(
        "Python 3.10 or later is needed; {} is {}.{}. Nothing was installed. "
        "Name another one, for example: make demo PYTHON=python3.12".format(sys.executable, *sys.version_info[:2])
    )

from scripts.set_up.main import main

sys.exit(main())
