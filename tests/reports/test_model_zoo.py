"""The tables of the model zoo are up to date, and become so again when they are not."""

import functools
import re
from pathlib import Path

import pytest

from benchmarks import model_zoo
from benchmarks.model_zoo import list_metafiles, read_metafile, total_macs
from dynp_plugins.errors import UserError
from reports.model_zoo import BEGIN, END, tables, update_model_zoo
from tests.inference.tiny_videos import write_config

REPOSITORY = Path(__file__).parents[2]
METAFILES = list_metafiles(REPOSITORY)
SMALL = 'msdnet-lingrow-b5_1xb64-300e_cifar10'
# Of each folder, networks that are counted in about a second, of every data set where there are.
COUNTED = [
    'dyn-perceiver_mobilenetv3-0.5_8xb128-600e_in1k',
    'dyn-perceiver_mobilenetv3-0.75_8xb128-600e_in1k',
    'dyn-perceiver_regnety-400mf_8xb128-300e_in1k',
    'dyn-perceiver_regnety-tiny_1xb64-300e_cifar100',
    'msdnet-step4_4xb64-90e_in1k',
    'msdnet-lingrow-b5_1xb64-300e_cifar100',
    'ranet-1233_1xb64-300e_cifar100',
    'static-mobilenetv3-large_8xb128-300e_in1k',
    'static-regnety-400mf_8xb128-300e_in1k',
    'dyn-perceiver_tsm-mobilenetv3-0.75_8xb8-1x1x8-50e_sthv2',
    'tsm-mobilenetv2_8xb8-1x1x8-50e_sthv1',
    'tsn-mobilenetv2_8xb32-1x1x8-100e_k400',
    'rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75_8xb32-300e_coco',
]
# A config is counted once, however often its tables are written.
count_costs = functools.cache(model_zoo.count_costs)
MODELS = {
    model.name: (metafile, model)
    for metafile in METAFILES
    for model in read_metafile(metafile, REPOSITORY)
}


def rows_of(text):
    """The rows of all Markdown tables in a text, by the name of the config: title to cell."""
    rows, titles = {}, []
    for line in text.splitlines():
        cells = line.removeprefix('| ').removesuffix(' |').split(' | ')
        if line.startswith('| config |'):
            titles = cells
        elif line.startswith('| [`'):
            rows[cells[0].split('`')[1]] = dict(zip(titles, cells, strict=True))
    return rows


@pytest.mark.parametrize('metafile', METAFILES, ids=lambda path: path.parent.name)
def test_every_row_begins_with_the_config_and_its_parameters(metafile):
    rows = rows_of(metafile.with_name('README.md').read_text(encoding='utf-8'))
    models = read_metafile(metafile, REPOSITORY)
    for (name, row), model in zip(rows.items(), models, strict=True):
        assert name == model.name
        assert row['config'] == f'[`{name}`]({model.config.name})'
        assert row['parameters'] == f'{model.parameters / 1e6:.2f} M'


@pytest.mark.parametrize('name', COUNTED)
def test_the_rows_of_small_networks_are_up_to_date(name):
    metafile, model = MODELS[name]
    costs = count_costs(model.config, model.image_size)
    row = rows_of(metafile.with_name('README.md').read_text(encoding='utf-8'))[name]
    fresh = rows_of(tables([model], {name: costs}))[name]
    # A table has more columns than one row needs where other models have something to say.
    assert row == {title: fresh.get(title, '-') for title in row}
    assert fresh.keys() <= row.keys()
    assert (model.macs, model.parameters) == (total_macs(costs), costs.parameters)


@pytest.mark.parametrize('metafile', METAFILES[:3], ids=lambda path: path.parent.name)
def test_the_tables_of_the_small_networks_are_up_to_date(metafile):
    """``-m slow`` counts all of them, see tests/tools/test_update_model_zoo.py."""
    models = [m for m in read_metafile(metafile, REPOSITORY) if m.dataset == 'CIFAR-10']
    costs = {model.name: count_costs(model.config) for model in models}
    assert models
    assert tables(models, costs) in metafile.with_name('README.md').read_text(encoding='utf-8')
    assert [model.macs for model in models] == [costs[m.name].exits[-1].macs for m in models]


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A repository with one network in its model index, nothing of it counted yet."""
    monkeypatch.setattr('reports.model_zoo.count_costs', count_costs)
    config = REPOSITORY / 'configs' / 'classification' / 'msdnet' / f'{SMALL}.py'
    (tmp_path / 'model-index.yml').write_text('Import:\n  - zoo/metafile.yml\n')
    (tmp_path / 'zoo').mkdir()
    (tmp_path / 'zoo' / 'metafile.yml').write_text(
        f"""# a comment
Collections:
  - Name: MSDNet
Models:
  - Name: {SMALL}
    Config: {config}
    Metadata:
      FLOPs: 0
      Parameters: 0  # another
    Results:
      - Task: Image Classification
        Dataset: CIFAR-10
        Metrics:
          Top 1 Accuracy: 90.10
          Top 1 Accuracy (exit1): 50.0
          Top 1 Accuracy (exit2): 60.0
          Top 1 Accuracy (exit3): 70.0
          Top 1 Accuracy (exit4): 80.0
        Source: nowhere
