// The budget slider: every model shows its most expensive point whose target is within the budget.
const SVG = 'http://www.w3.org/2000/svg';
const THUMB = 16; // width of the slider's handle, about

for (const panel of panels) {
  panel.models.forEach((model, i) => {
    const boxes = [...document.querySelectorAll(`[data-panel="${panel.index}"][data-model="${i}"]`)];
    const all = (selector) => boxes.flatMap((box) => [...box.querySelectorAll(selector)]);
    model.fields = all('[data-field]');
    model.bars = all('[data-share]');
    model.within = all('[data-within]');
    model.beyond = all('[data-beyond]');
  });
}

// Index of the model's point for the slider's budget; -1 where the budget is too small for it.
function chosen(panel, model) {
  return model.targets.filter((target) => target <= panel.gmacs[panel.place]).length - 1;
}

// What a field of the page says about the model's point `k`.
function said(model, k, field) {
  return model.texts[k][model.names.indexOf(field)];
}

function showBudget(panel) {
  const heard = [];
  for (const model of panel.models) {
    const k = chosen(panel, model);
    model.within.forEach((element) => { element.hidden = k < 0; });
    model.beyond.forEach((element) => { element.hidden = k >= 0; });
    if (k < 0) continue;
    for (const field of model.fields) field.textContent = said(model, k, field.dataset.field);
    for (const bar of model.bars) bar.style.width = `${model.shares[k][bar.dataset.share]}%`;
    heard.push(`${model.name} ${model.texts[k][0]}`);
  }
  if (panel.slider) {
    const label = panel.labels[panel.place];
    document.querySelector(`[data-slider="${panel.index}"] [data-budget]`).textContent = label;
    panel.slider.setAttribute('aria-valuetext', `${label}: ${heard.slice(0, 3).join(', ')}`);
  }
  markBudget(panel.curve);
  for (const { leaving } of panel.models) {
    const element = elements.find((one) => one.dataset.chart === leaving);
    if (element) markBudget(element);
  }
}

// Draws the chosen budget over a chart: a ring on every curve, a line at the mean cost.
function markBudget(element) {
  const [overlay, at] = [element.parentElement.querySelector('.overlay'), planes.get(element)];
  if (!at) return;
  const layers = element.querySelectorAll('.main-svg');
  layers[layers.length - 1].before(overlay); // below what plotly shows of the mark pointed at
  overlay.replaceChildren();
  const panel = panels.find((one) => one.curve === element);
  if (panel) {
    if (panel.axis === 'macs' && panel.slider) lineAt(overlay, at, panel.macs[panel.place]);
    panel.models.forEach((model, i) => {
      const [k, x] = [chosen(panel, model), model.x[panel.axis]];
      const moves = model.targets.length > 1; // what has a single point has its mark
      const known = k >= 0 && x && x[k] !== null && model.heights[k] !== null;
      if (known && moves && !panel.hidden.has(i)) ringAt(overlay, at, x[k], model.heights[k], model.colour);
    });
    return;
  }
  const owner = panels.find((one) => one.models.some((model) => model.leaving === element.dataset.chart));
  const model = owner.models.find((one) => one.leaving === element.dataset.chart);
  const k = chosen(owner, model);
  if (k >= 0) lineAt(overlay, at, model.x.macs[k]);
}

function lineAt(overlay, at, value) {
  const x = at.x(value);
  if (x < -0.5 || x > at.wide + 0.5) return;
  for (const look of ['under', 'at']) {
    const line = document.createElementNS(SVG, 'line');
    line.setAttribute('class', look);
    for (const end of ['x1', 'x2']) line.setAttribute(end, at.margin.l + x);
    line.setAttribute('y1', at.margin.t);
    line.setAttribute('y2', at.margin.t + at.high);
    overlay.append(line);
  }
}

function ringAt(overlay, at, valueX, valueY, colour) {
  const [x, y] = [at.x(valueX), at.y(valueY)];
  if (x < 0 || x > at.wide || y < 0 || y > at.high) return;
  const ring = document.createElementNS(SVG, 'circle');
  ring.setAttribute('cx', at.margin.l + x);
  ring.setAttribute('cy', at.margin.t + y);
  ring.setAttribute('r', 8.5);
  ring.style.stroke = colour;
  overlay.append(ring);
}

// Puts the slider's handle under the budget's line, as far as the axis shows all budgets.
function alignSlider(panel) {
  const at = planes.get(panel.curve);
  if (!panel.slider || panel.axis !== 'macs' || panel.zoom) return;
  const [low, high] = [panel.macs[0], panel.macs[panel.macs.length - 1]].map(at.x);
  const fits = low >= 0 && high <= at.wide && high - low > 240;
  panel.slider.style.marginLeft = fits ? `${at.margin.l + low - THUMB / 2}px` : '';
  panel.slider.style.width = fits ? `${high - low + THUMB}px` : '';
}
