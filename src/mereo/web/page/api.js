// Every request of the page. Errors of the service are sentences; they are shown as they come.

export class Refusal extends Error {
  constructor(message, status) { super(message); this.status = status; }
}

const RETRIES = 3;

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

async function answered(path, options = {}) {
  for (let attempt = 0; ; attempt++) {
    let response;
    try {
      response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal("The studio does not answer; is mereo studio still running?", 0);
    }
    if (response.ok) return response;
    if (response.status === 429 && attempt < RETRIES) {
      await pause(Number(response.headers.get("Retry-After") || 1), options.signal);
      continue;
    }
    const told = await response.json().catch(() => ({}));
    options.signal?.throwIfAborted();
    throw new Refusal(told.error || "The studio answered with status " + response.status + ".", response.status);
  }
}

const inJson = (content, signal) => ({
  method: "POST", signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
});
const parameters = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined)).toString();

export const parsers = async () => (await answered("/v1/parsers")).json();
export const folder = async (start, count) => (await answered("/v1/folder?" + parameters({ start, count }))).json();
export const thumbnailOf = (number) => "/v1/folder/" + number + "/thumbnail";
export const pictureOf = (photograph) => "/v1/photographs/" + encodeURIComponent(photograph) + "/picture";

export const parseFile = async (file, parser, signal) =>
  (await answered("/v1/parse?" + parameters({ parser }), {
    method: "POST", signal, headers: { "Content-Type": file.type || "application/octet-stream" }, body: file,
  })).json();
export const parseFolder = async (number, parser, signal) =>
  (await answered("/v1/parse?" + parameters({ parser, folder: number }), { method: "POST", signal })).json();
export const parseAgain = async (photograph, parser, signal) =>
  (await answered("/v1/parse?" + parameters({ parser, photograph }), { method: "POST", signal })).json();

export const mask = async (content) => {
  const response = await answered("/v1/clicks", inJson(content));
  return content.format === "png" ? response.blob() : response.json();
};
export const why = async (content, signal) => (await answered("/v1/why", inJson(content, signal))).json();
export const tokens = async (content, signal) => (await answered("/v1/tokens", inJson(content, signal))).json();
export const find = async (content, signal) => (await answered("/v1/find", inJson(content, signal))).json();
export const saveLabels = async (content) => (await answered("/v1/labels", inJson(content))).json();
