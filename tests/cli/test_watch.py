from __future__ import annotations

import pytest

from fo_labelstudio.cli import main


@pytest.mark.database
def test_watch_names_what_there_is_where_a_dataset_or_a_run_is_mistyped(make_dataset, capsys):
    name = make_dataset({}).name
    assert main(["watch", "no such dataset", "run"]) == 1
    assert (
        "there is no dataset 'no such dataset'; the command `fiftyone datasets list` shows" in capsys.readouterr().err
    )
    assert main(["watch", name, "run"]) == 1
    assert f"dataset {name!r} has no annotation run 'run'; it has: none" in capsys.readouterr().err
