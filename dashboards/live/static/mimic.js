// The mimic: a line's stations in bands as wide as the window, machines as tiles, buffers as bars.

import { setAttribute, setText, svg } from "/static/dom.js";
import { ORDER, stateClass, stateWord } from "/static/states.js";
import { named, number, percent, t } from "/static/words.js";

const BOX = 124, SLOT = 52, COLUMN = BOX + SLOT, TILE = 15, ACROSS = 7, HEAD = 36, FOOT = 20;
const MOST_TILES = 28, GAP = 26, GUTTER = 18, EDGE = 16, BAR = { width: 26, height: 40 };

const tilesOf = (station) =>
  station.machines.length <= MOST_TILES ? Math.ceil(station.machines.length / ACROSS) : 2;
const boxHeight = (rows) => HEAD + rows * (TILE + 2) + FOOT;

// Where everything stands for a window of some width: pure numbers.
export function arranged(line, width) {
  const scale = Math.min(2, Math.max(1, width / 1700));
  const room = width / scale - 2 * EDGE;
  const across = Math.max(1, Math.min(line.columns, Math.floor((room + SLOT / 2) / COLUMN)));
  const places = {};
  let top = 6;
  for (let from = 0; from < line.columns; from += across) {
    const band = line.stations.filter((s) => s.column >= from && s.column < from + across);
    const rows = [...new Set(band.map((s) => s.row))].sort((a, b) => a - b);
    for (const row of rows) {
      const inRow = band.filter((s) => s.row === row);
      const height = boxHeight(Math.max(1, ...inRow.map(tilesOf)));
      for (const station of inRow)
        places[station.id] = {
          x: EDGE + (station.column - from) * COLUMN, y: top, width: BOX, height,
          band: from / across, column: station.column,
        };
      top += height + GAP;
    }
    top += GUTTER;
  }
  const bottoms = {};
  for (const place of Object.values(places))
    bottoms[place.band] = Math.max(bottoms[place.band] ?? 0, place.y + place.height);
  return { places, bottoms, across, scale, width: EDGE * 2 + across * COLUMN, height: top };
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
      x: source.x + BOX + (SLOT - BAR.width) / 2, y: middle - height / 2, width: BAR.width, height,
      band: source.band,
    };
  }
  return found;
}

function way(from, to, at) {
  const [x1, y1] = from, [x2, y2] = [to.x, to.y + to.height / 2];
  if (to.band === from[2] && x2 > x1 && x2 - x1 < SLOT)
    return y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}H${(x1 + x2) / 2}V${y2}H${x2}`;
  const under = at.bottoms[from[2]] + GAP / 2 + 2;
  return `M${x1} ${y1}h6V${under}H${x2 - 9}V${y2}H${x2}`;
}

export function drawMimic(line, width, href) {
  const at = arranged(line, width);
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
      const near = p.band === bar.band && bar.x - (p.x + BOX) < SLOT;
      ways.append(svg("path", {
        d: near
          ? `M${p.x + BOX} ${y}h${(SLOT - BAR.width) / 4}V${middle}H${bar.x}`
          : `M${p.x + BOX} ${y}h5V${at.bottoms[p.band] + GAP / 2 - 2}H${bar.x - 6}V${middle}H${bar.x}`,
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
      const now = read(key);
      const share = now === null || now === undefined ? 0 : Math.min(1, now / (most || highest));
      setAttribute(fill, "height", (share * at.height).toFixed(1));
      setAttribute(fill, "y", (at.y + at.height * (1 - share)).toFixed(1));
      setAttribute(fill, "class", share >= 0.999 && most ? "stock full" : "stock");
    }
    const unknown = level === null || level === undefined;
    setAttribute(group, "class", unknown ? "buffer unknown" : "buffer");
    setText(label, unknown ? "?" : number(level));
    const of = buffer.capacity === null ? "" : ` / ${number(buffer.capacity)}`;
    const text = `${buffer.id}, ${named(buffer.name)}: ${unknown ? t("unknown") : number(level)}${of}`;
    setText(title, text);
    setAttribute(group, "aria-label", text);
  };
}

function drawStation(root, line, station, at, href) {
  const box = svg("rect", { x: at.x, y: at.y, width: at.width, height: at.height, rx: 5, class: "box" });
  const foot = svg("text", { x: at.x + 6, y: at.y + at.height - 6, class: "foot" });
  const title = svg("title");
  const tiles = svg("g");
  const name = named(station.name);
  const most = /[^\x00-\xff]/.test(name) ? 9 : 17;
  const cut = [...name].length > most ? `${[...name].slice(0, most - 1).join("").trimEnd()}…` : name;
  const group = svg("a", { href, class: "station" }, title, box,
    svg("text", { x: at.x + 6, y: at.y + 15, class: "id" }, station.id),
    svg("text", { x: at.x + 6, y: at.y + 29, class: "name" }, cut), tiles, foot);
  root.append(group);
  const single = station.machines.length <= MOST_TILES;
  const drawn = single ? station.machines.map((unit, i) => {
    const x = at.x + 6 + (i % ACROSS) * (TILE + 1.4), y = at.y + HEAD + Math.floor(i / ACROSS) * (TILE + 2);
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
    const share = known?.waiting_share;
    setText(foot, bottleneck ? `◀ ${t("bottleneck")}${share === null ? "" : ` ${percent(share, 0)}`}`
      : unknown ? `? ${t("unknown")}`
        : share === null || share === undefined ? "" : `${t("waiting")} ${percent(share, 0)}`);
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
    const x = at.x + 6 + (i % 3) * 38, y = at.y + HEAD + Math.floor(i / 3) * (TILE + 2);
    return svg("g", {},
      svg("rect", { x, y, width: 36, height: TILE, rx: 2, class: stateClass(letter) }),
      svg("text", { x: x + 18, y: y + 11.5, class: `letter on-${stateClass(letter)}` }, `${sums[letter]}${letter}`));
  }));
}
