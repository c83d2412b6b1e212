"""mmaction2's own TSN and TSM recognizers as networks with one exit."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import UserError
from ..networks import ExitBackbone, ExitHeads, MultiExitNetwork, State
from ..networks.contract import check_images
from ..networks.temporal_shift import check_whole_clips

_HEADS = ('TSNHead', 'TSMHead')


class RecognizerBackbone(ExitBackbone):
    """An mmaction2 backbone and the global average of its last feature map.

    Args:
        backbone: Takes images (B, 3, H, W) and gives feature maps.
        channels: Width of the last one.
    """

    exit_names = ('final',)

    def __init__(self, backbone: nn.Module, channels: int):
        super().__init__()
        self.network = backbone
        self.exit_channels = (channels,)
        if getattr(backbone, 'is_shift', False):
            self.num_segments = backbone.num_segments

    def start(self, images: Tensor) -> State:
        check_images(images)
        check_whole_clips(images, self.num_segments)
        return {'images': images}

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        maps = self.network(state['images'])
        last = maps if isinstance(maps, Tensor) else maps[-1]
        return state, last.mean((2, 3))


class RecognizerHeads(ExitHeads):
    """The linear classifier of a TSN or TSM head, frame by frame.

    The head averages features or logits over the frames; with a linear classifier that is the same.

    Args:
        head: mmaction2's.
    """

    exit_names = RecognizerBackbone.exit_names

    def __init__(self, head: nn.Module):
        super().__init__()
        self.classifier = head.fc_cls
        self.in_channels = (head.in_channels,)

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        return self.classifier(feature)


def recognizer_network(recognizer: nn.Module) -> MultiExitNetwork:
    """The network inside a TSN or TSM of mmaction2; weights are shared.

    Test-time clips and crops are averaged as logits, whatever the head's ``average_clips`` says.

    Args:
        recognizer: An ``mmaction.Recognizer2D`` with a backbone of mmaction2 and a `TSNHead` or
            `TSMHead`.

    Raises:
        UserError: It is another kind of recognizer, or its head pools over space or time otherwise.
    """
    head = getattr(recognizer, 'cls_head', None)
    kind, backbone = type(head).__name__, type(recognizer.backbone).__name__
    if type(recognizer).__name__ != 'Recognizer2D' or kind not in _HEADS or recognizer.with_neck:
        raise UserError(
            f'the {type(recognizer).__name__} of a {backbone} and a {kind} has no exits and cannot '
            "be taken as one: use a multi-exit backbone such as dict(type='DynPerceiver') with "
            "cls_head=dict(type='MultiExitVideoHead'), or a Recognizer2D without a neck, with a "
            f'{" or ".join(_HEADS)}'
        )
    if recognizer.backbone_from != 'mmaction2':
        raise UserError(
            f'the backbone {backbone} is of {recognizer.backbone_from}: recognizers with backbones '
            'of mmaction2 can be measured as networks with one exit'
        )
    if head.spatial_type != 'avg' or getattr(head, 'temporal_pool', False):
        raise UserError(
            f'the {kind} has spatial_type={head.spatial_type!r} and temporal_pool='
            f'{getattr(head, "temporal_pool", False)}: only the global average, without temporal '
            'pooling, can be measured'
        )
    return MultiExitNetwork(
        RecognizerBackbone(recognizer.backbone, head.in_channels), RecognizerHeads(head)
    )
