"""Hashes and versions that say what a number was made from."""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path

import numpy as np
from mmengine.config import Config

_PACKAGES = (
    'dynp-plugins',
    'torch',
    'torchvision',
    'numpy',
    'onedl-mmengine',
    'onedl-mmcv',
    'onedl-mmpretrain',
    'onedl-mmdetection',
    'mmaction2',
    'pillow',
    'opencv-python',
    'opencv-python-headless',
    'av',
    'fvcore',
    'pycocotools',
    'faster-coco-eval',
    'timm',
    'openvino',
    'onnx',
    'onnxruntime',
    'onnxscript',
)
_ENTRIES_WITHOUT_EFFECT = (
    'work_dir',
    'launcher',
    'load_from',
    'resume',
    'log_level',
    'test_scales',  # only which measurements are made
)


def config_sha256(config: Config) -> str:
    """Hash of a merged config, without the entries that cannot change a measurement."""
    entries = {k: v for k, v in config.to_dict().items() if k not in _ENTRIES_WITHOUT_EFFECT}
    return hashlib.sha256(json.dumps(entries, sort_keys=True, default=repr).encode()).hexdigest()


def picture_digest(pixels: np.ndarray) -> bytes:
    """16 bytes that tell one picture's pixels from another's, as the network sees them."""
    header = f'{pixels.dtype}{pixels.shape}'.encode()
    return hashlib.blake2b(header + pixels.tobytes(), digest_size=16).digest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that make the numbers."""
    found = {'python': platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """This project's commit, with ``-dirty`` if files differ from it; None outside a checkout."""
    # Installed into somebody else's checkout, this file is not one of theirs.
    ours = _git('ls-files', '--error-unmatch', Path(__file__).name)
    # --exclude leaves tags out, so that the answer is always a commit.
    return ours and _git('describe', '--always', '--abbrev=40', '--dirty', '--exclude', '*')


def _git(*arguments: str) -> str | None:
    command = ['git', '-C', str(Path(__file__).parent), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
