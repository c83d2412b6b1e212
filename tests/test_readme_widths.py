"""The other widths of ResNet that the README of the Dyn-Perceiver configs explains how to get."""

import argparse
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.run_options import ConfigOptions
from tests.config_networks import assert_same, network_without_data

REPOSITORY = Path(__file__).parents[1]
FOLDER = Path('configs', 'classification', 'dyn_perceiver')


def written_in(readme, begin):
    """The indented lines of a README that begin with these words, as one text."""
    (block,) = re.findall(
        rf'(?:^    (?={re.escape(begin)}).*\n)(?:^    .*\n)*', readme, re.MULTILINE
    )
    return textwrap.dedent(block)


@pytest.mark.parametrize('width', [0.375, 0.5, 0.625, 0.75])
@pytest.mark.parametrize('arch', ['resnet18', 'resnet34'])
def test_other_widths_of_resnet_as_the_readme_says(arch, width, tmp_path):
    readme = (REPOSITORY / FOLDER / 'README.md').read_text(encoding='utf-8')
    assert 'the width times 128, 256, 512 and 768' in readme
    changes = {
        'resnet18': arch,
        'resnet34': arch,
        'width=0.5': f'width={width}',
        '64, 128, 256, 384': ', '.join(str(int(width * n)) for n in (128, 256, 512, 768)),
        '64,128,256,384': ','.join(str(int(width * n)) for n in (128, 256, 512, 768)),
    }

    def adapted(text):
        for old, new in changes.items():
            text = text.replace(old, new)
        return text

    lines = adapted(written_in(readme, "_base_ = './dyn-perceiver_resnet"))
    assert lines.count('\n') == 3
    (tmp_path / 'mine.py').write_text(lines.replace("'./", f"'{(REPOSITORY / FOLDER).as_posix()}/"))

    command = f'python tools/get_flops.py {FOLDER.as_posix()}'
    command = adapted(written_in(readme, command)).replace('\\\n', ' ')
    _, _, config, *options = shlex.split(command)
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    options = parser.parse_args(options).cfg_options

    for changed in (load_config(tmp_path / 'mine.py'), load_config(REPOSITORY / config, options)):
        network = network_without_data(changed)
        assert network.heads.in_channels == network.backbone.exit_channels
        assert_same(network, f'dyn_perceiver_{arch}', width=width, drop_path_rate=0.2)
