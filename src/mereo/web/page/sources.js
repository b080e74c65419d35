// How a photograph was opened, so that it can be opened again: what the service has let go of is sent to it anew.
import * as api from "./api.js";
import { isEdited } from "./edits.js";
import { pixelsAt } from "./layers.js";
import { prepared } from "./maps.js";
import { change, state, tell } from "./state.js";

const MOST_OPENED = 12, MEBIBYTE = 2 ** 20;
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

async function parsed(source, parser, signal) {
  const known = state.opened.find((one) => one.source.key === source.key);
  if (known) {
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

// All that is shown of a photograph, before anything of it is shown: of each parser a parse, with a picture of its own.
export async function parsesFrom(source, { parser, besideParser }, signal) {
  const answers = [await parsed(source, parser, signal)];
  if (besideParser) answers.push(await api.parseAgain(answers[0].photograph, besideParser, signal));
  return Promise.all(answers.map(async (answer) => {
    // The service knows no names of files; whoever opened one does.
    const parse = { ...prepared(answer), name: source.name, source }, picture = await decodedPicture(parse.photograph, signal);
    if (parse.groups) parse.pixels = pixelsAt(picture, parse.groups.map);
    return { parse, picture };
  }));
}

export function remember({ photograph, source }) {
  const others = state.opened.filter((one) => one.source.key !== source.key);
  const opened = [{ id: photograph, source }, ...others];
  // Clicks and regions are of use only with their photograph.
  change({ opened: opened.filter((one, at) => at < MOST_OPENED || isEdited(one.source.key)) });
}

// A question about a photograph that the service may have let go of meanwhile: then it is sent anew, and asked once more.
export async function askOf(parse, question) {
  try {
    return await question(parse.photograph);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  await sendAgain(parse);
  return question(parse.photograph);
}

async function sendAgain(parse) {
  const { photograph, source, parser, name } = parse, again = prepared(await source.send(parser));
  // The same pixels have the same superpixels.
  const isSame = again.width === parse.width && again.height === parse.height
    && again.groups.map.values.every((value, at) => value === parse.groups.map.values[at]);
  if (!isSame) throw new api.Refusal(name + " has changed since it was opened; open it again.", 409);
  Object.assign(parse, again, { name });
  for (const one of [state.beside, state.heat, state.token]) if (one?.photograph === photograph) one.photograph = parse.photograph;
  change({ opened: state.opened.map((one) => (one.id === photograph ? { id: parse.photograph, source } : one)) });
  tell(["parse"]);
}
