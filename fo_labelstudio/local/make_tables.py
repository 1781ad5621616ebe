"""``python -m fo_labelstudio.local.make_tables``: makes Label Studio's empty database ahead of the first server."""

from __future__ import annotations

import sys

from fo_labelstudio.local.process import StartError
from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.local.tables import end_tidily, kept_tables, migrations_done, show_progress, tables_dir


def main() -> int:
    """Makes the empty database if there is none yet, and prints where it is kept.

    Returns:
        the exit status: 0, or 1 if it was not made
    """
    end_tidily()
    path = kept_tables(tables_dir())
    if not path.exists():
        server = LocalServer(template_dir=path.parent)
        try:
            server.provide_database(lambda: show_progress(migrations_done(server.data_dir)))
        except StartError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            server.close()
    print(f"Kept in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
