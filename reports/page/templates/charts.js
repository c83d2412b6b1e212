// Draws the charts for the theme, size, axis, layers and zoom of the moment, always from the data.
const figures = JSON.parse(document.getElementById('charts').textContent);
const elements = [...document.querySelectorAll('[data-chart]')];
const planes = new WeakMap(); // of every drawn chart: from data to pixels
let printing = false;
let draws = 0;

// One entry per panel: what the reader chose. `place` is that of the slider.
const panels = JSON.parse(document.getElementById('budgets').textContent).map((data, index) => ({
  ...data,
  index,
  curve: elements.find((element) => element.dataset.chart === data.chart),
  slider: document.querySelector(`[data-slider="${index}"] input`),
  axis: 'macs',
  hidden: new Set(),
  off: new Set(),
  zoom: null,
  place: 0,
}));

function draw(element) {
  const panel = panels.find((one) => one.curve === element);
  const { data, layout } = themed(figures[element.dataset.chart]);
  layout.width = Math.max(printing ? paperWidth(element) : element.clientWidth, 160);
  layout.height = Math.max(element.clientHeight, 160);
  layout.uirevision = 'keep the mode of dragging';
  const traces = panel ? arrange(panel, data, layout) : data;
  return Plotly.react(element, traces, layout, {
    displaylogo: false,
    showTips: false,
    doubleClick: false,
    displayModeBar: panel ? 'hover' : false,
    modeBarButtons: panel ? [['zoom2d', showAll(panel), 'toImage']] : [],
    toImageButtonOptions: { format: 'svg', filename: 'curve' },
  }).then(() => {
    planes.set(element, plane(layout));
    if (panel) alignSlider(panel);
    if (panel && !panel.listens) listenToZoom(panel);
    markBudget(element);
  });
}

// What is shown of a curve chart, its ranges, and names where there is room.
function arrange(panel, data, layout) {
  const shown = data.filter((trace) => !panel.off.has(trace.meta.layer))
    .map((trace) => ({ ...trace, x: positions(trace, panel.axis) }))
    .map((trace) => (panel.off.has('bands') ? { ...trace, error_y: undefined } : trace))
    .filter((trace) => trace.x && trace.x.length);
  const ranges = panel.zoom || rangesOf(shown);
  layout.xaxis.title.text = figures[panel.chart].axes[panel.axis];
  draws += 1;
  for (const axis of ['xaxis', 'yaxis']) {
    layout[axis].range = ranges[axis];
    layout[axis].uirevision = draws; // our ranges count, not those plotly remembers
  }
  const traces = shown.filter((trace) => !panel.hidden.has(trace.meta.model));
  placeNames(traces, plane(layout), layout.font);
  return traces;
}

function positions(trace, axis) {
  return axis === 'macs' ? trace.x : trace.meta.x[axis];
}

// All that was measured is inside; published curves are shown where they cost as much as that.
function rangesOf(traces) {
  const own = traces.filter((trace) => trace.meta.layer !== 'published');
  const xaxis = widened(own.flatMap((trace) => trace.x), 0.07);
  xaxis[0] = Math.max(xaxis[0], 0);
  const heights = traces.flatMap((trace) => trace.x.flatMap((x, i) => {
    if (x < xaxis[0] || x > xaxis[1]) return [];
    const [y, bars] = [trace.y[i], trace.error_y];
    return bars ? [y - bars.arrayminus[i], y + bars.array[i]] : [y];
  }));
  const yaxis = widened(heights, 0.08);
  return { xaxis, yaxis: [Math.max(yaxis[0], -2), Math.min(yaxis[1], 102)] };
}

function widened(values, share) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const same = high - low <= 1e-6 * Math.abs(high);
  const margin = same ? 0.1 * Math.abs(high) || 1 : share * (high - low);
  return [low - margin, high + margin];
}

// From data to pixels of the part between the axes.
function plane({ width, height, margin, xaxis, yaxis }) {
  const [wide, high] = [width - margin.l - margin.r, height - margin.t - margin.b];
  const along = (value, [low, top]) => (value - low) / (top - low);
  return {
    wide,
    high,
    margin,
    x: (value) => along(value, xaxis.range) * wide,
    y: (value) => (1 - along(value, yaxis.range)) * high,
  };
}

// The reader's ranges stay until all is shown again or the axis is changed.
function listenToZoom(panel) {
  panel.listens = true;
  panel.curve.on('plotly_relayout', (changed) => {
    if (!Object.keys(changed).some((key) => /axis\.range/.test(key))) return;
    const { xaxis, yaxis } = panel.curve.layout;
    panel.zoom = { xaxis: [...xaxis.range], yaxis: [...yaxis.range] };
    draw(panel.curve);
  });
}

function showAll(panel) {
  return {
    name: 'all',
    title: 'Show all',
    icon: Plotly.Icons.home,
    click: () => { panel.zoom = null; draw(panel.curve); },
  };
}

// Paper is light and as wide as A4, whatever the screen is.
function paperWidth(element) {
  return element.closest('.card:not(.alone)') ? 330 : element.closest('.card') ? 400 : 680;
}
