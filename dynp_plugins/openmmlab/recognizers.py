"""mmaction2's TSN and TSM as networks with one exit, and how many frames a backbone mixes."""

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
        self.num_segments = frames_seen_together(backbone)

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


def frames_seen_together(backbone: nn.Module | None) -> int:
    """Frames of a clip that a backbone of ours or of mmaction2 mixes; 1 where it mixes none."""
    # mmaction2's TSM backbones have num_segments with the shift switched off, too. Whatever else
    # has it, such as TANet, mixes frames.
    mixes = getattr(backbone, 'is_shift', True) or getattr(backbone, 'non_local_cfg', None)
    return getattr(backbone, 'num_segments', 1) if mixes else 1


def check_sampled_frames(frames: int, num_segments: int, split: str) -> None:
    """Refuse videos of which the network would see parts of a clip.

    In a batch of them it might find a whole number of clips all the same, with frames of several
    videos in one.

    Args:
        frames: Of a video, those of all clips and crops.
        num_segments: See `frames_seen_together`.
        split: Name for the message.

    Raises:
        UserError: The frames are no whole number of clips.
    """
    if frames % num_segments:
        raise UserError(
            f'the {split} split hands out {frames} frames of a video, but the network sees '
            f'num_segments={num_segments} frames of a clip together: sample as many, or a '
            'multiple (num_clips or clip_len of SampleFrames), or set model.backbone.num_segments'
        )


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
    is_stock = not isinstance(recognizer.backbone, ExitBackbone) and kind in _HEADS
    if type(recognizer).__name__ != 'Recognizer2D' or not is_stock or recognizer.with_neck:
        raise UserError(
            f'the {type(recognizer).__name__} of a {backbone} and a {kind} has no exits and cannot '
            'be taken as one: use a Recognizer2D of a multi-exit backbone such as '
            "dict(type='DynPerceiver') and cls_head=dict(type='MultiExitVideoHead'), or of a "
            f'backbone of mmaction2 and a {" or ".join(_HEADS)}, without a neck'
        )
    if recognizer.backbone_from != 'mmaction2':
        raise UserError(
            f'the backbone {backbone} is of {recognizer.backbone_from}: recognizers with backbones '
            'of mmaction2 can be measured as networks with one exit'
        )
    pools = any(getattr(part, 'temporal_pool', False) for part in (recognizer.backbone, head))
    if head.spatial_type != 'avg' or pools:
        raise UserError(
            f'the {kind} has spatial_type={head.spatial_type!r}, and it or the {backbone} has '
            f'temporal_pool={pools}: only the global average, without temporal pooling, can be '
            'measured'
        )
    return MultiExitNetwork(
        RecognizerBackbone(recognizer.backbone, head.in_channels), RecognizerHeads(head)
    )
