"""Test pipelines of configs, with what their data preprocessors make of samples."""

from dynp_plugins.inference.config_dataset import test_dataset as dataset_of
from dynp_plugins.inference.config_pictures import PicturePipeline
from dynp_plugins.inference.config_videos import VideoPipeline
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from tests.conftest import REPOSITORY
from tests.inference.tiny_videos import FILES, write_config

DIGITS = REPOSITORY / 'configs/demo/dyn-perceiver_regnety-tiny_digits.py'


def picture_pipeline(folder, steps, data_preprocessor):
    """The pipeline of pictures, and a function from a batch of what it gives to the network's."""
    path = folder / 'pictures.py'
    path.write_text(
        f'_base_ = {str(DIGITS)!r}\n'
        f'data_preprocessor = dict(_delete_=True, {data_preprocessor})\n'
        f'test_dataloader = dict(dataset=dict(pipeline={steps}))\n'
    )
    return _pipeline(path, PicturePipeline)


def video_pipeline(folder, steps, data=FILES):
    """As `picture_pipeline`, of videos."""
    return _pipeline(write_config(folder / 'videos.py', steps, data), VideoPipeline)


def _pipeline(path, kind):
    config = load_config(path)
    classifier = build_classifier(config)

    def to_network(samples):
        batch = {'inputs': list(samples), 'data_samples': None}
        return classifier.data_preprocessor(batch)['inputs']

    return kind(config, dataset_of(config), classifier), to_network
