// The reference: what an expert would write with React and TanStack Virtual for the same rows.
import { createRoot } from 'react-dom/client';
import { memo, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { FACETS, createStore } from './store.js';
import { receive } from './stream.js';

const store = createStore();
const project = location.pathname.split('/').filter(Boolean).pop();
receive(`/api/projects/${project}/servers?follow=false`, store);

const COLUMNS = [
  ['status', 'Status'],
  ['name', 'Name'],
  ['tags', 'Tags'],
  ['addresses', 'IP addresses'],
  ['region', 'Region'],
  ['flavor', 'Flavor'],
  ['image', 'Image'],
  ['created', 'Created'],
];
const FACET_NAMES = ['Region', 'Status', 'Image', 'RAM', 'Flavor', 'Tag', 'Availability zone'];
const NUMBER = new Intl.NumberFormat('en');
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

function App() {
  const shot = useSyncExternalStore(store.subscribe, store.snapshot);
  const [selected, setSelected] = useState(() => new Set());
  const select = useCallback((id) => {
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  }, []);
  return (
    <div className="frame">
      <header className="top">Servers</header>
      <aside>
        {FACETS.map((facet, at) => (
          <FacetGroup key={facet} shot={shot} facet={at} />
        ))}
      </aside>
      <main>
        <Search total={shot.total} matching={shot.order.length} />
        <Table shot={shot} selected={selected} select={select} />
      </main>
    </div>
  );
}

function Search({ total, matching }) {
  const [text, setText] = useState('');
  return (
    <div className="toolbar">
      <input
        type="search"
        aria-label="Search servers"
        placeholder={`Search ${NUMBER.format(total)} servers…`}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          store.search(event.target.value);
        }}
      />
      <output>
        {NUMBER.format(matching)} of {NUMBER.format(total)}
      </output>
    </div>
  );
}

function FacetGroup({ shot, facet }) {
  const [isOpen, setOpen] = useState(false);
  const counts = shot.counts[facet];
  const chosen = shot.chosen[facet];
  const values = shot.values[facet]
    .map((value, code) => ({ value, code, count: counts[code] }))
    .filter((one) => one.count > 0 || chosen.has(one.code))
    .sort((a, b) => chosen.has(b.code) - chosen.has(a.code) || b.count - a.count);
  const shown = isOpen ? values : values.slice(0, 5);
  return (
    <fieldset role="group" aria-label={FACET_NAMES[facet]}>
      <legend>{FACET_NAMES[facet]}</legend>
      {shown.map((one) => (
        <FacetValue key={one.code} facet={facet} {...one} isChosen={chosen.has(one.code)} />
      ))}
      {values.length > 5 && (
        <button type="button" onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Fewer' : `${values.length - 5} more`}
        </button>
      )}
    </fieldset>
  );
}

const FacetValue = memo(function FacetValue({ facet, code, value, count, isChosen }) {
  return (
    <label>
      <input type="checkbox" checked={isChosen} onChange={() => store.toggle(facet, code)} />
      <span>{value === '' ? 'None' : value}</span>
      <span data-count={count}>{NUMBER.format(count)}</span>
    </label>
  );
});

function Table({ shot, selected, select }) {
  const box = useRef(null);
  const virtual = useVirtualizer({
    count: shot.order.length,
    getScrollElement: () => box.current,
    estimateSize: () => 40,
    overscan: 10,
  });
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [shot.sort]);
  return (
    <div
      role="grid"
      data-testid="server-table"
      data-state={shot.isComplete ? 'complete' : 'loading'}
      data-total={shot.total}
      data-matching={shot.order.length}
      aria-rowcount={shot.order.length + 1}
      className="table"
    >
      <div role="row" className="row head">
        <div />
        {COLUMNS.map(([column, label]) => (
          <div key={column} role="columnheader" data-column={column} aria-sort={ariaSort(shot.sort, column)}>
            <button type="button" onClick={() => store.sortBy(column)}>
              {label}
            </button>
          </div>
        ))}
      </div>
      <div ref={box} className="scroll" tabIndex={0} data-testid="server-scroll">
        <div className="body" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = shot.rows[shot.order[item.index]];
            return (
              <Row
                key={row.id}
                row={row}
                index={item.index}
                start={item.start}
                isSelected={selected.has(row.id)}
                select={select}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

const ariaSort = (sort, column) =>
  sort.column !== column ? 'none' : sort.descending ? 'descending' : 'ascending';

const Row = memo(function Row({ row, index, start, isSelected, select }) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      data-id={row.id}
      data-region={row.region}
      className="row"
      style={{ transform: `translateY(${start}px)` }}
    >
      <div role="gridcell">
        <input type="checkbox" aria-label={`Select ${row.name}`} checked={isSelected} onChange={() => select(row.id)} />
      </div>
      <div role="gridcell" data-column="status" className={`status ${row.status.toLowerCase()}`}>
        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
          <circle cx="6" cy="6" r="4" fill="currentColor" />
        </svg>
        <span>{row.task_state ? `${row.status} (${row.task_state})` : row.status}</span>
      </div>
      <div role="gridcell" data-column="name">
        <a href={`#${row.id}`}>{row.name}</a>
      </div>
      <div role="gridcell" data-column="tags">
        {row.tags.slice(0, 2).map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
        {row.tags.length > 2 && <span className="tag">+{row.tags.length - 2}</span>}
      </div>
      <div role="gridcell" data-column="addresses">
        <span>{row.addresses[0]?.ip}</span>
        {row.addresses.length > 0 && (
          <button type="button" aria-label={`Copy ${row.addresses[0].ip}`}>
            ⧉
          </button>
        )}
        {row.addresses.length > 1 && <span className="more">+{row.addresses.length - 1}</span>}
      </div>
      <div role="gridcell" data-column="region">{row.region}</div>
      <div role="gridcell" data-column="flavor">{row.flavor?.name}</div>
      <div role="gridcell" data-column="image">{row.image.name ?? (row.image.kind === 'volume' ? 'Volume' : row.image.id)}</div>
      <div role="gridcell" data-column="created">
        <time>{DATE.format(row.created_at * 1000)}</time>
      </div>
    </div>
  );
});

createRoot(document.getElementById('root')).render(<App />);
