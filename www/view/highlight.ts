/** Colours for code, loaded when the first block of code is complete. */
import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/common";

/** Some languages take time that grows with the square of the text: longer code, or code with such a line, stays plain. */
const LONGEST = 8000;
const LONGEST_LINE = 1000;

/** The code in coloured pieces, or undefined when nobody here knows the language, or it would take the page too long. */
export function highlight(code: string, language: string): DocumentFragment | undefined {
  if (!hljs.getLanguage(language)) return undefined;
  if (code.length > LONGEST || code.split("\n").some((line) => line.length > LONGEST_LINE)) return undefined;
  const { value } = hljs.highlight(code, { language, ignoreIllegals: true });
  return DOMPurify.sanitize(value, {
    ALLOWED_TAGS: ["span"],
    ALLOWED_ATTR: ["class"],
    RETURN_DOM_FRAGMENT: true,
  });
}
