"""Creates or renews `.venv` beside the Makefile; does nothing when it is up to date.

`.venv` is up to date when the stamp inside it equals the fingerprint of everything that decides
what gets installed. The stamp is the last thing a set-up writes and the first thing the next one
removes, so an interrupted set-up never passes for a finished one.

Standard library only, and no syntax newer than Python 3.6, so that an old Python gets the message
of `check_python` instead of a SyntaxError.
"""

import argparse
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 10), (3, 13)
STAMP = 'setup-finished'
# This file too: it decides the order of the installation.
FINGERPRINTED = ('setup.cfg', 'pyproject.toml', 'constraints.txt', 'tools/setup_env.py')
HEARTBEAT_SECONDS = 20
# Compiles what the tools will import.
IMPORT_ALL = 'import dynp_plugins.openmmlab, benchmarks.budget_curve, reports.write'


class SetupError(Exception):
    """The environment cannot be made; the message says why and what to try."""


class Host(NamedTuple):
    """What the environment is made for and from."""

    python: str  # path of the interpreter that `.venv` is based on
    version: tuple  # (major, minor)
    system: str  # sys.platform
    machine: str  # platform.machine()
    uv: str = ''  # path of uv; '' means venv and pip
    has_ensurepip: bool = True


class Step(NamedTuple):
    """One command of a set-up."""

    title: str
    command: list


def this_host(installer: str) -> Host:
    """Describe the running interpreter.

    Args:
        installer: 'uv', 'pip', or 'auto' for uv where it is on the PATH.

    Raises:
        SetupError: uv is asked for by name and is not on the PATH.
    """
    uv = shutil.which('uv') if installer != 'pip' else None
    if installer == 'uv' and uv is None:
        raise SetupError('uv is not on the PATH. Install uv, or use `make env INSTALLER=pip`.')
    return Host(
        # The base interpreter where this one belongs to a virtual environment: it may be the very
        # `.venv` that is about to be replaced.
        python=getattr(sys, '_base_executable', None) or sys.executable,
        version=sys.version_info[:2],
        system=sys.platform,
        machine=platform.machine(),
        uv=uv or '',
        has_ensurepip=importlib.util.find_spec('ensurepip') is not None,
    )


def check_python(host: Host) -> str:
    """Return a warning about the Python version, '' where there is nothing to say.

    Raises:
        SetupError: the version is too old.
    """
    found, oldest, newest = (
        '.'.join(str(number) for number in version) for version in (host.version, OLDEST, NEWEST)
    )
    if host.version < OLDEST:
        raise SetupError(
            f'{host.python} is Python {found}, and this project needs Python {oldest} to {newest}. '
            f'Install one and name it: make env PYTHON=/path/to/python{newest}'
        )
    if host.version > NEWEST:
        return (
            f'warning: Python {found} is newer than what is tested ({oldest} to {newest}). If the '
            f'installation fails, use a tested one: make env PYTHON=/path/to/python{newest}'
        )
    return ''


def fingerprint(root: Path, host: Host) -> str:
    """Return a hash of everything that decides what `root/.venv` must hold.

    The absolute path belongs to it, because a virtual environment cannot be moved.
    """
    digest = hashlib.sha256(repr((str(root), host.version, host.system, host.machine)).encode())
    for name in FINGERPRINTED:
        digest.update(hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def venv_python(venv: Path, host: Host) -> Path:
    """Return the interpreter inside `venv`."""
    return venv / ('Scripts/python.exe' if host.system == 'win32' else 'bin/python')


def is_current(root: Path, host: Host) -> bool:
    """Whether a finished set-up with the present fingerprint is in place."""
    venv = root / '.venv'
    stamp = venv / STAMP
    # exists() follows the link: False after the base interpreter was uninstalled.
    if not stamp.is_file() or not venv_python(venv, host).exists():
        return False
    return stamp.read_bytes() == fingerprint(root, host).encode()


def decord_has_wheel(host: Host) -> bool:
    """Whether decord, which mmaction2 requires, can be installed (the marker in setup.cfg)."""
    return (host.system, host.machine) in (('linux', 'x86_64'), ('win32', 'AMD64'))


def plan(root: Path, host: Host) -> list:
    """Return the steps that make `root/.venv` from nothing, in order."""
    venv = root / '.venv'
    python = str(venv_python(venv, host))
    if host.uv:
        create = [host.uv, 'venv', '--quiet', '--python', host.python, str(venv)]
        # All of it, by all cores at once.
        install = [host.uv, 'pip', 'install', '--quiet', '--compile-bytecode', '--python', python]
        reinstall = ['--reinstall-package', 'opencv-python-headless']
    else:
        create = [host.python, '-m', 'venv', str(venv)]
        # Compiled is only what the tools import: all modules would take most of a minute.
        install = [python, '-m', 'pip', 'install', '--quiet', '--no-compile']
        reinstall = ['--force-reinstall']
    install += ['--constraint', str(root / 'constraints.txt')]

    steps = [
        Step('creating .venv', create),
        Step('installing the project and its dependencies', [*install, '--editable', '.[test]']),
    ]
    if not decord_has_wheel(host):
        steps.append(
            Step('installing mmaction2 without decord', [*install, '--no-deps', 'mmaction2'])
        )
    # Several required packages install one and the same cv2 folder, and which of them comes last is
    # chance. The headless build is the one that needs no graphics libraries (libGL, X11) of the
    # system, which servers and containers lack.
    headless = [*install, '--no-deps', *reinstall, 'opencv-python-headless']
    steps.append(Step('putting the headless OpenCV in place', headless))
    if not host.uv:
        steps.append(Step('compiling what the tools import', [python, '-c', IMPORT_ALL]))
    return steps


def run_quietly(command: list, root: Path) -> int:
    """Run `command` in `root`, with a line now and then as a sign of life; return its status."""
    environment = dict(
        os.environ,
        PIP_NO_INPUT='1',
        PIP_USER='0',  # a user's pip.conf may say otherwise, which fails inside an environment
        PIP_USE_PEP517='1',  # old pips build wheel-less packages in a way that cannot be cached
    )
    # Packages that are visible through it would count as installed.
    environment.pop('PYTHONPATH', None)
    # Otherwise every start of a tool would compile the stack again, which takes seconds.
    environment.pop('PYTHONDONTWRITEBYTECODE', None)
    process = subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.DEVNULL)
    started = time.monotonic()
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                say(f'      still at it after {time.monotonic() - started:.0f} s')
    except KeyboardInterrupt:
        process.wait()  # it got the same signal; let it put its own affairs in order
        raise


