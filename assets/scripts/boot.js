// Starts the panel. On the servers list the rows are asked for here and now, so they travel while the program that
// draws them is still being fetched and compiled. The page names both files of the program on this script's element,
// which stands before the styles and waits for nothing: run after the first paint it would begin a third of a warm
// opening later.
// <script src="…/boot.js" data-script="…/frontend.js" data-module="…/frontend_bg.wasm"></script>
(() => {
  const FRAMES = "application/vnd.meridian.frames";

  // An answer that is received as fast as it comes, whether or not anybody reads it yet.
  function open(url) {
    const aborter = new AbortController();
    const pieces = [];
    let isOver = false;
    let failure = null;
    let wake = () => {};
    const answer = fetch(url, { headers: { accept: FRAMES }, signal: aborter.signal });
    answer
      .then(async (response) => {
        if (!response.ok) return;
        const reader = response.body.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          pieces.push(value);
          wake();
        }
      })
      .catch((error) => {
        failure = error;
      })
      .finally(() => {
        isOver = true;
        wake();
      });
    return {
      // The response; its body is read here where it is `ok`, and left to the caller where it is not.
      answer,
      // The next piece, or null once the answer is over. Throws if it broke off.
      async read() {
        while (pieces.length === 0 && !isOver) {
          await new Promise((resolve) => {
            wake = resolve;
          });
        }
        if (pieces.length > 0) return pieces.shift();
        if (failure) throw failure;
        return null;
      },
      cancel() {
        aborter.abort();
      },
    };
  }

  const list = /^\/projects\/([\w-]{1,64})\/servers\/?$/.exec(location.pathname);
  let early = null;
  if (list) {
    performance.mark("servers:fetch");
    early = open(`/api/projects/${list[1]}/servers?follow=briefly`);
    early.answer.catch(() => {});
  }

  window.meridian = {
    open,
    // Hands over what was asked for early, once, to the first who wants just that project.
    takeEarly(project) {
      const taken = list && list[1] === project ? early : null;
      early = null;
      return taken;
    },
  };

  const { script, module } = document.currentScript.dataset;
  // Compiled while the script is still being read.
  const compiled = WebAssembly.compileStreaming(fetch(module));
  const program = import(script).then((program) =>
    program.default({ module_or_path: compiled }).then(() => program),
  );
  const page = new Promise((resolve) => {
    if (document.readyState !== "loading") resolve();
    else document.addEventListener("DOMContentLoaded", resolve, { once: true });
  });
  // In a task of its own: what compiling and drawing take together would hold up a click.
  Promise.all([program, page]).then(
    ([program]) => nextTask(program.mount),
    () => page.then(sayThatItCannotStart),
  );

  // A timer would come later.
  function nextTask(run) {
    const channel = new MessageChannel();
    channel.port1.onmessage = run;
    channel.port2.postMessage(null);
  }

  function sayThatItCannotStart() {
    const main = document.getElementById("main");
    const text = document.createElement("p");
    text.textContent = "The panel could not be loaded. Nothing of yours is lost: check your connection and try again.";
    const again = document.createElement("button");
    again.className = "button";
    again.textContent = "Try again";
    again.addEventListener("click", () => location.reload());
    const box = document.createElement("div");
    box.className = "page-body";
    box.setAttribute("role", "alert");
    box.append(text, again);
    main.replaceChildren(box);
  }
})();
