"""How many views of a video its frames are: test-time clips and crops multiply the cost."""

from collections.abc import Sequence


def view_count(input_shape: Sequence[int], num_segments: int) -> int:
    """How often a network looks at a sample.

    Args:
        input_shape: (channels, height, width) of a picture, or (frames, channels, height, width).
        num_segments: Frames that the network sees together; where it sees each by itself, nothing
            tells more frames from more views.

    Returns:
        1 for pictures, and where frames are seen one by one.
    """
    if len(input_shape) == 3 or num_segments == 1:
        return 1
    return input_shape[0] // num_segments
