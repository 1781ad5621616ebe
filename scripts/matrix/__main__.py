"""``python -m scripts.matrix [ROW ...]``; see ``make test-matrix``."""

from scripts.matrix.main import main

raise SystemExit(main())
