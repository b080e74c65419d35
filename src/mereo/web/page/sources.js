// How a photograph was opened, so that it can be opened again: what the service has let go of is sent to it anew.
import * as api from "./api.js";
import { isEdited } from "./edits.js";
import { colourSumsOf, drawnSmall } from "./layers.js";
import { prepared } from "./maps.js";
import { change, state, tell } from "./state.js";

const MOST_OPENED = 12, MEBIBYTE = 2 ** 20, THUMBNAIL_SIDE = 320;
let numFiles = 0;

// A source: a key that stays the same, a name, and `send`, which gives the photograph to a parser.
export function ofFile(file) {
  numFiles += 1;
  const send = async (parser, signal) => { await requireReadable(file); return api.parseFile(file, parser, signal); };
  return { key: "file " + numFiles, name: file.name, send };
}

export const ofFolder = (number, name) => ({
  key: "folder " + number, name, thumbnail: api.thumbnailOf(number),
  send: (parser, signal) => api.parseFolder(number, parser, signal),
});

const inMebibytes = (bytes) => (bytes / MEBIBYTE).toFixed(1) + " MiB";

// Sent unread, each of these would end as a service that does not answer.
async function requireReadable(file) {
  const most = state.service.limits.body_bytes;
  if (file.size > most) {
    throw new api.Refusal(file.name + " must have at most " + inMebibytes(most) + ", but got " + inMebibytes(file.size) + "; make it smaller, or put it into the studio's folder and open it from there.", 413);
  }
  const start = await file.slice(0, 1).arrayBuffer().catch(() => null);
  if (start === null) throw new api.Refusal(file.name + " could not be read; open a photograph that is still there, not a folder.", 400);
  if (!start.byteLength) throw new api.Refusal(file.name + " is empty; open a photograph, not a folder.", 400);
}

// The service knows no names of files, and makes some up for what it is sent; whoever opened one knows it by its own.
const saidOf = (name, asked) => asked.catch((error) => {
  if (error instanceof api.Refusal) error.message = error.message.replace(/\bupload-[0-9a-f]{12}\b/g, () => name);
  throw error;
});

async function parsed(source, parser, signal) {
  const known = state.opened.find((one) => one.source.key === source.key);
  if (known?.id) {
    try {
      return await api.parseAgain(known.id, parser, signal);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }
  return source.send(parser, signal);
}

async function decodedPicture(photograph, signal) {
  const picture = new Image();
  picture.src = api.pictureOf(photograph);
  await picture.decode().catch(() => {
    signal.throwIfAborted();
    throw new api.Refusal("The photograph did not come; open it again.", 0);
  });
  return picture;
}

// For its card: a few kilobytes, and no question to the service.
function thumbnailOf(picture) {
  const scale = Math.min(1, THUMBNAIL_SIDE / Math.max(picture.naturalWidth, picture.naturalHeight));
  const size = { width: Math.ceil(picture.naturalWidth * scale), height: Math.ceil(picture.naturalHeight * scale) };
  return drawnSmall(picture, size).toDataURL("image/jpeg", 0.82);
}

// All that is shown of a photograph, before anything of it is shown: of each parser a parse, with a picture of its own.
export async function parsesFrom(source, { parser, besideParser }, signal) {
  const answers = [await saidOf(source.name, parsed(source, parser, signal))];
  if (besideParser) answers.push(await saidOf(source.name, api.parseAgain(answers[0].photograph, besideParser, signal)));
  return Promise.all(answers.map(async (answer) => {
    const parse = { ...prepared(answer), name: source.name, source }, picture = await decodedPicture(parse.photograph, signal);
    if (parse.groups) parse.colourSums = colourSumsOf(picture, parse.groups);
    source.thumbnail ??= thumbnailOf(picture);
    return { parse, picture };
  }));
}

// Those that came together with one that is opened: their cards open them.
export const listUnopened = (sources) =>
  change({ opened: [...sources.map((source) => ({ id: null, source })), ...state.opened] });

export function remember({ photograph, source }) {
  const others = state.opened.filter((one) => one.source.key !== source.key);
  const opened = [{ id: photograph, source }, ...others];
  // Clicks and regions are of use only with their photograph; what was not opened yet was not looked at.
  change({ opened: opened.filter((one, at) => at < MOST_OPENED || !one.id || isEdited(one.source.key)) });
}

// A question about a photograph that the service may have let go of meanwhile: then it is sent anew, and asked once more.
export const askOf = (parse, question, signal) => saidOf(parse.name, askedOf(parse, question, signal));

async function askedOf(parse, question, signal) {
  try {
    return await question(parse.photograph);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  await sendAgain(parse, signal);
  return question(parse.photograph);
}

async function sendAgain(parse, signal) {
  const { photograph, source, parser, name } = parse, again = prepared(await source.send(parser, signal));
  // The same pixels have the same superpixels.
  const isSame = again.width === parse.width && again.height === parse.height
    && again.groups.map.values.every((value, at) => value === parse.groups.map.values[at]);
  if (!isSame) throw new api.Refusal(name + " has changed since it was opened; open it again.", 409);
  Object.assign(parse, again, { name });
  for (const one of [state.beside, state.heat, state.token]) if (one?.photograph === photograph) one.photograph = parse.photograph;
  change({ opened: state.opened.map((one) => (one.id === photograph ? { id: parse.photograph, source } : one)) });
  tell(["parse"]);
}
