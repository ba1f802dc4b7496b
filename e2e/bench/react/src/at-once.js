// The same rows and cells as one <table>, made in one go when all have come.
const project = location.pathname.split('/').filter(Boolean).pop();
performance.mark('servers:fetch');
const response = await fetch(`/api/projects/${project}/servers?follow=false`, {
  headers: { accept: 'application/x-ndjson' },
});
const lines = (await response.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line));
const table = document.createElement('table');
const body = table.createTBody();
const template = document.createElement('template');
template.innerHTML = `<tr role="row"><td><input type="checkbox"></td>
  <td data-column="status"><svg width="12" height="12" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4" fill="currentColor"/></svg> <span></span></td>
  <td data-column="name"><a href="#"></a></td><td data-column="tags"></td>
  <td data-column="addresses"><span></span><button>⧉</button></td><td></td><td></td><td></td><td><time></time></td></tr>`;
const date = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });
for (const event of lines) {
  if (event.event !== 'rows') continue;
  for (const row of event.rows) {
    const drawn = template.content.firstElementChild.cloneNode(true);
    const cells = drawn.children;
    drawn.dataset.id = row.id;
    cells[1].lastElementChild.textContent = row.status;
    cells[2].firstElementChild.textContent = row.name;
    for (const tag of row.tags.slice(0, 2)) {
      const span = document.createElement('span');
      span.className = 'tag';
      span.textContent = tag;
      cells[3].append(span);
    }
    cells[4].firstElementChild.textContent = row.addresses[0]?.ip ?? '';
    cells[5].textContent = event.region;
    cells[6].textContent = row.flavor?.name ?? '';
    cells[7].textContent = row.image.name ?? '';
    cells[8].firstElementChild.textContent = date.format(row.created_at * 1000);
    body.append(drawn);
  }
}
const root = document.querySelector('[data-testid=server-table]');
root.append(table);
// Laid out and painted: then it is there.
requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { root.dataset.state = 'complete'; };
  port2.postMessage(0);
});
