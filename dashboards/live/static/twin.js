// What the twin says: asked once, streamed, and told back. The only place that talks to the server.

export const me = { user: null, role: null, csrf: null, login: false };
export let lines = [];
const values = new Map();
const listeners = new Set();
let source = null;
let connected = false;
let heard = 0;

export class Refused extends Error {
  constructor(status, detail) {
    super(Array.isArray(detail) ? detail.map((d) => d.msg ?? d).join("\n") : detail);
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  const answer = await fetch(`/api/v1${path}`, {
    ...options,
    headers: {
      ...(options.body ? { "Content-Type": "application/json" } : {}),
      ...(options.method ? { "X-CSRF-Token": me.csrf ?? "" } : {}),
    },
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.detail ?? answer.statusText);
  return body;
}

export const tell = (path, body) =>
  ask(path, { method: "POST", body: JSON.stringify(body) });

export async function whoAmI() {
  Object.assign(me, await ask("/me"));
  return me.user !== null;
}

export const mayOperate = () => me.role === "operate" || me.role === "admin";

export async function loadLines() {
  lines = await ask("/lines");
  for (const line of lines) {
    line.station = Object.fromEntries(line.stations.map((s) => [s.id, s]));
    line.stationOf = Object.fromEntries(
      line.stations.flatMap((s) => s.machines.map((m) => [m, s])));
  }
  return lines;
}

export const lineOf = (id) => lines.find((line) => line.id === id);
export const value = (line, key) => values.get(`${line}|${key}`);
export const health = () => values.get("health");
export const isConnected = () => connected;

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const say = () => { for (const listener of listeners) listener(); };

export function follow() {
  source?.close();
  source = new EventSource("/api/v1/stream");
  const take = (event) => {
    for (const [key, now] of Object.entries(JSON.parse(event.data))) values.set(key, now);
    heard = Date.now();
    if (!connected) connected = true;
    say();
  };
  source.addEventListener("all", (event) => { values.clear(); take(event); });
  source.addEventListener("changes", take);
  source.addEventListener("pulse", () => {
    heard = Date.now();
    if (!connected) { connected = true; say(); }
  });
  source.onerror = () => {
    if (connected) { connected = false; say(); }
    // A browser gives up after an answer that is no stream; the twin may only be starting again.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, 2000);
  };
}

async function again() {
  try {
    if (await whoAmI()) follow();
    else location.reload();
  } catch {
    setTimeout(again, 2000);
  }
}

export function unfollow() {
  source?.close();
  source = null;
}

// A line that is cut without a word is seen by the pulse that stays away.
setInterval(() => {
  if (connected && source && Date.now() - heard > 15000) {
    connected = false;
    say();
    follow();
  }
}, 1000);
