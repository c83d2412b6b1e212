"""mmdet's detectors at a size that runs in a moment."""

import torch

import dynp_plugins.openmmlab  # noqa: F401 - makes mmdet importable

_BACKBONE = {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'num_stages': 4}
_NECK = {'type': 'FPN', 'in_channels': [8, 16, 32, 64], 'out_channels': 8, 'num_outs': 5}
_NMS = {
    'nms_pre': 50,
    'min_bbox_size': 0,
    'score_thr': 0.0,
    'nms': {'type': 'nms', 'iou_threshold': 0.6},
    'max_per_img': 20,
}
_DELTAS = {
    'type': 'DeltaXYWHBBoxCoder',
    'target_means': [0.0] * 4,
    'target_stds': [1.0] * 4,
}
_CLASSES = 3

_RPN = {
    'type': 'RPNHead',
    'in_channels': 8,
    'feat_channels': 8,
    'anchor_generator': {
        'type': 'AnchorGenerator',
        'scales': [8],
        'ratios': [0.5, 1.0, 2.0],
        'strides': [4, 8, 16, 32, 64],
    },
    'bbox_coder': _DELTAS,
}
_ROI = {
    'type': 'StandardRoIHead',
    'bbox_roi_extractor': {
        'type': 'SingleRoIExtractor',
        'roi_layer': {'type': 'RoIAlign', 'output_size': 7, 'sampling_ratio': 0},
        'out_channels': 8,
        'featmap_strides': [4, 8, 16, 32],
    },
    'bbox_head': {
        'type': 'Shared2FCBBoxHead',
        'in_channels': 8,
        'fc_out_channels': 16,
        'roi_feat_size': 7,
        'num_classes': _CLASSES,
        'bbox_coder': _DELTAS,
    },
}

MODELS = {
    'RetinaNet': {
        'type': 'RetinaNet',
        'bbox_head': {
            'type': 'RetinaHead',
            'num_classes': _CLASSES,
            'in_channels': 8,
            'stacked_convs': 1,
            'feat_channels': 8,
            'anchor_generator': {
                'type': 'AnchorGenerator',
                'octave_base_scale': 4,
                'scales_per_octave': 3,
                'ratios': [0.5, 1.0, 2.0],
                'strides': [4, 8, 16, 32, 64],
            },
            'bbox_coder': _DELTAS,
        },
        'test_cfg': _NMS,
    },
    'FCOS': {
        'type': 'FCOS',
        'bbox_head': {
            'type': 'FCOSHead',
            'num_classes': _CLASSES,
            'in_channels': 8,
            'stacked_convs': 1,
            'feat_channels': 8,
            'strides': [4, 8, 16, 32, 64],
            'norm_cfg': {'type': 'GN', 'num_groups': 2, 'requires_grad': True},
        },
        'test_cfg': _NMS,
    },
    'FasterRCNN': {
        'type': 'FasterRCNN',
        'rpn_head': _RPN,
        'roi_head': _ROI,
        'train_cfg': {'rpn': None, 'rcnn': None},
        'test_cfg': {
            'rpn': {**_NMS, 'max_per_img': 40, 'nms': {'type': 'nms', 'iou_threshold': 0.7}},
            'rcnn': {
                'score_thr': 0.0,
                'nms': {'type': 'nms', 'iou_threshold': 0.5},
                'max_per_img': 20,
            },
        },
    },
    'RTMDet': {
        'type': 'RTMDet',
        'neck': {
            'type': 'CSPNeXtPAFPN',
            'in_channels': [16, 32, 64],
            'out_channels': 8,
            'num_csp_blocks': 1,
        },
        'bbox_head': {
            'type': 'RTMDetSepBNHead',
            'num_classes': _CLASSES,
            'in_channels': 8,
            'stacked_convs': 1,
            'feat_channels': 8,
            'with_objectness': False,
            'exp_on_reg': True,
            'share_conv': True,
            'anchor_generator': {
                'type': 'MlvlPointGenerator',
                'offset': 0,
                'strides': [8, 16, 32],
            },
            'bbox_coder': {'type': 'DistancePointBBoxCoder'},
            'norm_cfg': {'type': 'BN'},
        },
        'backbone': {**_BACKBONE, 'out_indices': (1, 2, 3)},
        'test_cfg': _NMS,
    },
}


def detector_config(name):
    """A detector's ``model`` config."""
    preprocessor = {
        'type': 'DetDataPreprocessor',
        'mean': [123.675, 116.28, 103.53],
        'std': [58.395, 57.12, 57.375],
        'bgr_to_rgb': True,
        'pad_size_divisor': 32,
    }
    model = {'backbone': _BACKBONE, 'neck': _NECK, 'data_preprocessor': preprocessor}
    return model | MODELS[name] | {'_scope_': 'mmdet'}


def build(name):
    """A detector in eval mode with random weights, the same in every call."""
    import mmdet.models  # noqa: F401 - registers them, and takes its time
    from mmdet.registry import MODELS
    from mmengine.config import ConfigDict

    torch.manual_seed(0)
    return MODELS.build(ConfigDict(detector_config(name))).eval()


def predict(detector, height=64, width=96, seed=0):
    """One image of noise through the detector, as the test loop hands it over."""
    from mmdet.structures import DetDataSample

    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)
    sample = DetDataSample(
        metainfo={
            'img_id': 0,
            'img_shape': (height, width),
            'ori_shape': (height, width),
            'scale_factor': (1.0, 1.0),
        }
    )
    with torch.no_grad():
        return detector.test_step({'inputs': [image], 'data_samples': [sample]})
