// Draws everything, and again when the theme, the size or the medium changes.
let round = 0;
let drawnFor = '';

const allSizes = () => elements.map((one) => `${one.clientWidth} ${one.clientHeight}`).join();

// One chart after the other, so that the page answers meanwhile; a later call ends an earlier one.
// What is in a closed tab is drawn when that opens, because it has no size before.
async function drawAll() {
  round += 1;
  const mine = round;
  drawnFor = allSizes();
  for (const element of elements.filter((one) => one.clientWidth)) {
    await draw(element);
    await new Promise((next) => setTimeout(next));
    if (mine !== round) return;
  }
}

for (const [moment, begins] of [['beforeprint', true], ['afterprint', false]]) {
  addEventListener(moment, () => {
    printing = begins;
    document.documentElement.toggleAttribute('data-printing', printing);
    elements.filter((one) => one.clientWidth).forEach(draw); // at once: the paper does not wait
  });
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);

panels.forEach(showBudget);
drawAll().then(() => {
  if (tabs.length && tabOfPlace()) scrollToPlace();
  let waiting;
  const sizes = new ResizeObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(() => allSizes() === drawnFor || drawAll(), 100);
  });
  elements.forEach((element) => sizes.observe(element));
  document.documentElement.dataset.drawn = 'yes';
});
