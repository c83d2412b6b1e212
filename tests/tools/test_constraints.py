"""constraints.txt pins exactly what setup.cfg brings in, on every supported Python and platform."""

import configparser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import setup_env

ROOT = Path(setup_env.__file__).parents[1]
PYTHONS = ('3.10', '3.11', '3.12', '3.13')
PLATFORMS = (
    ('linux', 'x86_64'),
    ('linux', 'aarch64'),
    ('darwin', 'arm64'),
    ('win32', 'AMD64'),
)
# Not pinned on purpose: they differ per platform, and torch requires exact ones itself.
UNPINNED = ('nvidia-', 'cuda-', 'triton')


def requirements_of_the_project():
    """Every requirement in setup.cfg, the test extra included."""
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    sections = (config['options']['install_requires'], config['options.extras_require']['test'])
    lines = '\n'.join(sections).splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith('#')]


def pins():
    """Every entry of constraints.txt."""
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith('#')]


def applies(requirement, python, system, machine):
    """Whether the requirement's marker holds in the given place."""
    place = {'python_version': python, 'sys_platform': system, 'platform_machine': machine}
    return requirement.marker is None or requirement.marker.evaluate({'extra': '', **place})


def test_the_constraints_are_exact_public_versions_without_addresses():
    for pin in pins():
        (specifier,) = pin.specifier
        assert specifier.operator == '==', pin
        assert Version(specifier.version).local is None, pin  # raises on a wildcard
        assert pin.url is None and not pin.extras, pin
    text = (ROOT / 'constraints.txt').read_text()
    assert '://' not in text
    assert '--' not in text


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize(('system', 'machine'), PLATFORMS)
def test_every_requirement_has_exactly_one_fitting_pin(python, system, machine):
    pinned = [pin for pin in pins() if applies(pin, python, system, machine)]
    names = [canonicalize_name(pin.name) for pin in pinned]
    assert len(names) == len(set(names))
    versions = dict(zip(names, pinned, strict=True))
    for requirement in requirements_of_the_project():
        if applies(requirement, python, system, machine):
            (exact,) = versions[canonicalize_name(requirement.name)].specifier
            assert requirement.specifier.contains(exact.version), requirement


def test_everything_that_the_requirements_bring_in_is_pinned():
    pinned = {
        canonicalize_name(pin.name)
        for pin in pins()
        if pin.marker is None or pin.marker.evaluate({'extra': ''})
    }
    waiting, seen = requirements_of_the_project(), set()
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {''}
        name = canonicalize_name(requirement.name)
        if (name, *extras) in seen:
            continue
        seen.add((name, *extras))
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({'extra': e}) for e in extras):
                waiting.append(needed)
    names = {name for name, *_ in seen}
    assert {'torch', 'markupsafe'} <= names  # one direct, one that only another package requires
    assert {name for name in names if not name.startswith(UNPINNED)} <= pinned


def test_the_builds_of_opencv_that_share_a_folder_have_one_version():
    versions = {str(pin.specifier) for pin in pins() if pin.name.startswith('opencv')}
    assert len(versions) == 1


def test_setup_cfg_and_the_set_up_agree_on_where_decord_has_a_wheel():
    (mmaction2,) = (line for line in requirements_of_the_project() if line.name == 'mmaction2')
    for system, machine in [*PLATFORMS, ('win32', 'ARM64'), ('darwin', 'x86_64')]:
        host = setup_env.Host(python='', version=(3, 11), system=system, machine=machine)
        assert applies(mmaction2, '3.11', system, machine) == setup_env.decord_has_wheel(host)
