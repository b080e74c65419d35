// Maps as the service sends them, and where a pixel of the photograph lies in them.

// Runs of (value, length), each number in LEB128.
export function decoded({ width, height, runs }) {
  const bytes = Uint8Array.from(atob(runs), (letter) => letter.charCodeAt(0));
  const values = new Uint32Array(width * height);
  let at = 0, position = 0;
  const number = () => {
    let value = 0, shift = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    const value = number(), length = number();
    values.fill(value, position, position + length);
    position += length;
  }
  return { width, height, values };
}

// The cell in which the middle of a pixel lies, along one axis.
export const place = (at, pixels, cells) => Math.floor(((2 * at + 1) * cells) / (2 * pixels));

export const valueAt = (map, parse, { x, y }) =>
  map.values[place(y, parse.height, map.height) * map.width + place(x, parse.width, map.width)];

// Things of a class are counted, the largest first, where there are several; ids of instances count all classes at once.
function numbered(segments) {
  const numbers = new Map();
  const counted = segments.map(({ name, instance_id: id }) => {
    if (id) numbers.set(name, (numbers.get(name) ?? 0) + 1);
    return id ? numbers.get(name) : 0;
  });
  return segments.map((segment, at) => ({ ...segment, number: numbers.get(segment.name) > 1 ? counted[at] : 0 }));
}

// A parse of the service with its maps decoded, and what the page counts once.
export function prepared(answer) {
  const tasks = {};
  for (const [name, task] of Object.entries(answer.tasks)) tasks[name] = { ...task, map: decoded(task.map) };
  const groups = answer.groups && {
    map: decoded(answer.groups.map),
    levels: answer.groups.levels.map((level) => ({ ...level, groups: Int32Array.from(level.groups) })),
  };
  if (groups) {
    groups.pixelsOf = new Float64Array(groups.levels[0].groups.length + 1);
    for (const code of groups.map.values) groups.pixelsOf[code] += 1;
  }
  return {
    ...answer, tasks, groups,
    segments: numbered(answer.segments),
    segmentMap: decoded(answer.segment_map),
    confidence: answer.confidence && { ...answer.confidence, map: decoded(answer.confidence.map) },
  };
}

// The group of a superpixel's code (its number plus one; 0 is none).
export const groupOf = (groups, code, level) => (code ? groups.levels[Math.min(level, groups.levels.length) - 1].groups[code - 1] : -1);

// That of a pixel of the photograph.
export const groupAt = (parse, pixel, level) => groupOf(parse.groups, valueAt(parse.groups.map, parse, pixel), level);

// Which codes the clicks choose, by the rule of interaction/clicks.py: a click reaches its group of its level; where
// several reach, the finest level counts, and of one level taking away.
export function chosenCodes(parse, clicks) {
  const { groups } = parse, chosen = new Uint8Array(groups.pixelsOf.length);
  const levels = [...new Set(clicks.map((one) => one.level))].sort((one, other) => other - one);
  for (const level of levels) {
    for (const adds of [true, false]) {
      const those = clicks.filter((one) => one.level === level && one.adds === adds);
      const reached = new Set(those.map((one) => groupAt(parse, one, level)));
      if (!reached.size) continue;
      for (let code = 1; code < chosen.length; code++) {
        if (reached.has(groupOf(groups, code, level))) chosen[code] = adds ? 1 : 0;
      }
    }
  }
  return chosen;
}

// The clicks with one more. It does away with those of its own level or finer ones that lie in its group, all of which
// it covers: the last click is the one that counts. What is not chosen then needs no click that takes it away.
export function withClick(parse, clicks, click) {
  const { level } = click, group = groupAt(parse, click, level);
  const others = clicks.filter((one) => one.level > level || groupAt(parse, one, level) !== group);
  const isNeeded = click.adds || chosenCodes(parse, others).some((isChosen, code) => isChosen && groupOf(parse.groups, code, level) === group);
  return isNeeded ? [...others, click] : others;
}

export function shareOf(parse, chosen) {
  let pixels = 0;
  chosen.forEach((isChosen, code) => { if (isChosen) pixels += parse.groups.pixelsOf[code]; });
  return pixels / parse.groups.map.values.length;
}

export const percent = (share) =>
  share <= 0 ? "0 %" : share < 0.001 ? "< 0.1 %" : share < 0.0995 ? (100 * share).toFixed(1) + " %" : (100 * share).toFixed(0) + " %";
