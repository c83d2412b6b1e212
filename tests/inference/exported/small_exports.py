"""A model that is exported in a second or two, and pictures that leave it early and late."""

import torch

from dynp_plugins.checkpoints.hashing import weights_sha256
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, confidence_measure
from dynp_plugins.inference.exported import Source, export_model
from dynp_plugins.inference.image_inputs import PICTURES
from dynp_plugins.inference.loaded_model import LoadedModel
from dynp_plugins.inference.named_model import imagenet_preprocessing
from dynp_plugins.inference.preprocessing import PlainPreprocessing
from tests.early_exit.compiled.small_network import small_network
from tests.inference.tiny_models import make_pictures

GMACS = [0.1, 0.3]
SOURCE = Source('small', None, {}, 'small.pth', {'torch': torch.__version__})
PICTURES_OF_BOTH = make_pictures(12, 20, 24)


def small_model(record=None, network=None, **changes):
    """With the usual ImageNet preprocessing, unless a record of another is given."""
    network = network or small_network()
    record = record or imagenet_preprocessing(8)
    plain = PlainPreprocessing(record, torch.device('cpu'))
    settings = dict(
        name='small',
        kind=PICTURES,
        network=network,
        prepare=plain,
        to_network=plain.to_network,
        classes=('ant', 'bee', 'cat'),
        num_classes=3,
        weights_sha256=weights_sha256(network.state_dict()),
        preprocessing=lambda: record,
    )
    return LoadedModel(**settings | changes)


def small_export(folder, model=None, **settings):
    arguments = dict(backend='torch_export', input_shape=(3, 8, 8), exit_gmacs=GMACS, source=SOURCE)
    return export_model(model or small_model(), folder, **arguments | settings)


def images_of(model, pictures=PICTURES_OF_BOTH):
    return model.to_network(torch.stack([model.prepare(picture) for picture in pictures]))


@torch.no_grad()
def halving_policy(model):
    """Half of the pictures leave at the first exit."""
    confidence = confidence_measure('max_softmax').confidence(
        [model.network(images_of(model))[0].softmax(1)]
    )
    middle = float(confidence.sort().values[5:7].mean())
    return ExitPolicy(model.network.exit_names, 'max_softmax', (middle, ALWAYS))
