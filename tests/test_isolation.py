"""Tests leave nothing of mmengine's behind for each other."""

from mmengine.visualization import Visualizer

from tests.conftest import _globals_restored


class OwnVisualizer(Visualizer):
    """As each of OpenMMLab's libraries has one, with instances of its own."""


def test_instances_of_subclasses_are_forgotten_too():
    OwnVisualizer.get_instance('before')
    restored = _globals_restored()
    next(restored)
    OwnVisualizer.get_instance('a run of this second')
    next(restored, None)
    assert list(OwnVisualizer._instance_dict) == ['before']
