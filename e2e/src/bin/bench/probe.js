// Runs before every document of the benchmark, ours and the reference's alike, and sees what a person would: when
// the first row is painted, when all is there, which tasks held the page up, how long a key or a click takes to show.
(() => {
  const probe = { longTasks: [], keys: [], firstRow: null, complete: null, layoutShift: 0, regions: {}, wasm: null };
  window.meridianProbe = probe;

  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(0);
    });

  const observe = (options, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe(options);
  observe({ type: 'longtask', buffered: true }, (task) => probe.longTasks.push([task.startTime, task.duration]));
  observe({ type: 'layout-shift', buffered: true }, (shift) => {
    if (!shift.hadRecentInput) probe.layoutShift += shift.value;
  });
  observe({ type: 'event', durationThreshold: 16, buffered: true }, (event) => {
    if (event.name === 'keydown' || event.name === 'keypress' || event.name === 'input') {
      probe.keys.push([event.startTime, event.duration]);
    }
  });

  const keepMemory = (instance) => {
    for (const value of Object.values(instance.exports)) {
      if (value instanceof WebAssembly.Memory) probe.wasm = value;
    }
  };
  for (const way of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[way];
    WebAssembly[way] = (...given) =>
      original.apply(WebAssembly, given).then((result) => {
        keepMemory(result.instance ?? result);
        return result;
      });
  }
  probe.wasmBytes = () => (probe.wasm ? probe.wasm.buffer.byteLength : 0);

  let finish;
  probe.done = new Promise((resolve) => (finish = resolve));
  const look = () => {
    if (probe.firstRow === null) {
      const row = document.querySelector('[role=row][data-id] [data-column=name]');
      if (row && row.textContent !== '') {
        probe.firstRow = 0;
        afterPaint((now) => (probe.firstRow = now));
      }
    }
    // Looked for where they are: a look at every element of a page with ten thousand rows would be the page's cost.
    const chips = document.querySelector('[data-testid=region-chip]')?.parentElement;
    for (const chip of chips?.querySelectorAll('[data-testid=region-chip][data-status=complete]') ?? []) {
      probe.regions[chip.dataset.region] ??= performance.now();
    }
    const table = document.querySelector('[data-testid=server-table]');
    if (table && table.dataset.state === 'complete') {
      probe.complete = performance.now();
      watcher.disconnect();
      // The first row may be painted with the frame that completes the table.
      afterPaint(() => setTimeout(finish));
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'data-id', 'data-status'] });

  // From the click on a link to the paint of the first row of the table it leads to.
  probe.untilRows = () =>
    new Promise((resolve) => {
      let start = null;
      addEventListener('click', (event) => (start = event.timeStamp), { capture: true, once: true });
      const look = () => {
        const row = document.querySelector('[role=row][data-id] [data-column=name]');
        if (start !== null && row && row.textContent !== '') {
          watcher.disconnect();
          afterPaint((now) => resolve(now - start));
        }
      };
      const watcher = new MutationObserver(look);
      watcher.observe(document, { subtree: true, childList: true, characterData: true });
    });

  // When the row of a server first reads so.
  probe.untilRow = (id, text) =>
    new Promise((resolve) => {
      const look = () => {
        const row = document.querySelector(`[role=row][data-id="${id}"]`);
        if (!row || !row.textContent.includes(text)) return;
        watcher.disconnect();
        afterPaint(() => resolve(true));
      };
      const watcher = new MutationObserver(look);
      watcher.observe(document, { subtree: true, childList: true, characterData: true });
      look();
    });

  // What is to be seen of the table: how many match, and the rows at some heights.
  const inSight = (table) => {
    const box = table.getBoundingClientRect();
    const seen = [table.dataset.matching, table.querySelector('[aria-sort]:not([aria-sort=none])')?.outerHTML];
    for (let y = box.top + 60; y < Math.min(box.bottom, innerHeight); y += 120) {
      const row = document.elementFromPoint(box.left + box.width / 2, y)?.closest('[role=row]');
      seen.push(row ? row.dataset.id + row.textContent : '');
    }
    return seen.join('\n');
  };

  // Arms a measurement: from the next event of this kind to the first paint that shows what stays. Rows out of sight
  // may go on being filled after that. Resolves once the table has been quiet for a while; null if nothing changed.
  probe.measure = (kind) => {
    const table = document.querySelector('[data-testid=server-table]');
    return new Promise((resolve) => {
      let start = null;
      let shown = inSight(table);
      let painted = null;
      let isLooking = false;
      let quiet = setTimeout(end, 1000);
      const look = (now) => {
        isLooking = false;
        const seen = inSight(table);
        if (seen !== shown) painted = now;
        shown = seen;
      };
      const watcher = new MutationObserver(() => {
        if (start === null) return;
        clearTimeout(quiet);
        quiet = setTimeout(end, 200);
        if (!isLooking) {
          isLooking = true;
          afterPaint(look);
        }
      });
      const begin = (event) => (start ??= event.timeStamp);
      addEventListener(kind, begin, true);
      watcher.observe(table, { subtree: true, childList: true, characterData: true, attributes: true });
      function end() {
        removeEventListener(kind, begin, true);
        watcher.disconnect();
        resolve(painted === null ? null : painted - start);
      }
    });
  };
})();
