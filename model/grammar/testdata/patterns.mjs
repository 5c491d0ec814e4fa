// Writes patterns.json: which texts ECMAScript finds a match of which pattern in.
//
//   node patterns.mjs > patterns.json
//
// The patterns are of the kinds that Zod and Pydantic write, and that people write in schemas.
const patterns = String.raw`
^[a-z]+$
^\u0041\u{42}\x43$
^\cA\cz$
^[\cA-\cZ]$
^[\b]$
^\0$
\bfoo\b
^\bfoo
foo\b
\Bfoo
foo\B
^.*\bfoo\b.*$
\b\d+\b
^\w+\b.\b\w+$
(?:\b|_)a
^(?=.*[A-Z])(?=.*\d).{4,}$
^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[a-zA-Z\d]{3,8}$
^(?!foo)[a-z]*$
^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$
^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$
^(?:(?!foo).)*$
^((?!ab|c).)+$
^a(?=b)b$
^a(?!b).$
a(?=b)
a(?!b)
^(?=[a-f]{2})\w+
^(a(?=b)|b(?!a)){0,3}?x?$
^(?:(?:a|b(?=c))){2}c$
^(?=.{2,4}$)[a-z]+(?:-[a-z]+)?$
^(?!.*(?:admin|root)).+$
^(?!(?:true|false)$)\w+$
^x(?!.*x)
(?!a)b|^(?=c)cd
^$|^[0-9a-f]{4}$
^(?:[0-9a-zA-Z+/]{4})*(?:(?:[0-9a-zA-Z+/]{2}==)|(?:[0-9a-zA-Z+/]{3}=))?$
^[^\x00-\x1f]*$
^\s*\S+\s*$
^\S*$
^\p{Lu}\p{Ll}*$
^\P{L}+$
^\p{Script=Greek}+$
^\p{Letter}[\p{L}\p{Nd}_-]*$
^[\p{Lu}\d]$
^[^\p{L}]$
^[\w.-]+$
^[\d\-x]+$
^[a-c-]+$
^[]$
^[^]$
^.$
^[.]$
^\.$
^\/path\/?$
^a{2}$
^a{2,}$
^a{1,3}?$
^(a|bc){2,3}$
^(?<year>\d{4})-(?<month>0[1-9]|1[0-2])$
^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z))$
^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000)$
^[^A-Z]*$
^a.*
.*b$
ab
^ab|cd$
(^a|b$)
^(a|^b)c$
^a*^b$
^(?:a$|b)c?$
x$|^y
^\$\^\.\*\+\?\(\)\[\]\{\}\|\\\/$
^"quoted"\\$
^\t\n\v\f\r$
^[\t-\r]$
^\ud83d\ude42$
^[\ud83d\ude42-\ud83d\ude4f]$
^🙂+$
^[🙂é]$
^(?:[a-z]+(?:\b[-_]\b)?){1,2}$
^[A-Z]{2}\d{2}[ ]?(?:\w{4}[ ]?){1,7}\w{1,4}$
^(?=(?:.*\d){2})\w+$
^(?!.*\bnot\b)[a-z ]+$
^.{0,3}$
^(|a)b$
^(?:)$
(?:)
`.trim().split("\n");

const texts = [
  "", "a", "b", "c", "ab", "ac", "ba", "bc", "aa", "aaa", "aaaa", "abc", "abab", "abx", "bcx", "x", "y", "xx", "xyx", "A", "Z", "Ab", "AB", "ABC", "Éa", "é", "éa", "ß", "λόγος", "Λ",
  "foo", "foobar", "a foo", "a foo b", "afoo", "foo_", "foo-bar", "Foo1", "Abc1", "abc1", "A1b2", "passw0rD", "ABCDEFG12", "admin", "an admin x", "root", "true", "truest", "false",
  "1", "12", "a1", "1a", "a 1 b", "4-2", "-1", "+1.5", ".", "-", "+.", "1.", ".5", "0012", "..", "a..b@c.de", ".a@c.de", "a.b@c.de", "a@b", "x+y@sub.example.org",
  " ", " a ", "a b", "\u00a0", "a\u00a0", "\ufeff", "\t", "\n", "\r", "\t\n\v\f\r", "\u0001", "\u0001\u001a", "\b", "\0", "\u2028", "a\nb", "_a", "_", "a_b", "a-b", "a--b", "a_b-c", "x-1", "[", "]", "abcd",
  "dead", "0f", "beef", "TQ==", "TWE=", "TWFu", "TWFuTQ==", "TWF", "2024-02", "2024-13", "2024-02-29T10:00Z", "2023-02-29T10:00Z", "2023-02-28T23:59:59.123Z", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-92d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
  "/path", "/path/", "$^.*+?()[]{}|\\/", "\"quoted\"\\", "🙂", "🙂🙂", "🙃", "😀", "cd", "acd", "abcd ", "cde", "xcd", "ca", "bca", "bb", "ba b", "DE89 3704 0044 0532 0130 00", "GB33BUKB20201555555555", "this is not it", "nothing here", "knot", "h1", "h1h2",
];

const out = {};
for (const pattern of patterns) {
  const r = new RegExp(pattern, "u");
  out[pattern] = texts.filter((text) => r.test(text));
}
console.log(JSON.stringify({ texts, found: out }, null, 0).replaceAll('],"', '],\n"'));
