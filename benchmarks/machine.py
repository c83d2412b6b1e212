"""The machine that times are taken on: its name, its settings, and what state it is in."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import torch

from dynp_plugins.errors import UserError

from .latency_records import MachineRecord
from .provenance import versions

_ENVIRONMENT = (
    'OMP_NUM_THREADS',
    'OMP_PROC_BIND',
    'OMP_PLACES',
    'OMP_WAIT_POLICY',
    'GOMP_CPU_AFFINITY',
    'KMP_AFFINITY',
    'KMP_BLOCKTIME',
    'MKL_NUM_THREADS',
    'ONEDNN_MAX_CPU_ISA',
    'ONEDNN_PRIMITIVE_CACHE_CAPACITY',
    'ATEN_CPU_CAPABILITY',
    'LD_PRELOAD',
    'MALLOC_ARENA_MAX',
    'MALLOC_CONF',
    'MALLOC_MMAP_THRESHOLD_',
    'MALLOC_TOP_PAD_',
    'MALLOC_TRIM_THRESHOLD_',
    'GLIBC_TUNABLES',
    'THP_MEM_ALLOC_ENABLE',
    'PYTORCH_ALLOC_CONF',
    'PYTORCH_CUDA_ALLOC_CONF',
    'CUDA_LAUNCH_BLOCKING',
    'CUDA_VISIBLE_DEVICES',
    'NVIDIA_TF32_OVERRIDE',
)
"""Variables that change how fast torch computes or allocates."""

_GPU_STATES = {
    'clocks.sm': 'SM clock, MHz',
    'clocks.mem': 'memory clock, MHz',
    'power.draw': 'power draw, W',
    'power.limit': 'power limit, W',
    'temperature.gpu': 'temperature, C',
    'pstate': 'performance state',
    'utilization.gpu': 'utilisation, %',
}
"""What ``nvidia-smi`` is asked, and how it is called here."""


def check_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        UserError: torch cannot use it here.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f'--device {name} cannot be used: {error}') from error
    return device


def machine_record(device: torch.device, dtype: torch.dtype, channels_last: bool) -> MachineRecord:
    """What is known of the machine now; ``states_after`` is left empty.

    Args:
        device: Where the networks run.
        dtype: Of weights and images.
        channels_last: Whether they lie in that memory format.
    """
    return MachineRecord(
        device=device_name(device),
        kind=device.type,
        threads=torch.get_num_threads(),
        dtype=str(dtype).removeprefix('torch.'),
        memory_format='channels_last' if channels_last else 'contiguous',
        versions=versions(),
        states=machine_states(device),
        settings=machine_settings(device),
    )


def device_name(device: torch.device, cpuinfo: Path = Path('/proc/cpuinfo')) -> str:
    """The GPU as CUDA calls it, or the processor as the kernel does.

    Args:
        device: Where the networks run.
        cpuinfo: Where the kernel says it.
    """
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    names = {line.split(':', 1)[1].strip() for line in _lines(cpuinfo, 'model name')}
    return ', '.join(sorted(names - {''})) or platform.processor() or platform.machine()


def machine_settings(device: torch.device, sys: Path = Path('/sys')) -> dict[str, str]:
    """Settings of torch, of the kernel and of the environment that change how fast it is.

    Args:
        device: Where the networks run.
        sys: Where the kernel shows its own.
    """
    settings = {
        'platform': platform.platform(),
        'usable cores': str(_usable_cores()),
        'threads between operators': str(torch.get_num_interop_threads()),
        'CPU instructions': torch.backends.cpu.get_cpu_capability(),
    }
    pages = re.search(r'\[(\w+)\]', _text(sys / 'kernel/mm/transparent_hugepage/enabled'))
    if pages:
        settings['transparent huge pages'] = pages.group(1)
    if device.type == 'cuda':
        settings |= {
            'CUDA': str(torch.version.cuda),
            'cuDNN': str(torch.backends.cudnn.version()),
            'cuDNN benchmark': str(torch.backends.cudnn.benchmark),
            'TF32 in convolutions': str(torch.backends.cudnn.allow_tf32),
            'TF32 in products': str(torch.backends.cuda.matmul.allow_tf32),
        }
    return settings | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def machine_states(
    device: torch.device,
    sys: Path = Path('/sys'),
    proc: Path = Path('/proc'),
    nvidia_smi: str = 'nvidia-smi',
) -> dict[str, str]:
    """Clock, power and load as far as they can be read now, name with unit to value.

    Args:
        device: Where the networks run; a GPU's states are read beside those of the CPU.
        sys: Where the kernel shows devices.
        proc: Where the kernel shows processes and processors.
        nvidia_smi: The program that is asked about a GPU; nothing happens if there is none.
    """
    cpu = sys / 'devices/system/cpu'
    clocks = [float(text) / 1000 for text in _texts(cpu, 'cpu[0-9]*/cpufreq/scaling_cur_freq')]
    if not clocks:
        lines = _lines(proc / 'cpuinfo', 'cpu MHz')
        clocks = [float(line.split(':', 1)[1]) for line in lines]
    mains = _texts(sys / 'class/power_supply', '*/online')
    states = {
        'load, 1 minute': _load(),
        'clock, MHz': _range(clocks),
        'governor': ', '.join(sorted({*_texts(cpu, 'cpu[0-9]*/cpufreq/scaling_governor')})),
        'turbo': _turbo(cpu),
        'mains power': '' if not mains else 'on' if '1' in mains else 'off',
    }
    if device.type == 'cuda':
        states |= _gpu_states(device, nvidia_smi)
    return {name: value for name, value in states.items() if value}


def _load() -> str:
    try:
        return f'{os.getloadavg()[0]:.2f}'
    except (OSError, AttributeError):  # Windows has none
        return ''


def _range(values: list[float]) -> str:
    """One number if all are equal when rounded, else the least and the greatest."""
    if not values:
        return ''
    low, high = f'{min(values):.0f}', f'{max(values):.0f}'
    return low if low == high else f'{low} to {high}'


def _turbo(cpu: Path) -> str:
    """Whether cores may clock above their base frequency; the two drivers say it inversely."""
    for file, on in (('cpufreq/boost', '1'), ('intel_pstate/no_turbo', '0')):
        for text in _texts(cpu, file):
            return 'on' if text == on else 'off'
    return ''


def _gpu_states(device: torch.device, nvidia_smi: str) -> dict[str, str]:
    # CUDA's own numbers leave out devices that are hidden from this process; old torch has no name.
    uuid = getattr(torch.cuda.get_device_properties(device), 'uuid', None)
    if uuid is None:
        return {}
    command = [
        nvidia_smi,
        f'--query-gpu={",".join(_GPU_STATES)}',
        '--format=csv,noheader,nounits',
        f'--id=GPU-{uuid}',
    ]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    values = [value.strip() for value in answer.stdout.strip().split(',')]
    return {
        f'GPU {name}': value
        for name, value in zip(_GPU_STATES.values(), values, strict=False)
        if value and not value.startswith('[')  # [N/A], [Not Supported]
    }


def _usable_cores() -> int:
    """Those that this process may run on, where the system can tell."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def _texts(folder: Path, pattern: str) -> list[str]:
    """What the files say that can be read."""
    return [text for text in map(_text, sorted(folder.glob(pattern))) if text]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors='replace').strip()
    except OSError:
        return ''


def _lines(path: Path, key: str) -> Iterable[str]:
    """Lines of a file such as ``/proc/cpuinfo`` that begin with a key."""
    return [line for line in _text(path).splitlines() if line.startswith(key) and ':' in line]
