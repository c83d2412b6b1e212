"""Pictures of noise with boxes, as a data loader gives them to a detector."""

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData


def make_batch(size: int) -> dict:
    """Two square noise pictures of ``size`` pixels, each with two boxes."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for index in range(2):
        sample = DetDataSample(
            metainfo={
                'img_id': index,
                'img_shape': (size, size),
                'ori_shape': (size, size),
                'scale_factor': (1.0, 1.0),
            }
        )
        boxes = torch.tensor([[8.0, 8.0, 56.0, 60.0], [30.0, 20.0, 90.0, 80.0]])
        sample.gt_instances = InstanceData(
            bboxes=boxes * size / 96, labels=torch.tensor([index, 3])
        )
        samples.append(sample)
    images = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8, generator=generator)
    return {'inputs': list(images), 'data_samples': samples}
