"""Options of a load: those of a call count whatever FiftyOne has in memory."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory
from tests.support import stored

SCHEMA = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}


def test_full_is_an_option_of_a_load_and_of_no_run():
    with pytest.raises(SettingsError, match="unknown setting 'full'"):
        LabelStudioBackendConfig("labelstudio", None, full=True)
    with pytest.raises(SettingsError, match="full is 'yes', expected True or False"):
        LoadOptions.of({"full": "yes"}, None)


@pytest.mark.database
class TestCachedResults:
    """FiftyOne ignores the keyword arguments of a load where it has the results of the run already (1.22.1)."""

    @pytest.fixture
    def project(self, make_dataset, monkeypatch):
        box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
        self.dataset = make_dataset({"gt": fo.Detections(detections=[box])}, {})
        results, project = annotate_in_memory(self.dataset, "run", SCHEMA)
        monkeypatch.setattr("fo_labelstudio.runs.load_annotations._source_of", lambda results: project)
        assert self.dataset.load_annotation_results("run") is self.dataset.load_annotation_results("run")
        project.submit(next(iter(results.tasks.values())))
        for _ in range(3):
            self.dataset.load_annotations("run")
        project.pages.clear()
        return project

    def test_options_of_our_load_count(self, project):
        fo_labelstudio.load_annotations(self.dataset, "run", full=True)
        assert project.pages == [[1, 2]]

    def test_options_of_fiftyones_load_count(self, project):
        self.dataset.load_annotations("run", full=True)
        assert project.pages == [[1, 2]]

    def test_wrong_options_are_refused(self, project):
        before = stored(self.dataset)
        with pytest.raises(SettingsError, match="did you mean 'full'"):
            self.dataset.load_annotations("run", ful=True)
        with pytest.raises(SettingsError, match="full is 'all', expected True or False"):
            self.dataset.load_annotations("run", full="all")
        assert stored(self.dataset) == before
