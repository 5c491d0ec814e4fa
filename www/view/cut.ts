/** The beginning of a text, at most this many UTF-16 units of it, that ends with a whole character: no emoji is halved. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // A character is seldom longer than the margin, and then it is many in the eyes of those who read it.
  const begin = Math.max(0, most - MARGIN);
  const around = text.slice(begin, most + MARGIN);
  const at = new Intl.Segmenter().segment(around).containing(most - begin)?.index;
  if (at) return text.slice(0, begin + at);
  // One that is longer, such as people joined without end, is cut within, but not within a code point.
  const low = /[\udc00-\udfff]/.test(text[most] ?? "") && /[\ud800-\udbff]/.test(text[most - 1] ?? "");
  return text.slice(0, low ? most - 1 : most);
}

const MARGIN = 200;
