"""``python -m fo_labelstudio.cli``: the command ``fo-labelstudio``."""

import sys

from fo_labelstudio.cli import main

if __name__ == "__main__":
    sys.exit(main())