def empty(folder: Path) -> None:
    """Remove everything in `folder`, the stamp first; `folder` itself may be a link and stays.

    Raises:
        SetupError: `folder` is not a folder, or something in it cannot be removed.
    """
    try:
        if (folder / STAMP).exists():
            (folder / STAMP).unlink()
        for entry in list(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(str(entry))
            else:
                entry.unlink()
    except OSError as error:
        raise SetupError(
            f'cannot remove the old environment ({error}). Remove {folder} yourself.'
        ) from error


def failure(step: Step, status: int, host: Host) -> SetupError:
    """Return the error for a step that ended with a status other than 0."""
    names = (name for name in ('uv', 'venv', 'pip') if name in step.command)
    tool = 'uv' if host.uv else next(names, 'python')
    lines = [
        f'{step.title} failed: {tool} ended with exit status {status}; its message is above.',
        'Try: check the network connection and that 8 GB of disk space are free, then run the same',
        '     command again; it starts over. A package mirror or a proxy is set by the variables',
        '     PIP_INDEX_URL (uv: UV_DEFAULT_INDEX) and HTTPS_PROXY.',
    ]
    if host.uv:
        lines.append('     uv does not read pip.conf; to use pip instead: make env INSTALLER=pip')
    if host.version > NEWEST:
        lines.append('     ' + check_python(host))
    return SetupError('\n'.join(lines))


def set_up(root: Path, host: Host, run: Callable = run_quietly) -> bool:
    """Make `root/.venv` unless it is up to date; return whether there was anything to do.

    Args:
        root: Folder of setup.cfg and constraints.txt.
        host: What the environment is made for.
        run: Called with a command and the folder to run it in; returns the exit status.

    Raises:
        SetupError: the Python is unsuitable, or a step failed; no stamp is left.
    """
    warning = check_python(host)
    if is_current(root, host):
        return False
    if warning:
        say(warning)
    if not host.uv and not host.has_ensurepip:
        raise SetupError(
            f'{host.python} cannot make virtual environments, because its ensurepip module is '
            'missing. On Debian and Ubuntu: apt install python3-venv (or python{}.{}-venv). '
            'Or install uv, which is used when it is on the PATH.'.format(*host.version)
        )

    wanted = fingerprint(root, host)
    venv = root / '.venv'
    if venv.exists():
        say('Removing the .venv that is out of date or unfinished')
        empty(venv)
    steps = plan(root, host)
    say(
        'Setting up .venv with Python {}.{} and {}; the first time downloads up to 3 GB'.format(
            *host.version, 'uv' if host.uv else 'pip'
        )
    )
    for number, step in enumerate(steps, start=1):
        say(f'[{number}/{len(steps)}] {step.title}')
        status = run(step.command, root)
        if status != 0:
            raise failure(step, status, host)
    unfinished = venv / (STAMP + '.part')
    unfinished.write_bytes(wanted.encode())
    unfinished.replace(venv / STAMP)
    return True


def say(line: str) -> None:
    """Print a line at once, so that it stays in order with what the commands print."""
    print(line, flush=True)


def main(arguments=None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--installer',
        choices=('auto', 'uv', 'pip'),
        default='auto',
        help='what installs the packages; auto is uv where it is on the PATH, else pip',
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        if set_up(ROOT, this_host(options.installer)):
            say(f'.venv is ready ({time.monotonic() - started:.0f} s)')
        else:
            say('.venv is up to date')
    except SetupError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; the same command starts over', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
