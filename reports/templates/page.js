// Draws the charts in the reader's theme and size, names exits where there is room, hides models.
'use strict';
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const elements = [...document.querySelectorAll('[data-chart]')];
  const curve = elements.find((element) => element.dataset.chart === 'curve');
  const models = document.querySelectorAll('.key').length;
  const hidden = new Set();
  let printing = false;

  // Always whole, from the data: one call draws a chart for the theme, size and zoom of the moment.
  function draw(element) {
    const style = getComputedStyle(document.documentElement);
    const { data, layout } = themed(charts[element.dataset.chart], '', style);
    const shown = data.filter((trace) => !trace.meta || !hidden.has(trace.meta.model));
    layout.width = Math.max(printing ? paperWidth(element) : element.clientWidth, 160);
    layout.height = Math.max(element.clientHeight, 160);
    layout.uirevision = 'keep the zoom';
    if (element === curve) nameExits(shown, layout, element.layout || layout);
    return Plotly.react(element, shown, layout, {
      displaylogo: false,
      showTips: false,
      displayModeBar: element === curve ? 'hover' : false,
      modeBarButtons: [['zoom2d', 'resetScale2d', 'toImage']],
      toImageButtonOptions: { format: 'svg', filename: 'curve' },
    });
  }

  // A copy of a chart in which colours named var(--x) have the value of this theme.
  function themed(value, key, style) {
    if (Array.isArray(value)) return value.map((item) => themed(item, key, style));
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, k, style)]));
    }
    const variable = /color$/.test(key) && /^var\((--[a-z0-9-]+)\)$/.exec(value);
    return variable ? style.getPropertyValue(variable[1]).trim() : value;
  }

  // Sides of a mark, the best first: [right, down].
  const SIDES = {
    'bottom right': [1, 1], 'middle right': [1, 0], 'bottom center': [0, 1], 'top left': [-1, -1],
    'top center': [0, -1], 'middle left': [-1, 0], 'bottom left': [-1, 1], 'top right': [1, -1],
  };
  const CROWDED = 2; // a name that would cover more things than this is left to the hover
  const ruler = document.createElement('canvas').getContext('2d');

  // Puts each exit's name on the side of its mark where it covers least. `zoomed` has the ranges.
  function nameExits(data, { width, height, margin, font }, zoomed) {
    const [wide, high] = [width - margin.l - margin.r, height - margin.t - margin.b];
    const along = (value, [low, top]) => (value - low) / (top - low);
    const pixels = (trace) => trace.x.map((x, i) => [
      along(x, zoomed.xaxis.range) * wide, (1 - along(trace.y[i], zoomed.yaxis.range)) * high,
    ]);
    const taken = data.flatMap((trace) => pixels(trace).map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]));
    for (const trace of data) if (trace.mode === 'lines') taken.push(...alongLine(pixels(trace)));
    for (const trace of data.filter((one) => one.meta.exits)) {
      const spots = pixels(trace);
      ruler.font = `${trace.textfont.size}px ${font.family}`;
      trace.textposition = trace.text.map(() => 'bottom right');
      trace.text = trace.text.map((text, i) => {
        const size = ruler.measureText(plain(text)).width;
        const options = Object.entries(SIDES).map(([side, at]) => {
          const box = boxAt(spots[i], at, size);
          return { side, box, cost: costOf(box, taken, wide, high) };
        });
        const best = options.reduce((a, b) => (b.cost < a.cost ? b : a));
        if (best.cost > CROWDED) return '';
        trace.textposition[i] = best.side;
        taken.push(...Array(CROWDED + 1).fill(best.box)); // names never cover names
        return text;
      });
    }
  }

  // The text that plotly shows for a bit of HTML.
  function plain(text) {
    return new DOMParser().parseFromString(text, 'text/html').documentElement.textContent;
  }

  function alongLine(corners) {
    const boxes = [];
    for (let i = 1; i < corners.length; i += 1) {
      const [[x0, y0], [x1, y1]] = [corners[i - 1], corners[i]];
      const steps = Math.ceil(Math.hypot(x1 - x0, y1 - y0) / 8);
      for (let s = 0; s < steps; s += 1) {
        const [x, y] = [x0 + ((x1 - x0) * s) / steps, y0 + ((y1 - y0) * s) / steps];
        boxes.push([x - 1, y - 1, x + 1, y + 1]);
      }
    }
    return boxes;
  }

  function boxAt([x, y], [right, down], size) {
    const [gap, high] = [right && down ? 6 : 9, 15];
    const left = right > 0 ? x + gap : right < 0 ? x - gap - size : x - size / 2;
    const top = down > 0 ? y + gap : down < 0 ? y - gap - high : y - high / 2;
    return [left, top, left + size, top + high];
  }

  function costOf([left, top, right, bottom], taken, width, height) {
    const outside = left < 0 || right > width || top < 0 || bottom > height;
    const covered = taken.filter(([l, t, r, b]) => l < right && r > left && t < bottom && b > top);
    return covered.length + (outside ? 100 : 0);
  }

  for (const button of document.querySelectorAll('.key')) {
    button.addEventListener('click', () => {
      const model = Number(button.dataset.model);
      if (!hidden.delete(model) && hidden.size + 1 < models) hidden.add(model);
      button.setAttribute('aria-pressed', String(!hidden.has(model)));
      draw(curve);
    });
  }

  // Paper is light and as wide as A4, whatever the screen is.
  function paperWidth(element) {
    return element === curve || models === 1 ? 680 : 330;
  }

  for (const [moment, begins] of [['beforeprint', true], ['afterprint', false]]) {
    addEventListener(moment, () => {
      printing = begins;
      document.documentElement.toggleAttribute('data-printing', printing);
      elements.forEach(draw);
    });
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => elements.forEach(draw));
  Promise.all(elements.map(draw)).then(() => {
    curve.on('plotly_relayout', () => draw(curve));
    let waiting;
    const sizes = new ResizeObserver(() => {
      clearTimeout(waiting);
      waiting = setTimeout(() => elements.forEach(draw), 100);
    });
    elements.forEach((element) => sizes.observe(element));
    document.documentElement.dataset.drawn = 'yes';
  });
})();
