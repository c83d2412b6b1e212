// Writes names beside marks where they cover least; what finds no room is left to the hover.

// Sides of a mark, the best first: [right, down].
const SIDES = {
  'bottom right': [1, 1], 'middle right': [1, 0], 'bottom center': [0, 1], 'top left': [-1, -1],
  'top center': [0, -1], 'middle left': [-1, 0], 'bottom left': [-1, 1], 'top right': [1, -1],
};
const CROWDED = 2; // a name that would cover more things than this is not written
const ruler = document.createElement('canvas').getContext('2d');

// `plane` knows the ranges and the size in pixels; see charts.js.
function placeNames(traces, plane, font) {
  const pixels = (trace) => trace.x.map((x, i) => [plane.x(x), plane.y(trace.y[i])]);
  const taken = traces.flatMap((trace) => obstacles(trace, pixels(trace), plane));
  const named = traces.filter((trace) => trace.meta.named);
  named.sort((a, b) => (a.meta.named === 'once') - (b.meta.named === 'once')); // ours come first
  for (const trace of named) {
    const spots = pixels(trace);
    ruler.font = `${trace.textfont.size}px ${font.family}`;
    const once = trace.meta.named === 'once';
    const texts = trace.text.map(() => '');
    trace.textposition = trace.text.map(() => 'bottom right');
    const order = [...spots.keys()];
    for (const i of once ? order.reverse() : order) {
      const best = bestSide(spots[i], ruler.measureText(plain(trace.text[i])).width, taken, plane);
      if (best.cost > CROWDED) continue;
      texts[i] = trace.text[i];
      trace.textposition[i] = best.side;
      taken.push(...Array(CROWDED + 1).fill(best.box)); // names never cover names
      if (once) break;
    }
    trace.text = texts;
  }
}

// Boxes that names should not cover: marks, whiskers and lines, but no bands.
function obstacles(trace, spots, plane) {
  if (['bands', 'random'].includes(trace.meta.layer)) return [];
  const boxes = [];
  if (/markers/.test(trace.mode)) boxes.push(...spots.map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]));
  if (/lines/.test(trace.mode)) boxes.push(...alongLine(spots));
  if (trace.error_y) {
    spots.forEach(([x], i) => {
      const ends = [trace.y[i] - trace.error_y.arrayminus[i], trace.y[i] + trace.error_y.array[i]];
      boxes.push(...alongLine(ends.map((end) => [x, plane.y(end)])));
    });
  }
  return boxes;
}

function bestSide(spot, size, taken, plane) {
  const options = Object.entries(SIDES).map(([side, at]) => {
    const box = boxAt(spot, at, size);
    return { side, box, cost: costOf(box, taken, plane) };
  });
  return options.reduce((a, b) => (b.cost < a.cost ? b : a));
}

// The text that plotly shows for a bit of HTML.
function plain(text) {
  return new DOMParser().parseFromString(text, 'text/html').documentElement.textContent;
}

function alongLine(corners) {
  const boxes = [];
  for (let i = 1; i < corners.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [corners[i - 1], corners[i]];
    const steps = Math.min(Math.ceil(Math.hypot(x1 - x0, y1 - y0) / 8), 300);
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

function costOf([left, top, right, bottom], taken, { wide, high }) {
  const outside = left < 0 || right > wide || top < 0 || bottom > high;
  const covered = taken.filter(([l, t, r, b]) => l < right && r > left && t < bottom && b > top);
  return covered.length + (outside ? 100 : 0);
}
