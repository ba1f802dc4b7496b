// The reference for what browsers log: a socket.io server that stores batches of messages in Postgres and answers once
// they are committed. `node socketio/server.mjs` with DATABASE_URL, PORT, WORKERS and CONNECTIONS (of all workers
// together).
//
// As its documentation advises: WebSocket alone, so that a cluster needs no sticky sessions; bufferutil beside it; the
// first request of a socket forgotten. One prepared statement stores a batch, whatever its length.

import cluster from "node:cluster";
import { createServer } from "node:http";
import os from "node:os";
import pg from "pg";
import { Server } from "socket.io";

const { DATABASE_URL, PORT } = process.env;
const WORKERS = Number(process.env.WORKERS ?? os.availableParallelism());
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 10);

const MOST_MESSAGES = 64;
const LARGEST_BATCH = 60 * 1024;
const LEVELS = { debug: 2, info: 3, warn: 4, error: 5 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// What is the same for every message of a batch comes once.
const INSERT = `
  INSERT INTO reference_lines
    (at, level, facility, description, user_name, user_id, session, request_id, node, environment, release, fields,
     stream, seq)
  SELECT now(), level, 'client', description, $1, $2, $3, request_id, $4, $5, $6, fields, $7, seq
  FROM UNNEST($8::smallint[], $9::text[], $10::text[], $11::json[], $12::bigint[])
    AS message (level, description, request_id, fields, seq)
  ON CONFLICT (stream, seq) DO NOTHING`;

// Memory is read when what is no longer used has been given back.
process.on("SIGUSR2", () => globalThis.gc?.());

if (cluster.isPrimary && WORKERS > 1) {
  for (let worker = 0; worker < WORKERS; worker += 1) cluster.fork();
  cluster.on("exit", () => process.exit(1));
} else {
  serve();
}

function serve() {
  const pool = new pg.Pool({
    connectionString: DATABASE_URL,
    max: Math.max(1, Math.floor(CONNECTIONS / WORKERS)),
    idleTimeoutMillis: 0,
  });
  const http = createServer((_request, response) => response.end("OK"));
  const io = new Server(http, {
    transports: ["websocket"],
    serveClient: false,
    maxHttpBufferSize: LARGEST_BATCH,
  });
  io.engine.on("connection", (socket) => {
    socket.request = null;
  });
  io.on("connection", (socket) => {
    // Whoever signs people in puts these here.
    socket.data = { user: "demo", userId: "4f1c2a", session: "6b1f09", address: socket.handshake.address };
    socket.on("batch", async (batch, answer) => {
      if (typeof answer !== "function" || !isBatch(batch)) return socket.disconnect(true);
      try {
        await store(pool, socket.data, batch);
        answer({ answer: "stored", stream: batch.stream, first: batch.first });
      } catch (error) {
        console.error(error.message);
        answer({ answer: "later", stream: batch.stream, first: batch.first });
      }
    });
  });
  http.listen(Number(PORT), "127.0.0.1");
}

function isBatch(batch) {
  return (
    typeof batch === "object" &&
    UUID.test(batch?.stream) &&
    Number.isSafeInteger(batch.first) &&
    Array.isArray(batch.messages) &&
    batch.messages.length > 0 &&
    batch.messages.length <= MOST_MESSAGES &&
    batch.messages.every((message) => message.level in LEVELS && typeof message.description === "string")
  );
}

async function store(pool, author, { stream, first, release, messages }) {
  const levels = [];
  const descriptions = [];
  const requests = [];
  const fields = [];
  const numbers = [];
  messages.forEach((message, at) => {
    levels.push(LEVELS[message.level]);
    descriptions.push(message.description);
    requests.push(message.fields?.request_id ?? null);
    fields.push(
      JSON.stringify({
        ...message.fields,
        kind: message.kind,
        client_at: message.at,
        browser: "Chrome on Linux",
        address: author.address,
        browser_release: release,
      }),
    );
    numbers.push(first + at);
  });
  const { user, userId, session } = author;
  const values = [user, userId, session, "node-1", "production", "0.1.0", stream];
  values.push(levels, descriptions, requests, fields, numbers);
  await pool.query({ name: "store", text: INSERT, values });
}
