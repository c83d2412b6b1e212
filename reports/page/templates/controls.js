// What can be chosen: models, layers, the horizontal axis, the budget, whose pictures are shown.
for (const panel of panels) {
  const section = panel.curve.closest('section');
  const keys = [...section.querySelectorAll('.key')];
  const models = keys.filter((key) => key.dataset.model);
  for (const key of keys) {
    const { layer } = key.dataset;
    if (layer && key.getAttribute('aria-pressed') === 'false') panel.off.add(layer);
    key.addEventListener('click', () => {
      const [set, name] = layer ? [panel.off, layer] : [panel.hidden, Number(key.dataset.model)];
      // At least one model stays.
      if (!set.delete(name) && (layer || set.size + 1 < models.length)) set.add(name);
      key.setAttribute('aria-pressed', String(!set.has(name)));
      draw(panel.curve);
    });
  }
  for (const radio of section.querySelectorAll('input[type="radio"]')) {
    radio.addEventListener('change', () => {
      [panel.axis, panel.zoom] = [radio.value, null];
      offerLayers(panel, keys);
      draw(panel.curve);
    });
  }
  offerLayers(panel, keys);
  if (panel.slider) {
    panel.place = Number(panel.slider.value);
    panel.slider.addEventListener('input', () => {
      panel.place = Number(panel.slider.value);
      Plotly.Fx.unhover(panel.curve); // what it said was of another budget
      showBudget(panel);
    });
    const bar = panel.slider.closest('.budget');
    new IntersectionObserver(
      ([entry]) => bar.classList.toggle('stuck', entry.boundingClientRect.top < 1),
      { rootMargin: '-1px 0px 0px 0px', threshold: [1] },
    ).observe(bar);
  }
}

// Layers that have nothing to show on the present axis are not offered; whiskers are intervals too.
function offerLayers(panel, keys) {
  for (const key of keys.filter((one) => one.dataset.layer)) {
    const { layer } = key.dataset;
    key.hidden = !figures[panel.chart].data.some(
      (trace) => (trace.meta.layer === layer || (layer === 'bands' && trace.error_y))
        && (positions(trace, panel.axis) || []).length,
    );
  }
}

for (const chooser of document.querySelectorAll('[data-gallery-chooser]')) {
  const choose = () => {
    for (const gallery of chooser.closest('section').querySelectorAll('[data-gallery]')) {
      gallery.hidden = gallery.dataset.gallery !== chooser.value;
    }
  };
  chooser.addEventListener('change', choose);
  choose();
}

// Pictures with boxes can be made as wide as the page.
for (const button of document.querySelectorAll('.enlarge')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const large = button.closest('.scene').classList.toggle('large');
    button.setAttribute('aria-pressed', String(large));
  });
}

// Pictures of a few pixels are shown as such, not blurred.
for (const image of document.querySelectorAll('.frame img')) {
  const frames = Number(image.dataset.frames || 1); // side by side
  const sharpen = () => image.classList.toggle('tiny', image.naturalWidth < 64 * frames);
  if (image.complete) sharpen();
  else image.addEventListener('load', sharpen);
}
