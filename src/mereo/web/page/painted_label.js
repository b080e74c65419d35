// The label that regions paint: later ones over earlier ones.
import { chosenCodes, valueAt } from "./maps.js";

// The class of each superpixel's code, as the parse numbers its objects; -1 where nothing is painted.
export function paintedClasses(parse, regions) {
  const { classes } = parse.tasks.objects, painted = new Int32Array(parse.groups.pixelsOf.length).fill(-1);
  for (const region of regions) {
    const index = classes.indexOf(region.class);
    chosenCodes(parse, region.clicks).forEach((isChosen, code) => { if (isChosen) painted[code] = index; });
  }
  return painted;
}

export const paintedAt = (parse, regions, pixel) =>
  regions.length ? paintedClasses(parse, regions)[valueAt(parse.groups.map, parse, pixel)] : -1;

// [class, share of the photograph], the largest first.
export function paintedShares(parse, regions) {
  const shares = new Map(), { pixelsOf, map } = parse.groups;
  paintedClasses(parse, regions).forEach((index, code) => {
    if (index >= 0) shares.set(index, (shares.get(index) ?? 0) + pixelsOf[code] / map.values.length);
  });
  return [...shares].sort(([, one], [, other]) => other - one);
}
