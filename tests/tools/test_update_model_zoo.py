"""The command that keeps the model zoo's tables up to date, on the whole zoo."""

import runpy
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_table_is_up_to_date(monkeypatch, capsys):
    pytest.importorskip('timm')
    monkeypatch.setattr(sys, 'argv', ['tools/update_model_zoo.py', '--check'])
    runpy.run_path(str(REPOSITORY / 'tools' / 'update_model_zoo.py'), run_name='__main__')
    assert capsys.readouterr().out.strip() == 'everything is up to date'


def test_check_fails_and_names_the_files(monkeypatch, capsys):
    tool = runpy.run_path(str(REPOSITORY / 'tools' / 'update_model_zoo.py'))
    main = tool['main']
    stale = [REPOSITORY / 'configs' / 'classification' / 'ranet' / 'README.md']
    monkeypatch.setitem(main.__globals__, 'update_model_zoo', None)
    monkeypatch.setitem(
        main.__wrapped__.__globals__, 'update_model_zoo', lambda repository, write: stale
    )
    monkeypatch.setattr(sys, 'argv', ['tools/update_model_zoo.py', '--check'])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert 'out of date: configs/classification/ranet/README.md; run' in capsys.readouterr().err
