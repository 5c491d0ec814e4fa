/** Colours for code, loaded when the first block of code is complete. */
import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/common";

/** The code in coloured pieces, or undefined when nobody here knows the language. */
export function highlight(code: string, language: string): DocumentFragment | undefined {
  if (!hljs.getLanguage(language)) return undefined;
  const { value } = hljs.highlight(code, { language, ignoreIllegals: true });
  return DOMPurify.sanitize(value, {
    ALLOWED_TAGS: ["span"],
    ALLOWED_ATTR: ["class"],
    RETURN_DOM_FRAGMENT: true,
  });
}
