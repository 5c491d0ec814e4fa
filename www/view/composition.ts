/**
 * Whether a key belongs to an input method that composes a word: Enter chooses the word then, and Escape leaves it.
 * Safari ends the composition before it tells of that key, which only the key's code shows.
 */
export function composes({ isComposing, keyCode }: Pick<KeyboardEvent, "isComposing" | "keyCode">): boolean {
  return isComposing || keyCode === 229;
}
