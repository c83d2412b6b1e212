"""A headless browser for the tests of the report's page, and pages that it keeps open."""

import pytest

from ..made_up_results import made_up_results, three_models
from .driven_page import opened
from .headless_chromium import Chromium, NoBrowser, Tab


@pytest.fixture(scope='session')
def browser(tmp_path_factory):
    try:
        browser = Chromium(tmp_path_factory.mktemp('profile'))
    except NoBrowser as reason:
        pytest.skip(str(reason))
    probe = tmp_path_factory.mktemp('probe') / 'probe.html'
    probe.write_text('<p>probe</p>')
    try:
        Tab(browser).open(probe, "document.querySelector('p')?.textContent === 'probe'", 15)
    except TimeoutError:
        browser.close()
        pytest.skip('the browser does not show local files')
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    return lambda results, **screen: opened(browser, results, tmp_path, **screen)


@pytest.fixture(scope='session')
def kept_open(browser, tmp_path_factory):
    """Results and page of one and of three models; tests change nothing but the slider."""
    results = {'one': made_up_results(), 'three': three_models()}
    return {
        name: (found.models, opened(browser, found, tmp_path_factory.mktemp(name)))
        for name, found in results.items()
    }


@pytest.fixture
def page_of_one(kept_open):
    (model,), tab = kept_open['one']
    tab.to_front()
    return model, tab


@pytest.fixture
def page_of_three(kept_open):
    models, tab = kept_open['three']
    tab.to_front()
    return models, tab
