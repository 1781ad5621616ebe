"""``python -m scripts.release``; see ``make dist``."""

from scripts.release.main import main

raise SystemExit(main())
