"""Exported folders: whole or not at all, and never in the place of anything else."""

import pytest

from dynp_plugins import UserError
from dynp_plugins.early_exit.compiled.saved_steps import load_steps
from dynp_plugins.inference.exported import exporting, load_exported_model
from dynp_plugins.inference.exported.manifest import MANIFEST, read_manifest
from dynp_plugins.inference.named_model import imagenet_preprocessing
from tests.early_exit.compiled.small_network import small_network
from tests.inference.tiny_models import exit_table

from .small_exports import GMACS, images_of, small_export, small_model

FILES = ['manifest.json', 'step0_early.pt2', 'step1_late.pt2']


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_manifest_says_it_all(model, policy, once):
    assert names(once) == FILES
    manifest = read_manifest(once)
    assert manifest.exit_names == ['early', 'late']
    assert (manifest.num_classes, manifest.classes) == (3, ['ant', 'bee', 'cat'])
    assert (manifest.input_shape, manifest.samples) == ([3, 8, 8], 'picture')
    assert manifest.exit_gmacs == {'early': 0.1, 'late': 0.3}
    assert manifest.policy == policy.record()
    assert manifest.preprocessing == model.preprocessing()
    assert manifest.weights_sha256 == model.weights_sha256
    assert sorted(manifest.files) == FILES[1:]


def test_what_is_not_of_an_export_is_never_replaced(folder):
    before = read_manifest(folder).files
    (folder / 'answers.csv').write_text('mine')
    with pytest.raises(UserError, match=r'answers\.csv is no file of the export .* not replaced'):
        small_export(folder, overwrite=True)
    (folder / 'answers.csv').unlink()
    assert read_manifest(folder).files == before
    (folder / MANIFEST).write_text('{"name": "a web page"}')
    with pytest.raises(UserError, match=r'manifest\.json has export manifest schema.*not replaced'):
        small_export(folder, overwrite=True)
    assert names(folder) == FILES


def test_what_comes_while_an_export_is_made_is_kept(folder, monkeypatch):
    def slow(*arguments):
        (folder / 'answers.csv').write_text('mine')
        return load_steps(*arguments)

    monkeypatch.setattr(exporting, 'load_steps', slow)
    with pytest.raises(UserError, match=r'answers\.csv is no file of the export'):
        small_export(folder, overwrite=True)
    assert (folder / 'answers.csv').read_text() == 'mine'


def test_an_export_is_replaced_only_when_asked_for(folder):
    before = read_manifest(folder).files
    with pytest.raises(UserError, match='holds an export already; give --overwrite'):
        small_export(folder)
    assert read_manifest(folder).files == before
    small_export(folder, overwrite=True)
    assert names(folder) == FILES
    assert read_manifest(folder).policy is None
    assert names(folder.parent) == ['small']


def test_other_folders_are_never_replaced(tmp_path):
    (tmp_path / 'letter.txt').write_text('dear')
    with pytest.raises(UserError, match='holds other files, which are not replaced'):
        small_export(tmp_path, overwrite=True)
    with pytest.raises(UserError, match='is a file: name a folder'):
        small_export(tmp_path / 'letter.txt')


@pytest.mark.parametrize(
    ('dtype', 'error', 'message'),
    [
        ('float32', 1e-2, r'exit \w+ differs from the network by .*: nothing is written'),
        ('float32', float('nan'), r'exit early gives logits that are NaN .*: nothing is written'),
        ('bfloat16', float('inf'), r'exit early gives logits that are NaN or infinite.*--backend'),
    ],
)
def test_nothing_is_left_of_an_export_that_differs(tmp_path, monkeypatch, dtype, error, message):
    def load_with_error(*arguments):
        steps = load_steps(*arguments)
        return lambda images: [logits + error for logits in steps(images)]

    monkeypatch.setattr(exporting, 'load_steps', load_with_error)
    with pytest.raises(UserError, match=message):
        small_export(tmp_path / 'out', dtype=dtype)
    assert names(tmp_path) == []


def test_logits_of_nothing_but_zeros_are_compared_as_well(tmp_path):
    network = small_network()
    for weights in network.heads.parameters():
        weights.data.zero_()
    export = small_export(tmp_path / 'out', small_model(network=network))
    assert export.differences == {'early': 0.0, 'late': 0.0}


def test_weights_that_are_nan_are_said_to_be(tmp_path):
    network = small_network()
    network.heads.layers[0].bias.data.fill_(float('nan'))
    with pytest.raises(UserError, match=r"exit early gives logits .* network's own are no better"):
        small_export(tmp_path / 'out', small_model(network=network))


def test_preprocessing_that_was_written_down_wrongly_is_noticed(tmp_path):
    wrong = small_model(preprocessing=lambda: imagenet_preprocessing(10))
    with pytest.raises(UserError, match='was not written down rightly'):
        small_export(tmp_path / 'out', wrong)
    assert names(tmp_path) == []


def test_a_shape_that_no_sample_has(tmp_path):
    with pytest.raises(UserError, match=r'\[3, 8, 8\] of every sample, but .* for \[3, 9, 9\]'):
        small_export(tmp_path / 'out', input_shape=(3, 9, 9))
    assert names(tmp_path) == []


def test_a_policy_for_another_shape(model, tmp_path):
    table = exit_table(model.network, images_of(model), weights_sha256=model.weights_sha256)
    table.with_manifest(input_shape=[3, 9, 9], exit_gmacs=GMACS).save(tmp_path / 'table.npz')
    with pytest.raises(UserError, match=r'hold for samples of \[3, 9, 9\], but the export is for'):
        small_export(tmp_path / 'out', policy=tmp_path / 'table.npz', budget_gmacs=0.2)


def test_an_export_is_not_exported(once):
    with pytest.raises(UserError, match='export from the config or name that it was made of'):
        load_exported_model(once).preprocessing()
