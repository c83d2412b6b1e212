"""What is recorded of the machine, on machines made of files."""

import importlib.metadata
import re
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks.latency_records import (
    LATENCY_VERSION,
    LatencyFile,
    read_latency,
    write_latency,
)
from benchmarks.machine import (
    check_device,
    device_name,
    machine_record,
    machine_settings,
    machine_states,
)
from dynp_plugins.errors import UserError

CPU = torch.device('cpu')


def files(root, contents):
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_states_of_a_cpu(tmp_path):
    cores = {
        f'sys/devices/system/cpu/cpu{i}/cpufreq/{file}': text
        for i, clock in enumerate((800000, 3600000))
        for file, text in (('scaling_cur_freq', f'{clock}\n'), ('scaling_governor', 'powersave\n'))
    }
    other = {
        'sys/devices/system/cpu/cpufreq/boost': '1\n',
        'sys/class/power_supply/AC/online': '0\n',
        'proc/cpuinfo': 'cpu MHz : 1.0\n',
    }
    files(tmp_path, cores | other)
    states = machine_states(CPU, tmp_path / 'sys', tmp_path / 'proc')
    states.pop('load, 1 minute', None)
    assert states == {
        'clock, MHz': '800 to 3600',
        'governor': 'powersave',
        'turbo': 'on',
        'mains power': 'off',
    }


def test_other_places_for_the_same_states(tmp_path):
    files(
        tmp_path,
        {
            'sys/devices/system/cpu/intel_pstate/no_turbo': '1\n',
            'proc/cpuinfo': 'cpu MHz\t\t: 2596.12\nflags : x\ncpu MHz\t\t: 2596.4\n',
        },
    )
    states = machine_states(CPU, tmp_path / 'sys', tmp_path / 'proc')
    assert (states['turbo'], states['clock, MHz']) == ('off', '2596')
    assert {'governor', 'mains power'}.isdisjoint(states)


def test_what_cannot_be_read_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr('os.getloadavg', lambda: (_ for _ in ()).throw(OSError()))
    assert machine_states(CPU, tmp_path / 'sys', tmp_path / 'proc') == {}


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda device: 'Example Accelerator')
    properties = SimpleNamespace(uuid='0123-abcd')
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda device: properties)
    return torch.device('cuda', 1)


def program(path, text):
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def test_states_of_a_gpu(gpu, tmp_path):
    smi = program(
        tmp_path / 'smi',
        f'echo "$@" > {tmp_path}/asked; echo "1980, 2619, 212.40, 700.00, 41, P0, [N/A]"',
    )
    states = machine_states(gpu, tmp_path, tmp_path, smi)
    states.pop('load, 1 minute', None)
    assert states == {
        'GPU SM clock, MHz': '1980',
        'GPU memory clock, MHz': '2619',
        'GPU power draw, W': '212.40',
        'GPU power limit, W': '700.00',
        'GPU temperature, C': '41',
        'GPU performance state': 'P0',
    }
    asked = (tmp_path / 'asked').read_text()
    assert '--id=GPU-0123-abcd' in asked  # this one, whichever devices are hidden
    assert 'clocks.sm,clocks.mem,power.draw' in asked


def test_a_gpu_is_described_without_its_tool(gpu, tmp_path):
    for smi in (str(tmp_path / 'none'), program(tmp_path / 'broken', 'echo 1, 2; exit 6')):
        states = machine_states(gpu, tmp_path, tmp_path, smi)
        assert not [name for name in states if name.startswith('GPU')]


def test_names(gpu, tmp_path, monkeypatch):
    cpuinfo = tmp_path / 'cpuinfo'
    cpuinfo.write_text('model\t: 2\nmodel name\t: Example CPU: 9\n\nmodel name\t: Example CPU: 9\n')
    assert device_name(CPU, cpuinfo) == 'Example CPU: 9'
    assert device_name(gpu, cpuinfo) == 'Example Accelerator'
    cpuinfo.write_text('CPU implementer : 0x41\n')  # as on ARM
    monkeypatch.setattr('platform.processor', lambda: '')
    monkeypatch.setattr('platform.machine', lambda: 'aarch64')
    assert device_name(CPU, cpuinfo) == 'aarch64'


def test_settings_that_change_times(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    monkeypatch.setenv('LD_PRELOAD', '/opt/fast/libjemalloc.so.2')
    monkeypatch.delenv('MKL_NUM_THREADS', raising=False)
    settings = machine_settings(CPU)
    assert settings['OMP_NUM_THREADS'] == '3'
    assert settings['LD_PRELOAD'] == '/opt/fast/libjemalloc.so.2'
    assert 'MKL_NUM_THREADS' not in settings
    assert int(settings['usable cores']) >= 1
    assert 'cuDNN' not in settings
    assert 'TF32 in convolutions' in machine_settings(torch.device('cuda'))


def test_what_the_documentation_says_of_the_environment_is_recorded(monkeypatch):
    text = (Path(__file__).parents[2] / 'docs/page_faults.md').read_text()
    names = set(re.findall(r'\b([A-Z][A-Z_]+)=', text))
    assert {'MALLOC_TOP_PAD_', 'THP_MEM_ALLOC_ENABLE'} < names
    for name in names:
        monkeypatch.setenv(name, '1')
    assert names < machine_settings(CPU).keys()


def test_huge_pages_as_the_kernel_has_them(tmp_path):
    assert 'transparent huge pages' not in machine_settings(CPU, tmp_path)
    folder = tmp_path / 'kernel/mm/transparent_hugepage'
    folder.mkdir(parents=True)
    (folder / 'enabled').write_text('always [madvise] never\n')
    assert machine_settings(CPU, tmp_path)['transparent huge pages'] == 'madvise'


def test_devices_that_are_not_there():
    assert check_device('cpu') == CPU
    for name in ('gpu', 'cuda:99'):
        with pytest.raises(UserError, match=f'--device {name} cannot be used'):
            check_device(name)


def test_record_survives_the_file(tmp_path):
    machine = machine_record(CPU, torch.bfloat16, channels_last=True)
    assert (machine.kind, machine.dtype, machine.memory_format) == (
        'cpu',
        'bfloat16',
        'channels_last',
    )
    assert machine.threads == torch.get_num_threads()
    assert machine.versions['torch'] == importlib.metadata.version('torch')
    record = LatencyFile(LATENCY_VERSION, 'now', 'cmd', machine, 2, 9, [], [], 1.5)
    write_latency(record, tmp_path / 'l.json')
    assert read_latency(tmp_path / 'l.json') == record
