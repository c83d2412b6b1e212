"""Versions that are written beside numbers."""

import importlib.util

import cv2
import PIL
import pytest

from benchmarks.provenance import versions


def test_what_reads_pictures_is_named():
    found = versions()
    assert found['pillow'] == PIL.__version__
    opencv = found.get('opencv-python') or found['opencv-python-headless']
    assert opencv.startswith(cv2.__version__)


@pytest.mark.parametrize('package', ['openvino', 'onnx', 'onnxruntime', 'onnxscript'])
def test_what_writes_and_runs_steps_is_named(package):
    assert (package in versions()) == (importlib.util.find_spec(package) is not None)
