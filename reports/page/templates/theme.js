// Colours of the reader's theme for charts whose colours are named var(--x).
function themed(value, style = getComputedStyle(document.documentElement), key = '') {
  if (Array.isArray(value)) return value.map((item) => themed(item, style, key));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, style, k)]));
  }
  const variable = /color$/.test(key) && /^var\((--[a-z0-9-]+)\)$/.exec(value);
  return variable ? style.getPropertyValue(variable[1]).trim() : value;
}
