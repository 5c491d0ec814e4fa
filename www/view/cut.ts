/** The beginning of a text, at most so many UTF-16 units of it, that ends with a whole character: no emoji is halved. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // A character is seldom longer than the margin, and then it is many in the eyes of those who read it.
  const begin = Math.max(0, most - MARGIN);
  const around = text.slice(begin, most + MARGIN);
  const at = new Intl.Segmenter().segment(around).containing(most - begin)?.index;
  return text.slice(0, begin + (at || most - begin));
}

const MARGIN = 200;
