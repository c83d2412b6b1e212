"""The set-up of `.venv`: when it runs, what it runs, and that only a finished one counts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_env

ROOT = Path(setup_env.__file__).parents[1]
HOST = setup_env.Host(
    python='/usr/bin/python3.11', version=(3, 11), system='linux', machine='x86_64'
)
UV_HOST = HOST._replace(uv='/usr/bin/uv')


class FakeRun:
    """Stands for the commands: creates what `venv` would create, and fails where told to."""

    def __init__(self, root, fails_at=None, error=None):
        self.commands = []
        self.root = root
        self.fails_at = fails_at
        self.error = error

    def __call__(self, command, root):
        assert root == self.root
        self.commands.append(command)
        if 'venv' in command:
            python = root / '.venv/bin/python'
            python.parent.mkdir(parents=True)
            python.touch()
        if len(self.commands) - 1 == self.fails_at:
            if self.error is not None:
                raise self.error
            return 3
        return 0


@pytest.fixture
def project(tmp_path):
    """A folder with the files that decide what gets installed."""
    (tmp_path / 'tools').mkdir()
    for name in setup_env.FINGERPRINTED:
        (tmp_path / name).write_text(f'content of {name}\n')
    return tmp_path


def set_up(root, host=HOST, **run_options):
    """Run a set-up with fake commands; return whether it did anything, and the commands."""
    run = FakeRun(root, **run_options)
    return setup_env.set_up(root, host, run), run.commands


def test_a_second_set_up_runs_nothing(project):
    did_something, commands = set_up(project)
    assert did_something and commands
    assert setup_env.is_current(project, HOST)
    assert set_up(project) == (False, [])


@pytest.mark.parametrize('name', setup_env.FINGERPRINTED)
def test_every_input_file_makes_the_environment_stale(project, name):
    set_up(project)
    (project / name).write_text('something else\n')
    assert not setup_env.is_current(project, HOST)
    did_something, commands = set_up(project)
    assert did_something and commands
    assert setup_env.is_current(project, HOST)


@pytest.mark.parametrize(
    'change', [{'version': (3, 12)}, {'machine': 'aarch64'}, {'system': 'darwin'}]
)
def test_another_python_or_machine_makes_the_environment_stale(project, change):
    set_up(project)
    assert not setup_env.is_current(project, HOST._replace(**change))


def test_a_moved_project_makes_the_environment_stale(project):
    before = project / 'before'
    before.mkdir()
    for name in ('tools', 'setup.cfg', 'pyproject.toml', 'constraints.txt'):
        (project / name).rename(before / name)
    set_up(before)
    after = before.rename(project / 'after')
    assert (after / '.venv' / setup_env.STAMP).is_file()
    assert not setup_env.is_current(after, HOST)


def test_an_environment_whose_interpreter_was_uninstalled_is_stale(project):
    set_up(project)
    python = project / '.venv/bin/python'
    python.unlink()
    python.symlink_to(project / 'gone')
    assert not setup_env.is_current(project, HOST)


@pytest.mark.parametrize('step', range(3))
@pytest.mark.parametrize('host', [HOST, UV_HOST], ids=['pip', 'uv'])
def test_a_failed_step_is_reported_and_leaves_no_stamp(project, host, step):
    set_up(project, host)
    (project / 'constraints.txt').write_text('new pins\n')
    with pytest.raises(setup_env.SetupError, match='exit status 3') as caught:
        set_up(project, host, fails_at=step)
    assert ('INSTALLER=pip' in str(caught.value)) == bool(host.uv)
    assert not setup_env.is_current(project, host)
    assert not (project / '.venv' / setup_env.STAMP).exists()


@pytest.mark.parametrize('step', range(3))
def test_after_an_interruption_the_next_call_starts_over(project, step):
    with pytest.raises(KeyboardInterrupt):
        set_up(project, fails_at=step, error=KeyboardInterrupt())
    leftover = project / '.venv/lib/half_installed.py'
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.touch()
    assert not setup_env.is_current(project, HOST)
    did_something, commands = set_up(project)
    assert did_something
    assert len(commands) == len(setup_env.plan(project, HOST))
    assert not leftover.exists()
    assert setup_env.is_current(project, HOST)


def test_reverting_the_files_does_not_revive_a_half_removed_environment(project, monkeypatch):
    pins = (project / 'constraints.txt').read_text()
    set_up(project)
    (project / '.venv/lib').mkdir()
    (project / 'constraints.txt').write_text('new pins\n')

    def interrupted(path):
        raise KeyboardInterrupt

    as_listed = Path.iterdir
    monkeypatch.setattr(Path, 'iterdir', lambda path: sorted(as_listed(path)))  # bin before stamp
    monkeypatch.setattr(setup_env.shutil, 'rmtree', interrupted)
    with pytest.raises(KeyboardInterrupt):
        set_up(project)
    (project / 'constraints.txt').write_text(pins)
    assert (project / '.venv/lib').exists()
    assert not setup_env.is_current(project, HOST)


def test_an_environment_behind_a_link_is_renewed_in_place(project, tmp_path_factory):
    disk = tmp_path_factory.mktemp('scratch_disk')
    (disk / 'old.py').touch()
    (project / '.venv').symlink_to(disk)
    set_up(project)
    assert (project / '.venv').is_symlink()
    assert (disk / setup_env.STAMP).is_file()
    assert not (disk / 'old.py').exists()


def test_something_else_called_venv_is_reported(project):
    (project / '.venv').write_text('not a folder')
    with pytest.raises(setup_env.SetupError, match='yourself'):
        set_up(project)


def test_an_older_python_is_refused_with_the_fix():
    with pytest.raises(setup_env.SetupError, match=r'Python 3\.9.*make env PYTHON='):
        setup_env.check_python(HOST._replace(version=(3, 9)))


@pytest.mark.parametrize('minor', [10, 11, 12, 13])
def test_supported_pythons_pass_without_a_word(minor):
    assert setup_env.check_python(HOST._replace(version=(3, minor))) == ''


def test_a_newer_python_is_warned_about_and_used(project, capsys):
    did_something, _ = set_up(project, HOST._replace(version=(3, 14)))
    assert did_something
    assert 'Python 3.14 is newer' in capsys.readouterr().out


def test_missing_ensurepip_stops_pip_but_not_uv(project):
    with pytest.raises(setup_env.SetupError, match='python3-venv'):
        set_up(project, HOST._replace(has_ensurepip=False))
    assert not (project / '.venv').exists()
    assert set_up(project, UV_HOST._replace(has_ensurepip=False))[0]


def test_pip_and_uv_install_the_editable_project_with_the_constraints(project):
    constraint = ['--constraint', str(project / 'constraints.txt')]
    python = str(project / '.venv/bin/python')
    for host, creation, installation in (
        (HOST, [HOST.python, '-m', 'venv'], [python, '-m', 'pip', 'install']),
        (UV_HOST, [UV_HOST.uv, 'venv'], [UV_HOST.uv, 'pip', 'install']),
    ):
        create, *installs = (step.command for step in setup_env.plan(project, host))
        if host is HOST:
            assert installs.pop() == [python, '-c', setup_env.IMPORT_ALL]
        assert create[: len(creation)] == creation
        assert host.python in create
        assert create[-1] == str(project / '.venv')
        for install in installs:
            assert install[: len(installation)] == installation
            assert python in install
            start = install.index('--constraint')
            assert install[start : start + 2] == constraint
        assert installs[0][-2:] == ['--editable', '.[test]']
        assert '--no-deps' not in installs[0]


@pytest.mark.parametrize('host', [HOST, UV_HOST], ids=['pip', 'uv'])
def test_the_headless_opencv_is_written_last(project, host):
    *_, last = (step for step in setup_env.plan(project, host) if 'install' in step.command)
    assert last.command[-1] == 'opencv-python-headless'
    assert '--no-deps' in last.command
    assert any('reinstall' in argument for argument in last.command)


def test_modules_are_compiled_whatever_the_environment_says(tmp_path, monkeypatch):
    """As many containers say it; a tool would then compile the stack at every start."""
    monkeypatch.setenv('PYTHONDONTWRITEBYTECODE', '1')
    tmp_path.joinpath('imported.py').touch()
    assert setup_env.run_quietly([sys.executable, '-c', 'import imported'], tmp_path) == 0
    assert len(list(tmp_path.glob('__pycache__/imported.*.pyc'))) == 1


def test_what_is_compiled_can_be_imported():
    subprocess.run([sys.executable, '-c', setup_env.IMPORT_ALL], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ('system', 'machine', 'has_wheel'),
    [
        ('linux', 'x86_64', True),
        ('win32', 'AMD64', True),
        ('linux', 'aarch64', False),
        ('darwin', 'arm64', False),
        ('win32', 'ARM64', False),
    ],
)
def test_where_decord_has_no_wheel_mmaction2_comes_without_dependencies(
    project, system, machine, has_wheel
):
    host = HOST._replace(system=system, machine=machine)
    assert setup_env.decord_has_wheel(host) == has_wheel
    alone = [
        step.command for step in setup_env.plan(project, host) if step.command[-1] == 'mmaction2'
    ]
    assert len(alone) == (0 if has_wheel else 1)
    assert all('--no-deps' in command for command in alone)


def test_uv_is_used_when_it_is_on_the_path_unless_pip_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert setup_env.this_host('auto').uv == ''
    with pytest.raises(setup_env.SetupError, match='INSTALLER=pip'):
        setup_env.this_host('uv')
    uv = tmp_path / 'uv'
    uv.write_text('#!/bin/sh\n')
    uv.chmod(0o755)
    assert setup_env.this_host('auto').uv == str(uv)
    assert setup_env.this_host('uv').uv == str(uv)
    assert setup_env.this_host('pip').uv == ''


@pytest.fixture
def typed_ahead():
    """Standard input that holds an answer to whoever asks."""
    reader, writer = os.pipe()
    os.write(writer, b'yes')
    os.close(writer)
    original = os.dup(0)
    os.dup2(reader, 0)
    yield
    os.dup2(original, 0)
    os.close(original)
    os.close(reader)


@pytest.mark.usefixtures('typed_ahead')
def test_commands_run_in_the_project_without_foreign_paths_or_input(project, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', 'elsewhere')
    code = (
        'import os, sys; answer = sys.stdin.read() or "no answer"; '
        'open("seen", "w").write(answer + os.environ.get("PYTHONPATH", ", no path")); sys.exit(7)'
    )
    assert setup_env.run_quietly([sys.executable, '-c', code], project) == 7
    assert (project / 'seen').read_text() == 'no answer, no path'


def test_the_command_line_reports_a_failure_in_words(project, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, 'ROOT', project)
    monkeypatch.setattr(setup_env, 'this_host', lambda installer: HOST._replace(version=(3, 8)))
    assert setup_env.main([]) == 1
    assert capsys.readouterr().err.startswith('error: /usr/bin/python3.11 is Python 3.8')


def test_the_check_imports_nothing_beyond_the_standard_library():
    code = (
        'import sys; sys.path.insert(0, "tools"); import setup_env; '
        'foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)'
        ' - {"setup_env", "__main__"}; sys.exit(sorted(foreign) or 0)'
    )
    environment = {'PATH': os.environ['PATH']}
    subprocess.run([sys.executable, '-I', '-S', '-c', code], cwd=ROOT, env=environment, check=True)
