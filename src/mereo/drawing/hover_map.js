// Runs of (segment, length), each number in LEB128: written by hover_map.py.
function decodedRuns(hover) {
  if (!hover) return null;
  const [height, width, text] = hover;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const segments = new Uint32Array(height * width);
  let at = 0, position = 0;
  const number = () => {
    let value = 0, shift = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    const segment = number(), length = number();
    segments.fill(segment, position, position + length);
    position += length;
  }
  return { height, width, segments };
}
