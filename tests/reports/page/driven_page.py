"""What browser tests do with a report's page: move, click, and read it."""

import time

import pytest

from reports.page.document import write_page

from .headless_chromium import Tab
from .page_reader import one_line

DRAWN = "document.documentElement?.dataset.drawn === 'yes'"


def opened(browser, results, folder, **screen):
    """A tab with the page of some results."""
    write_page(results, folder / 'report.html')
    tab = Tab(browser, **screen)
    tab.open(folder / 'report.html', DRAWN)
    return tab


def set_slider(tab, position, panel=0):
    tab.value(
        f"(() => {{ const slider = document.getElementById('budget-{panel}');"
        f"slider.value = {position}; slider.dispatchEvent(new Event('input')); }})()"
    )


def readouts(tab, panel=0):
    """What the page says at the slider's budget: per model its visible text and its fields."""
    found = tab.value(
        f"""[...document.querySelectorAll('.readout[data-panel="{panel}"]')].map((box) => ({{
          text: box.innerText,
          bars: [...box.querySelectorAll('[data-share]')].map((bar) => bar.style.width),
          fields: Object.fromEntries([...box.querySelectorAll('[data-field]')].map(
            (field) => [field.dataset.field, field.textContent])),
        }}))"""
    )
    return [entry | {'text': one_line(entry['text'])} for entry in found]


def dots(tab, chart):
    """Centres of the budget's dots, and the x of its line, in the overlay of a chart."""
    return tab.value(
        f"""(() => {{
          const stage = document.querySelector('[data-chart="{chart}"]').closest('.stage');
          const all = (what) => [...stage.querySelectorAll(`.overlay ${{what}}`)];
          const number = (one, name) => Number(one.getAttribute(name));
          return {{
            dots: all('circle').map((dot) => [number(dot, 'cx'), number(dot, 'cy')]),
            lines: all('.at').map((line) => number(line, 'x1')),
          }};
        }})()"""
    )


def pixel(tab, chart, x, y):
    """Where plotly itself draws a point of a chart."""
    return tab.value(
        f"""(() => {{
          const {{ xaxis, yaxis }} = document.querySelector('[data-chart="{chart}"]')._fullLayout;
          return [xaxis.l2p({x}) + xaxis._offset, yaxis.l2p({y}) + yaxis._offset];
        }})()"""
    )


def near(pixels):
    return pytest.approx(pixels, abs=0.02)  # plotly rounds


def layers(tab):
    data = "document.querySelector('[data-chart=curve-0]').data"
    return set(tab.value(f'{data}.map((trace) => trace.meta.layer)'))


def offered(tab):
    """Layers whose switch is shown."""
    keys = "[...document.querySelectorAll('[data-layer]:not([hidden])')]"
    return tab.value(f'{keys}.map((key) => key.dataset.layer)')


def click(tab, selector):
    tab.value(f"document.querySelector('{selector}').click()")
    tab.value('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')


def open_all_tabs(tab):
    """One after the other, until all charts are drawn."""
    for k in range(tab.value("document.querySelectorAll('[role=tab]').length")):
        click(tab, f'#tab-{k}')
        left = (
            "[...document.querySelectorAll('[data-chart]')]"
            '.filter((one) => one.clientWidth && !one._fullLayout).length'
        )
        end = time.monotonic() + 20
        while tab.value(left):
            assert time.monotonic() < end, 'a chart is never drawn'
            time.sleep(0.05)
