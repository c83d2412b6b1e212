// Draws the charts in the reader's theme, names the exits where there is room, hides models.
'use strict';
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const elements = [...document.querySelectorAll('[data-chart]')];
  const curve = elements.find((element) => element.dataset.chart === 'curve');
  const hidden = new Set();
  const config = (element) => ({
    responsive: true,
    displaylogo: false,
    displayModeBar: element.dataset.chart === 'curve' ? 'hover' : false,
    modeBarButtons: [['zoom2d', 'resetScale2d', 'toImage']],
    toImageButtonOptions: { format: 'svg', filename: 'curve' },
  });

  // A copy of a chart in which colours named var(--x) have the value of this theme.
  function themed(value, key, style) {
    if (Array.isArray(value)) return value.map((item) => themed(item, key, style));
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, k, style)]));
    }
    const variable = /color$/.test(key) && /^var\((--[a-z0-9-]+)\)$/.exec(value);
    return variable ? style.getPropertyValue(variable[1]).trim() : value;
  }

  function draw(element) {
    const { data, layout } = themed(charts[element.dataset.chart], '', getComputedStyle(document.documentElement));
    for (const trace of data) {
      if (trace.meta && hidden.has(trace.meta.model)) trace.visible = false;
    }
    // What the reader zoomed to stays when the theme changes.
    for (const axis of ['xaxis', 'yaxis']) {
      if (element.layout) layout[axis].range = element.layout[axis].range;
    }
    const drawn = Plotly.react(element, data, layout, config(element));
    return element.dataset.chart === 'curve' ? drawn.then(() => nameExits(element, true)) : drawn;
  }

  // Writes each exit's name on the side of its mark where it covers least, or not at all.
  const SIDES = {
    'bottom right': [1, 1], 'middle right': [1, 0], 'bottom center': [0, 1], 'top left': [-1, -1],
    'top center': [0, -1], 'middle left': [-1, 0], 'bottom left': [-1, 1], 'top right': [1, -1],
  };
  const ruler = document.createElement('canvas').getContext('2d');

  function nameExits(element, fresh = false) {
    const { margin, xaxis, yaxis, font } = element.layout;
    const width = element.clientWidth - margin.l - margin.r;
    const height = element.clientHeight - margin.t - margin.b;
    const along = (value, [low, high]) => (value - low) / (high - low);
    const pixels = (trace) => trace.x.map((x, i) => [
      along(x, xaxis.range) * width, (1 - along(trace.y[i], yaxis.range)) * height,
    ]);
    const shown = element.data.filter((trace) => trace.meta && trace.visible !== false);
    const taken = shown.flatMap((trace) => pixels(trace).map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]));
    for (const trace of shown.filter((one) => one.mode.startsWith('lines'))) taken.push(...alongLine(pixels(trace)));
    ruler.font = `13px ${font.family}`;
    const [indices, texts, positions] = [[], [], []];
    element.data.forEach((trace, index) => {
      if (!trace.meta || !trace.meta.exits) return;
      const original = charts[element.dataset.chart].data[index].text;
      const spots = pixels(trace);
      const chosen = original.map((text, i) => {
        const plain = new DOMParser().parseFromString(text, 'text/html').documentElement.textContent;
        const size = ruler.measureText(plain).width;
        const best = Object.entries(SIDES)
          .map(([side, at]) => ({ side, box: boxAt(spots[i], at, size) }))
          .map((option) => ({ ...option, cost: costOf(option.box, taken, width, height) }))
          .reduce((a, b) => (b.cost < a.cost ? b : a));
        if (trace.visible === false || best.cost > 2) return { text: '', side: 'top center' };
        taken.push(...Array(9).fill(best.box));
        return { text, side: best.side };
      });
      indices.push(index);
      texts.push(chosen.map((one) => one.text));
      positions.push(chosen.map((one) => one.side));
    });
    const wanted = JSON.stringify([texts, positions]);
    if (wanted === element.dataset.names && !fresh) return null;
    element.dataset.names = wanted;
    return Plotly.restyle(element, { text: texts, textposition: positions }, indices);
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
      if (!hidden.delete(model) && hidden.size + 1 < charts.curve.data.filter((trace) => trace.meta.exits).length) {
        hidden.add(model);
      }
      button.setAttribute('aria-pressed', String(!hidden.has(model)));
      draw(curve);
    });
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => elements.forEach(draw));
  Promise.all(elements.map(draw)).then(() => {
    curve.on('plotly_relayout', () => nameExits(curve));
    new ResizeObserver(() => nameExits(curve)).observe(curve);
    document.documentElement.dataset.drawn = 'yes';
  });
})();
