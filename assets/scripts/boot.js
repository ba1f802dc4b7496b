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

  const { release, flags } = document.documentElement.dataset;
  // Who does not have the flag keeps and sends nothing; what happens is said to nobody.
  const log = flags.split(" ").includes("client_log") ? keepLog(release) : { note() {}, forProgram: { log() {} } };
  Object.assign(window.meridian, log.forProgram);

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
    (error) => {
      log.note("error", "error", `The panel could not be loaded: ${error}`, { stack: error?.stack });
      page.then(sayThatItCannotStart);
    },
  );

  // What the page logs, from its first moment on: in memory, and where the next page finds it, until the part of the
  // program that numbers and sends it (frontend/src/client_log) has taken it.
  function keepLog(release) {
    const newId = () =>
      "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
        (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
      );
    // With the count of those that were lost, as many as a batch has.
    const most = 63;
    // Half a surrogate is no JSON that others read.
    const wellFormed = (value) => (value?.toWellFormed ? value.toWellFormed() : value);
    let stream = newId();
    let messages = [];
    let lost = 0;
    let take = null;
    // How many the part has taken.
    let from = 0;
    const times = new Map();

    function note(level, kind, description, fields) {
      if (level === "error") {
        // One that comes again with every frame is told ten times, then whenever there are twice as many.
        if (times.size > 200) times.clear();
        const count = (times.get(description) ?? 0) + 1;
        times.set(description, count);
        if (count > 10 && count & (count - 1)) return;
        fields.times = count;
      }
      for (const name in fields) fields[name] = wellFormed(fields[name]);
      messages.push({ at: Date.now(), level, kind, description: wellFormed(`${description}`), fields });
      if (messages.length > most) {
        // The least important goes, the oldest of those.
        const ranks = messages.map(({ level }) => "debug info warn error".indexOf(level));
        messages.splice(ranks.indexOf(Math.min(...ranks)), 1);
        lost += 1;
      }
      // The page may hang or end before the part comes for it. What was dropped has to go there too: they are counted.
      if (!take || lost || /^[ew]/.test(level)) keep(stream, all());
      if (take) setTimeout(take, level === "error" ? 0 : 300);
    }

    function all() {
      if (!lost) return messages;
      const description = "Some messages came too fast to be kept.";
      return [...messages, { at: Date.now(), level: "warn", kind: "log", description, fields: { dropped: lost } }];
    }

    function keep(id, messages) {
      try {
        localStorage.setItem(`meridian.log.${id}.early`, JSON.stringify({ release, from, messages }));
      } catch {
        // It is full, or closed to us: memory has to do.
      }
    }

    // Whether the stream is this page's from now on; no other page gets it while this one lives.
    function holdLog(id) {
      return new Promise((answer) => {
        const hold = (lock) => {
          answer(!!lock);
          return lock && new Promise(() => {});
        };
        if (navigator.locks) {
          navigator.locks.request(`meridian.log.${id}`, { ifAvailable: true }, hold).catch(() => answer(false));
        } else answer(false);
      });
    }

    holdLog(stream);
    addEventListener("error", ({ message, filename, lineno, error }) => {
      // Resources that do not come have none; the other is no error.
      if (!message || message.startsWith("ResizeObserver")) return;
      note("error", "error", message, { source: `${filename}:${lineno}`, stack: error?.stack });
    });
    addEventListener("unhandledrejection", ({ reason }) => {
      note("error", "error", reason?.message ?? reason, { source: "a promise", stack: reason?.stack });
    });
    // Where the program does not run (any more), the browser sends what there is.
    addEventListener("pagehide", () => {
      try {
        take?.();
      } catch {
        // It has given up.
      }
      const last = handOut();
      if (last.length === 0) return;
      let id = stream;
      if (take) {
        // Its numbers are the part's, which did not take these: nobody is to find them under its name as well.
        keep(stream, []);
        id = newId();
      } else {
        // Should the page come back, its numbers begin anew.
        stream = newId();
        holdLog(stream);
      }
      keep(id, last);
      const token = document.querySelector("meta[name=csrf-token]")?.content;
      const batches = [{ stream: id, first: 1, release, messages: last }];
      navigator.sendBeacon("/client-log", JSON.stringify({ token, batches }));
    });

    function handOut() {
      const taken = all();
      messages = [];
      lost = 0;
      return taken;
    }

    return {
      note,
      forProgram: {
        // Names and values of the fields, one after the other.
        log(level, kind, description, joined) {
          const fields = {};
          const pieces = joined.split("\u0001");
          for (let at = 0; at + 1 < pieces.length; at += 2) {
            const value = pieces[at + 1];
            fields[pieces[at]] = /^\d{1,15}$/.test(value) ? +value : value;
          }
          if (kind === "panic") fields.stack = Error().stack;
          note(level, kind, description, fields);
        },
        logStream: () => stream,
        logRelease: () => release,
        takeLog() {
          const taken = handOut();
          from += taken.length;
          return taken.length > 0 ? JSON.stringify(taken) : null;
        },
        onLog(call) {
          take = call;
        },
        holdLog,
        // What took how long, from the page's beginning on; nothing where the browser does not know this kind.
        observe(type, call) {
          const observer = new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) call(duration);
          });
          observer.observe({ type, buffered: true });
        },
      },
    };
  }

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