"""
    )
    (tmp_path / 'zoo' / 'README.md').write_text(f'# Zoo\n\n{BEGIN}\nold\n{END}\n\nThe end.\n')
    return tmp_path


def test_update_writes_what_is_out_of_date_and_nothing_else(zoo):
    metafile, readme = zoo / 'zoo' / 'metafile.yml', zoo / 'zoo' / 'README.md'
    before = metafile.read_text()
    assert update_model_zoo(zoo, write=False) == [metafile, readme]
    assert metafile.read_text() == before

    assert update_model_zoo(zoo) == [metafile, readme]
    assert update_model_zoo(zoo) == []
    (model,) = read_metafile(metafile, zoo)
    # 58.5 M with what the authors' counter adds, see tests/networks/test_msdnet_published.py.
    assert model.macs == pytest.approx(58.03e6, rel=1e-3)
    assert model.parameters == 2_020_874
    written = before.replace('FLOPs: 0', f'FLOPs: {model.macs}')
    assert metafile.read_text() == written.replace('Parameters: 0 ', 'Parameters: 2020874 ')
    assert readme.read_text().startswith(f'# Zoo\n\n{BEGIN}\n\n### CIFAR-10\n\n| config |')
    assert readme.read_text().endswith(f'|\n\n{END}\n\nThe end.\n')
    assert '| 2.02 M | 32x32 | 5.91 / ' in readme.read_text()
    assert '| 50.0 / 60.0 / 70.0 / 80.0 / 90.10 | nowhere |' in readme.read_text()

    metafile.write_text(metafile.read_text().replace('2020874', '2020875'))
    assert update_model_zoo(zoo, write=False) == [metafile]


def test_a_network_of_videos(zoo):
    """Its input has frames, its costs are per video, and its task another name."""
    config = write_config(zoo / 'zoo' / 'videos.py')
    metafile, readme = zoo / 'zoo' / 'metafile.yml', zoo / 'zoo' / 'README.md'
    text = metafile.read_text().replace(SMALL, 'videos').replace('CIFAR-10', 'Clips')
    text = re.sub('Config: .*', f'Config: {config}', text)
    text = re.sub('          Top 1 Accuracy.*\n', '', text).replace('Metrics:', 'Metrics: {}')
    metafile.write_text(text)
    with pytest.raises(UserError, match=r'says Task: Image Classification, but .* Action Recog'):
        update_model_zoo(zoo)
    metafile.write_text(metafile.read_text().replace('Image Classification', 'Action Recognition'))
    assert update_model_zoo(zoo) == [metafile, readme]
    assert update_model_zoo(zoo) == []
    (model,) = read_metafile(metafile, zoo)
    assert model.task == 'Action Recognition'
    costs = count_costs(config)
    assert costs.input_shape == (4, 3, 32, 32)
    assert model.macs == costs.exits[-1].macs
    (row,) = rows_of(readme.read_text()).values()
    assert row['input'] == '4x32x32'
    gmacs = ' / '.join(f'{exit.macs / 1e9:.2f}' for exit in costs.exits)
    assert row['GMACs per video up to each exit'] == gmacs


def test_a_detector(zoo):
    """Its cost is that of an image of the given size, split by part; its accuracy that of boxes."""
    name = 'rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75_8xb32-300e_coco'
    config = REPOSITORY / 'configs' / 'detection' / 'dyn_perceiver' / f'{name}.py'
    metafile, readme = zoo / 'zoo' / 'metafile.yml', zoo / 'zoo' / 'README.md'
    text = metafile.read_text().replace(SMALL, name).replace('CIFAR-10', 'Boxes')
    text = re.sub('Config: .*', f'Config: {config}', text)
    text = text.replace('      FLOPs: 0', '      Image Size: 64x96\n      FLOPs: 0')
    text = re.sub('          Top 1 Accuracy.*\n', '', text)
    metafile.write_text(text.replace('Metrics:', 'Metrics: {box AP: 30.10, box AP (small): 9.0}'))
    with pytest.raises(UserError, match=r'describes a detector: say .* Task: Object Detection'):
        update_model_zoo(zoo)
    metafile.write_text(metafile.read_text().replace('Image Classification', 'Object Detection'))
    assert update_model_zoo(zoo) == [metafile, readme]
    (model,) = read_metafile(metafile, zoo)
    costs = count_costs(config, (64, 96))
    assert model.macs == costs.total.macs
    (row,) = rows_of(readme.read_text()).values()
    assert row['image, height x width'] == '64 x 96'
    parts = [f'{part.macs / 1e9:.1f}' for part in costs.costs.values()]
    assert row['GMACs of backbone / neck / head'] == ' / '.join(parts)
    assert row['published mAP, %'] == '30.10 (small 9.0)'


def test_published_exits_must_be_the_exits_of_the_network(zoo):
    metafile = zoo / 'zoo' / 'metafile.yml'
    metafile.write_text(metafile.read_text().replace('(exit4)', '(merged)'))
    with pytest.raises(UserError, match=r"exit1, exit2, exit3, exit4, but gives .*'merged'"):
        update_model_zoo(zoo)


def test_a_metafile_without_a_line_for_a_number_is_refused(zoo):
    metafile = zoo / 'zoo' / 'metafile.yml'
    number = metafile.read_text().replace('      FLOPs: 0\n', '').replace('    Metadata:\n', '')
    metafile.write_text(
        number.replace('      Parameters: 0', '    Metadata: {FLOPs: 0, Parameters: 0}')
    )
    with pytest.raises(UserError, match=f'no line for FLOPs of {SMALL}, Parameters of {SMALL}'):
        update_model_zoo(zoo)


def test_a_readme_without_marks_is_refused(zoo):
    (zoo / 'zoo' / 'README.md').write_text('# Zoo\n')
    with pytest.raises(UserError, match='needs these two lines'):
        update_model_zoo(zoo)
    (zoo / 'zoo' / 'README.md').unlink()
    with pytest.raises(UserError, match='write one'):
        update_model_zoo(zoo)
