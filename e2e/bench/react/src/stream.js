// Reads the servers as JSON lines. A line holds up to 256 rows, so JSON.parse works on batches; bytes are taken in
// pieces of 64 KB with a look at the clock after each line, because Chromium hands a fast stream over in megabytes.

const PIECE = 64 * 1024;

export async function receive(url, store) {
  performance.mark('servers:fetch');
  const response = await fetch(url, { headers: { accept: 'application/x-ndjson' } });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const waiting = [];
  let rest = '';
  let isScheduled = false;
  let isEnded = false;

  const work = () => {
    isScheduled = false;
    const end = performance.now() + store.SLICE_MS;
    while (waiting.length > 0) {
      let line = 0;
      const text = rest + decoder.decode(waiting[0].subarray(0, PIECE), { stream: true });
      if (waiting[0].length > PIECE) waiting[0] = waiting[0].subarray(PIECE);
      else waiting.shift();
      for (let stop; (stop = text.indexOf('\n', line)) !== -1; line = stop + 1) {
        store.event(JSON.parse(text.slice(line, stop)));
      }
      rest = text.slice(line);
      if (performance.now() >= end) break;
    }
    store.flush();
    if (waiting.length > 0) schedule();
    else if (isEnded && rest) {
      store.event(JSON.parse(rest));
      rest = '';
      store.flush();
    }
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(work);
  };

  for (let isFirst = true; ; isFirst = false) {
    const { value, done } = await reader.read();
    if (done) break;
    waiting.push(value);
    // The first rows should not wait for a frame.
    if (isFirst) work();
    else schedule();
  }
  isEnded = true;
  schedule();
}
