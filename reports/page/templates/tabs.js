// One task at a time; a link to a place in another task opens it.
const tabs = [...document.querySelectorAll('[role="tab"]')];
const sheets = new Map(tabs.map((tab) => [tab, document.getElementById(tab.getAttribute('aria-controls'))]));

function openTab(chosen) {
  for (const [tab, sheet] of sheets) {
    const open = tab === chosen;
    tab.setAttribute('aria-selected', String(open));
    tab.tabIndex = open ? 0 : -1;
    sheet.hidden = !open;
  }
}

// The tab that the address speaks of; none for places outside of all tabs.
function tabOfPlace() {
  const place = document.getElementById(location.hash.slice(1));
  return place && tabs.find((tab) => sheets.get(tab).contains(place));
}

function goToPlace() {
  const tab = tabOfPlace();
  if (!tab || !sheets.get(tab).hidden) return;
  openTab(tab);
  drawAll();
  scrollToPlace();
}

// Of a whole task, its tab is to be seen, too.
function scrollToPlace() {
  const tab = tabOfPlace();
  const place = document.getElementById(location.hash.slice(1));
  (tab && place === sheets.get(tab) ? tab : place).scrollIntoView();
}

if (tabs.length) {
  document.documentElement.dataset.tabs = 'yes';
  openTab(tabOfPlace() || tabs[0]);
  for (const tab of tabs) {
    tab.addEventListener('click', () => {
      openTab(tab);
      drawAll();
      history.replaceState(null, '', `#${sheets.get(tab).id}`);
    });
    tab.addEventListener('keydown', (event) => {
      const at = tabs.indexOf(tab);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  }
  addEventListener('hashchange', goToPlace);
}
