// The mimic: a line's stations in bands as wide as the window, machines as tiles, buffers as bars.

import { setAttribute, setText, svg } from "/static/dom.js";
import { ORDER, stateClass, stateWord } from "/static/states.js";
import { clock, named, number, percent, t } from "/static/words.js";

const BOX = { least: 124, most: 200 }, TILE = 15, ACROSS = 7, HEAD = 24, ROW = 13, FOOT = 5;
const MOST_TILES = 28, GAP = 22, GUTTER = 12, EDGE = 16, MOST_SCALE = 3.4;
const BAR = { width: 26, laned: 46, height: 40 }, LETTER = { latin: 6.3, wide: 11.6 };

const tilesOf = (station) =>
  station.machines.length <= MOST_TILES ? Math.ceil(station.machines.length / ACROSS) : 2;
const widthOf = (buffer) => (buffer.lanes.length ? BAR.laned : BAR.width);
const lengthOf = (text) =>
  [...text].reduce((sum, letter) => sum + (letter > "\u2e7f" ? LETTER.wide : LETTER.latin), 0);

// A name in at most two rows of a box; what does not fit is in its title.
function rowsOf(name, room) {
  const rows = [""];
  for (const word of name.match(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s?|\s/gu) ?? []) {
    if (lengthOf(rows.at(-1) + word.trimEnd()) <= room) rows[rows.length - 1] += word;
    else if (rows.length < 2 && rows[0]) rows.push(word);
    else {
      let last = [...(rows.at(-1) + word)];
      while (last.length && lengthOf(last.join("")) > room - LETTER.wide) last = last.slice(0, -1);
      rows[rows.length - 1] = `${last.join("").trimEnd()}…`;
      break;
    }
  }
  return rows.map((row) => row.trimEnd());
}

// Where everything stands in a window: pure numbers, as large as the whole line is still seen.
export function arranged(line, width, height) {
  for (let scale = MOST_SCALE; scale > 1; scale -= 0.1) {
    const at = placed(line, width, scale);
    if (at.height * scale <= height && at.whole) return at;
  }
  return placed(line, width, 1);
}

function placed(line, width, scale) {
  const slot = line.buffers.some((buffer) => buffer.lanes.length) ? 68 : 52;
  const room = width / scale - 2 * EDGE;
  const fits = Math.floor(room / (BOX.least + slot));
  const bandsOf = Math.ceil(line.columns / Math.max(1, fits));
  const across = Math.ceil(line.columns / bandsOf);
  const box = Math.max(BOX.least, Math.min(BOX.most, Math.floor(room / across) - slot));
  const names = Object.fromEntries(line.stations.map((s) => [s.id, rowsOf(named(s.name), box - 12)]));
  const places = {};
  let top = 6;
  for (let from = 0; from < line.columns; from += across) {
    const band = line.stations.filter((s) => s.column >= from && s.column < from + across);
    const rows = [...new Set(band.map((s) => s.row))].sort((a, b) => a - b);
    for (const row of rows) {
      const inRow = band.filter((s) => s.row === row);
      const named = Math.max(...inRow.map((s) => names[s.id].length));
      const height = HEAD + named * ROW + Math.max(1, ...inRow.map(tilesOf)) * (TILE + 2) + FOOT;
      for (const station of inRow)
        places[station.id] = {
          x: EDGE + (station.column - from) * (box + slot), y: top, width: box, height,
          band: from / across, column: station.column, names: names[station.id],
          tiles: top + HEAD + named * ROW + 1,
        };
      top += height + GAP;
    }
    top += GUTTER;
  }
  const bottoms = {};
  for (const place of Object.values(places))
    bottoms[place.band] = Math.max(bottoms[place.band] ?? 0, place.y + place.height);
  return {
    places, bottoms, scale, slot, whole: fits > 0, width: EDGE * 2 + across * (box + slot), height: top,
  };
}

function barPlaces(line, at) {
  const used = {}, found = {};
  for (const buffer of line.buffers) {
    const source = buffer.from.map((id) => at.places[id])
      .reduce((best, place) => (!best || place.column > best.column ? place : best), null);
    const key = `${source.x},${source.y}`;
    const of = line.buffers.filter((other) => other.from.includes(
      line.stations.find((s) => at.places[s.id] === source).id));
    const number = used[key] = (used[key] ?? -1) + 1;
    const height = Math.min(BAR.height, Math.max(14, (source.height - 8) / Math.max(1, of.length) - 12));
    const step = height + 14;
    const middle = source.y + source.height / 2 + (number - (of.length - 1) / 2) * step;
    found[buffer.id] = {
      x: source.x + source.width + (at.slot - widthOf(buffer)) / 2, y: middle - height / 2,
      width: widthOf(buffer), height,
      band: source.band,
    };
  }
  return found;
}

