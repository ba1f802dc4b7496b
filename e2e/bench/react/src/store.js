// The rows outside React: what arrives is parsed and counted in slices of 8 ms a frame, and React hears of it once a
// frame. Facets are small numbers per row, search is one lower-case text per row, sorting goes by cached keys.

export const FACETS = ['region', 'status', 'image', 'ram', 'flavor', 'tag', 'az'];
const SLICE_MS = 8;

export function createStore(now = () => performance.now()) {
  const rows = [];
  const codes = FACETS.map(() => []); // per facet and row: a code, for tags a list of codes
  const values = FACETS.map(() => []); // per facet: code -> text
  const codeOf = FACETS.map(() => new Map());
  const counts = FACETS.map(() => []); // per facet: code -> rows one would get
  const chosen = FACETS.map(() => new Set());
  const keys = new Map(); // per column: sort keys, good while the number of rows stays
  const listeners = new Set();

  let words = [];
  let order = []; // indexes of the rows that match, in the order shown
  let sort = { column: 'created', descending: true };
  let isComplete = false;
  let isDirty = false;
  let snapshot = makeSnapshot();

  function makeSnapshot() {
    return { rows, order, counts, values, chosen, sort, total: rows.length, isComplete, version: {} };
  }

  function publish() {
    snapshot = makeSnapshot();
    for (const listener of listeners) listener();
  }

  function code(facet, text) {
    let found = codeOf[facet].get(text);
    if (found === undefined) {
      found = values[facet].length;
      codeOf[facet].set(text, found);
      values[facet].push(text);
      counts[facet].push(0);
    }
    return found;
  }

  function add(row, region) {
    row.region = region;
    const image = row.image.kind === 'named' ? row.image.name : row.image.kind === 'volume' ? '' : row.image.id;
    let search = `${row.name}\n${row.id}`;
    for (const address of row.addresses) search += `\n${address.ip}`;
    for (const tag of row.tags) search += `\n${tag}`;
    for (const [key, value] of row.metadata) search += `\n${key}=${value}`;
    row.search = search.toLowerCase();
    const at = rows.length;
    rows.push(row);
    codes[0][at] = code(0, region);
    codes[1][at] = code(1, row.status);
    codes[2][at] = code(2, image);
    codes[3][at] = code(3, row.flavor ? row.flavor.ram_mib : '');
    codes[4][at] = code(4, row.flavor ? row.flavor.name : '');
    codes[5][at] = row.tags.length ? row.tags.map((tag) => code(5, tag)) : NO_TAG;
    codes[6][at] = code(6, row.availability_zone ?? '');
    consider(at);
  }

  const NO_TAG = [code(5, '')];

  // Counts a row where it counts, and shows it if it matches: a row that misses in one facet alone still counts there.
  function consider(at) {
    const { search } = rows[at];
    for (const word of words) if (!search.includes(word)) return;
    let misses = 0;
    let missed = -1;
    for (let facet = 0; facet < FACETS.length; facet++) {
      const wanted = chosen[facet];
      if (wanted.size === 0) continue;
      const have = codes[facet][at];
      if (facet === 5 ? !have.some((one) => wanted.has(one)) : !wanted.has(have)) {
        if (++misses > 1) return;
        missed = facet;
      }
    }
    if (misses === 0) {
      order.push(at);
      for (let facet = 0; facet < FACETS.length; facet++) count(facet, at);
    } else {
      count(missed, at);
    }
  }

  function count(facet, at) {
    const have = codes[facet][at];
    if (facet === 5) for (const one of have) counts[5][one]++;
    else counts[facet][have]++;
  }

  function filter() {
    order = [];
    for (const facet of counts) facet.fill(0);
    for (let at = 0; at < rows.length; at++) consider(at);
    order = sorted(order);
  }

  function sorted(list) {
    const { column, descending } = sort;
    const key = keysOf(column);
    if (key instanceof Float64Array) {
      // Number and index in one float: sorting is then the engine's own, without a comparing function.
      const packed = new Float64Array(list.length);
      for (let i = 0; i < list.length; i++) {
        packed[i] = (descending ? 2 ** 32 - 1 - key[list[i]] : key[list[i]]) * 2 ** 20 + list[i];
      }
      packed.sort();
      return Array.from(packed, (one) => one % 2 ** 20);
    }
    const sign = descending ? -1 : 1;
    return list.slice().sort((a, b) => (key[a] < key[b] ? -sign : key[a] > key[b] ? sign : a - b));
  }

  function keysOf(column) {
    const known = keys.get(column);
    if (known && known.length === rows.length) return known;
    const key = makeKeys(column);
    keys.set(column, key);
    return key;
  }

  function makeKeys(column) {
    switch (column) {
      case 'created':
        return Float64Array.from(rows, (row) => row.created_at);
      case 'status':
        return ranks(1);
      case 'region':
        return ranks(0);
      case 'image':
        return ranks(2);
      case 'flavor':
        return ranks(4);
      case 'tags':
        return rows.map((row) => row.tags.join(' ').toLowerCase());
      case 'addresses':
        return rows.map((row) => addressKey(row.addresses[0]?.ip));
      default:
        return rows.map((row) => naturalKey(row.name));
    }
  }

  // A column of few values sorts by the rank of its value.
  function ranks(facet) {
    const byText = values[facet].map((_, at) => at).sort((a, b) => compare(values[facet][a], values[facet][b]));
    const rank = [];
    byText.forEach((at, place) => (rank[at] = place));
    return Float64Array.from(codes[facet], (one) => rank[one]);
  }

  const store = {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => snapshot,
    search(text) {
      words = text.toLowerCase().split(/\s+/).filter(Boolean);
      filter();
      publish();
    },
    toggle(facet, value) {
      const wanted = chosen[facet];
      if (!wanted.delete(value)) wanted.add(value);
      filter();
      publish();
    },
    sortBy(column) {
      sort = { column, descending: sort.column === column && !sort.descending };
      order = sorted(order);
      publish();
    },
    event(event) {
      if (event.event === 'rows') {
        for (const row of event.rows) add(row, event.region);
        isDirty = true;
      } else if (event.event === 'caught_up') {
        isComplete = true;
        order = sorted(order);
        isDirty = true;
      }
    },
    flush() {
      if (!isDirty) return;
      isDirty = false;
      publish();
    },
    SLICE_MS,
    now,
  };
  return store;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// web-2 before web-10: every number gets its length in front.
function naturalKey(name) {
  return name.toLowerCase().replace(/\d+/g, (digits) => String.fromCharCode(48 + Math.min(digits.length, 40)) + digits);
}

function addressKey(ip) {
  if (!ip) return '';
  if (ip.includes(':')) return `6${ip}`;
  return `4${String.fromCharCode(...ip.split('.').map((part) => Number(part) + 1))}`;
}
