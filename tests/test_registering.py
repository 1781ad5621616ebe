"""Each way that makes backend="labelstudio" this package's, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

CONFIG_CLS = "fo_labelstudio.backend.LabelStudioBackendConfig"
CLASS_OF_RUN = (
    "import sys, fiftyone as fo, fiftyone.utils.annotations as foua\n"
    "{prepare}\n"
    "config = foua._parse_config({backend}, None)\n"
    "print(config.cls, config.run_cls.__module__, fo.annotation_config.default_backend)\n"
)

NAMING_THE_CLASS = CLASS_OF_RUN.format(prepare="", backend="'labelstudio'").replace(
    "None)", f"None, config_cls={CONFIG_CLS!r})"
)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-3:]


def test_by_a_variable_of_the_environment():
    code = CLASS_OF_RUN.format(prepare="", backend="'labelstudio'")
    found = run(code, FIFTYONE_LABELSTUDIO_CONFIG_CLS=CONFIG_CLS)
    assert found == [CONFIG_CLS, "fo_labelstudio.backend", "cvat"]


def test_by_the_call_where_it_is_registered_by_a_variable_too():
    found = run(NAMING_THE_CLASS, FIFTYONE_LABELSTUDIO_CONFIG_CLS=CONFIG_CLS)
    assert found == [CONFIG_CLS, "fo_labelstudio.backend", "cvat"]


def test_by_the_call_where_it_is_registered_by_the_annotation_config_file_too(tmp_path):
    path = tmp_path / "annotation_config.json"
    path.write_text(json.dumps({"backends": {"labelstudio": {"config_cls": CONFIG_CLS}}}))
    assert run(NAMING_THE_CLASS, FIFTYONE_ANNOTATION_CONFIG_PATH=str(path))[0] == CONFIG_CLS


def test_by_an_entry_of_the_annotation_config_file(tmp_path):
    path = tmp_path / "annotation_config.json"
    path.write_text(json.dumps({"backends": {"labelstudio": {"config_cls": CONFIG_CLS}}}))
    code = CLASS_OF_RUN.format(prepare="", backend="'labelstudio'")
    assert run(code, FIFTYONE_ANNOTATION_CONFIG_PATH=str(path))[0] == CONFIG_CLS


def test_by_the_command(tmp_path):
    path = str(tmp_path / "annotation_config.json")
    environment = {**os.environ, "FIFTYONE_ANNOTATION_CONFIG_PATH": path}
    subprocess.run([sys.executable, "-m", "fo_labelstudio.cli", "register"], check=True, env=environment)
    code = CLASS_OF_RUN.format(prepare="", backend="'labelstudio'")
    assert run(code, FIFTYONE_ANNOTATION_CONFIG_PATH=path)[0] == CONFIG_CLS


@pytest.mark.parametrize("name", ["labelstudio", "ls"])
def test_by_a_call(name):
    prepare = f"import fo_labelstudio; fo_labelstudio.register({name!r}); print(fo.annotation_config)"
    assert run(CLASS_OF_RUN.format(prepare=prepare, backend=repr(name)))[0] == CONFIG_CLS


def test_by_the_class_itself():
    prepare = "from fo_labelstudio.backend import LabelStudioBackendConfig"
    assert run(CLASS_OF_RUN.format(prepare=prepare, backend="LabelStudioBackendConfig"))[0] == CONFIG_CLS


def test_as_the_default():
    code = CLASS_OF_RUN.format(prepare="", backend="None")
    found = run(code, FIFTYONE_LABELSTUDIO_CONFIG_CLS=CONFIG_CLS, FIFTYONE_ANNOTATION_DEFAULT_BACKEND="labelstudio")
    assert found == [CONFIG_CLS, "fo_labelstudio.backend", "labelstudio"]


def test_importing_the_package_does_not_import_fiftyone():
    code = "import sys, fo_labelstudio, fo_labelstudio.cli; print('fiftyone' in sys.modules, 1, 2)"
    assert run(code)[0] == "False"