function way(from, to, at) {
  const [x1, y1] = from, [x2, y2] = [to.x, to.y + to.height / 2];
  if (to.band === from[2] && x2 > x1 && x2 - x1 < at.slot)
    return y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}H${(x1 + x2) / 2}V${y2}H${x2}`;
  const under = at.bottoms[from[2]] + GAP / 2 + 2;
  return `M${x1} ${y1}h6V${under}H${x2 - 9}V${y2}H${x2}`;
}

export function drawMimic(line, width, height, href) {
  const at = arranged(line, width, height);
  const bars = barPlaces(line, at);
  const changers = [];
  const root = svg("svg", {
    class: "mimic", width: at.width * at.scale, height: at.height * at.scale,
    viewBox: `0 0 ${at.width} ${at.height}`, role: "group", "aria-label": `${t("line")} ${line.id}`,
  });
  root.append(svg("defs", {}, svg("marker", {
    id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto",
  }, svg("path", { d: "M0 0L8 4L0 8z", class: "arrow" }))));
  const ways = svg("g", { class: "ways" });
  for (const buffer of line.buffers) {
    const bar = bars[buffer.id], middle = bar.y + bar.height / 2;
    for (const id of buffer.from) {
      const p = at.places[id], y = p.y + p.height / 2;
      const near = p.band === bar.band && bar.x - (p.x + p.width) < at.slot;
      ways.append(svg("path", {
        d: near
          ? `M${p.x + p.width} ${y}h${(at.slot - bar.width) / 4}V${middle}H${bar.x}`
          : `M${p.x + p.width} ${y}h5V${at.bottoms[p.band] + GAP / 2 - 2}H${bar.x - 6}V${middle}H${bar.x}`,
      }));
    }
    for (const id of buffer.to) {
      const to = at.places[id];
      const back = line.station[id].column <= Math.max(...buffer.from.map((s) => line.station[s].column));
      ways.append(svg("path", {
        d: way([bar.x + bar.width, middle, bar.band], to, at), "marker-end": "url(#arrow)",
        class: back ? "back" : null,
      }));
    }
  }
  root.append(ways);
  for (const buffer of line.buffers) changers.push(drawBuffer(root, line, buffer, bars[buffer.id]));
  for (const station of line.stations)
    changers.push(drawStation(root, line, station, at.places[station.id], href(station)));
  return { root, changed: (read) => changers.forEach((change) => change(read)) };
}

function drawBuffer(root, line, buffer, at) {
  const title = svg("title");
  const label = svg("text", { x: at.x + at.width / 2, y: at.y + at.height + 10, class: "level" });
  const group = svg("g", { class: "buffer", role: "img" }, title);
  group.append(svg("rect", { x: at.x, y: at.y, width: at.width, height: at.height, class: "trough" }));
  const lanes = buffer.lanes.length ? buffer.lanes.map((lane) => `l/${lane}`) : [`b/${buffer.id}`];
  const wide = at.width / lanes.length;
  const most = buffer.lanes.length ? buffer.lane_capacity : buffer.capacity;
  const fills = lanes.map((key, i) => {
    const fill = svg("rect", {
      x: at.x + i * wide + (lanes.length > 1 ? 0.3 : 0), width: Math.max(0.8, wide - (lanes.length > 1 ? 0.6 : 0)),
      y: at.y + at.height, height: 0, class: "stock",
    });
    group.append(fill);
    return [key, fill];
  });
  group.append(label);
  root.append(group);
  let highest = 1;
  return (read) => {
    const level = read(`b/${buffer.id}`);
    if (level !== null && level !== undefined) highest = Math.max(highest, level);
    for (const [key, fill] of fills) {
      const now = read(key) ?? (lanes.length === 1 ? read(`k/${buffer.id}`)?.low : null);
      const share = now === null || now === undefined ? 0 : Math.min(1, now / (most || highest));
      setAttribute(fill, "height", (share * at.height).toFixed(1));
      setAttribute(fill, "y", (at.y + at.height * (1 - share)).toFixed(1));
      setAttribute(fill, "class", share >= 0.999 && most ? "stock full" : "stock");
    }
    const [basis, short, long] = levelText(line, level, read(`k/${buffer.id}`));
    setAttribute(group, "class", `buffer ${basis}`);
    setText(label, short);
    const of = buffer.capacity === null ? "" : ` / ${number(buffer.capacity)}`;
    const text = `${buffer.id}, ${named(buffer.name)}: ${long}${of}`;
    setText(title, text);
    setAttribute(group, "aria-label", text);
  };
}

// What a level rests on, how it is written at the bar, and in words.
function levelText(line, level, known) {
  const reported = level !== null && level !== undefined;
  if (known?.basis === "inferred") {
    const { low, high } = known;
    const about = low === high ? `≈${number(low)}`
      : high === null ? `≥${number(low)}` : `${number(low)}–${number(high)}`;
    return ["inferred", about, `${about} (${t("inferred")})`];
  }
  if (reported) return ["", number(level), number(level)];
  const before = known?.said_us ? `, ${t("last_known")} ${number(known.last)} ${clock(known.said_us, line.time_zone)}` : "";
  return ["unknown", "?", t("unknown") + before];
}

function drawStation(root, line, station, at, href) {
  const box = svg("rect", { x: at.x, y: at.y, width: at.width, height: at.height, rx: 5, class: "box" });
  const head = svg("rect", { x: at.x, y: at.y, width: at.width, height: 19, rx: 5, class: "head" });
  const share = svg("text", { x: at.x + at.width - 6, y: at.y + 14.5, class: "share" });
  const title = svg("title");
  const tiles = svg("g");
  const group = svg("a", { href, class: "station" }, title, box, head,
    svg("text", { x: at.x + 6, y: at.y + 14.5, class: "id" }, station.id), share,
    ...at.names.map((row, i) => svg("text", { x: at.x + 6, y: at.y + 31 + i * ROW, class: "name" }, row)), tiles);
  root.append(group);
  const single = station.machines.length <= MOST_TILES;
  const drawn = single ? station.machines.map((unit, i) => {
    const x = at.x + 6 + (i % ACROSS) * (TILE + 1.4), y = at.tiles + Math.floor(i / ACROSS) * (TILE + 2);
    const rect = svg("rect", { x, y, width: TILE, height: TILE, rx: 2 });
    const letter = svg("text", { x: x + TILE / 2, y: y + 11.5, class: "letter" });
    tiles.append(svg("g", {}, rect, letter));
    return { unit, rect, letter };
  }) : [];
  return (read) => {
    const sums = {};
    for (const unit of station.machines) {
      const letter = read(`m/${unit}`) ?? "?";
      sums[letter] = (sums[letter] ?? 0) + 1;
    }
    for (const one of drawn) {
      const letter = read(`m/${one.unit}`) ?? "?";
      setAttribute(one.rect, "class", stateClass(letter));
      setText(one.letter, letter);
      setAttribute(one.letter, "class", `letter on-${stateClass(letter)}`);
    }
    if (!single) countTiles(tiles, at, sums);
    const lead = read("line"), known = read(`s/${station.id}`);
    const bottleneck = lead?.slowest?.length === 1 && lead.slowest[0] === station.id;
    const unknown = sums["?"] === station.machines.length;
    setAttribute(group, "class", `station${bottleneck ? " bottleneck" : ""}${unknown ? " unknown" : ""}`);
    const waits = known?.waiting_share ?? null;
    setText(share, bottleneck ? t("bottleneck") : unknown ? `? ${t("unknown")}`
      : waits === null ? "" : `${t("waiting")} ${percent(waits, 0)}`);
    const words = ORDER.filter((letter) => sums[letter]).map((letter) => `${sums[letter]} ${stateWord(letter)}`);
    const text = `${station.id}, ${named(station.name)}: ${words.join(", ")}${
      bottleneck ? `; ${t("bottleneck_why")}` : ""}`;
    setText(title, text);
    setAttribute(group, "aria-label", text);
  };
}

// Too many machines for a tile each: a tile for each state with the number of machines in it.
function countTiles(tiles, at, sums) {
  const text = JSON.stringify(sums);
  if (tiles.dataset.text === text) return;
  tiles.dataset.text = text;
  const present = ORDER.filter((letter) => sums[letter]).slice(0, 6);
  tiles.replaceChildren(...present.map((letter, i) => {
    const x = at.x + 6 + (i % 3) * 38, y = at.tiles + Math.floor(i / 3) * (TILE + 2);
    return svg("g", {},
      svg("rect", { x, y, width: 36, height: TILE, rx: 2, class: stateClass(letter) }),
      svg("text", { x: x + 18, y: y + 11.5, class: `letter on-${stateClass(letter)}` }, `${sums[letter]}${letter}`));
  }));
}
