"""Short passages of real text, and questions that rules make from one of their sentences.

Only sentences that a strict pattern fits are asked about: who or what, then one verb of the table, then a plain rest. What stands at its end
(when, where, why) is peeled off and asked for. Better few sentences asked rightly than many garbled.
"""
import collections
import random as random_module
import re

from corpus import documents

from .lists import BOYS, CITIES, COLOURS, DAYS, GIRLS, MONTHS
from .passages import FRAMES, GIVEN, READ, UNKNOWN
from .phrasing import capital, lower_first, styled
from .rows import rows as rows_of

DOCUMENTS, CHARACTERS = 6000, 200000  # of a shard at most, and of each of them
UNKIND = re.compile(r"\b(kill|sex|porn|rape|rapist|suicid|murder|tortur|genital|massacre|sacrific|terror|slave|nigg|negr|savage|heathen|whore|prostitut|bastard|nazi|hitler|holocaust|genocid|execut|hang(ed|ing)\b|corpse|blood|slaughter|behead|whip|darky|darkies|squaw|redskin|injun|coolie|chinam|half-breed|mulatto|gips|gyps|jew|black (man|men|people|boy|woman)|white (man|men|people)|race\b|races\b|racial|cannibal|nud|naked|breast|abus|assault|incest|abort|drown|dead\b|died of|gun|shot\b|bomb|stab|hell\b|damn|devil|rum\b|whisky|drunk|opium|cocaine|heroin|hate)", re.I)


def verbs():
    """Base forms by past forms, and the participles."""
    base, participles = {}, set()
    for row in (line[0].split() for line in rows_of("verbs")):
        if len(row) == 3:
            base[row[1]] = row[0]
            participles.add(row[2])
        else:
            for verb in row:
                past = verb + "d" if verb.endswith("e") else verb[:-1] + "ied" if re.search("[^aeiou]y$", verb) else verb + "ed"
                base[past] = verb
                participles.add(past)
    for verb in "stop plan drop slip step beg nod grab chop clap wrap trap tap trip hug rub fit admit permit refer occur prefer transfer travel control commit submit ship spot skip stir pin grin hop".split():
        past = verb + ("led" if verb == "travel" else verb[-1] + "ed")
        base[past] = verb
        participles.add(past)
    base.update(traveled="travel")
    participles.add("traveled")
    for past in ("put", "cut", "set", "been", "was"):
        base.pop(past, None)
    return base, participles


PAST, PARTICIPLES = verbs()
PRESENT = {form: base for form, base in [line.split() for line in """contains contain|includes include|consists consist|lives live|belongs belong|produces produce|provides provide|eats eat|covers cover|occurs occur|begins begin|remains remain|requires require|describes describe|represents represent|depends depend|becomes become|receives receive|protects protect|prevents prevent|connects connect|allows allow|causes cause|exists exist|includes include|involves involve|stands stand|flows flow|grows grow|lies lie""".split("|")]}
AUX = {"is", "are", "was", "were", "can", "could", "will", "would", "must", "may", "might", "should", "has", "have", "had"}
ADVERBS = {"also", "then", "soon", "often", "usually", "always", "once", "still", "now", "later", "first", "sometimes", "finally", "at", "once", "already", "both", "even", "just", "again", "too", "later", "subsequently", "originally", "generally"}
NEGATIVE = re.compile(r"\b(not|never|no|nor|neither|none|nothing|nobody|hardly|scarcely|few|n't|however|therefore|thus)\b")
LINKS = {"who", "which", "that", "when", "because", "and", "but", "as", "while", "where", "if", "after", "before", "until", "since", "so", "than", "what", "how", "whom", "whose", "although", "though", "or", "for", "till", "whether"}
VAGUE = re.compile(r"\b(it|they|them|him|these|those|this|that|there|here|such|I|we|us|me|you|my|our|your|one|ones|former|latter|above|below|following|same|other|others|another|do|did|does|latter|respectively|thing|things|so|own|it's)\b", re.I)
HEADLESS = {"most", "some", "many", "few", "several", "all", "both", "one", "two", "three", "four", "five", "each", "every", "any", "much", "more", "another", "other", "others", "such", "there", "here", "it", "they", "we", "i", "you", "he", "she", "this", "these", "those", "that", "what", "who", "which", "none", "nobody", "nothing", "everyone", "everything", "everybody", "someone", "somebody", "anyone", "something", "people", "part", "half", "only", "not", "no", "if", "when", "while", "as", "because", "although", "though"}
PREPOSITIONS = set("in on at by to from for with about into over under after before between during through against among within without near upon since until as like than off out up down behind beside beyond across along around toward towards via per".split())
TITLES = "Mr. Mrs. Miss Dr. Captain King Queen Sir Lady Lord Prince Princess Professor President Uncle Aunt Pope Emperor Saint".split()
PERSONS = set("man woman boy girl king queen doctor mother father brother sister uncle aunt son daughter wife husband teacher captain sailor farmer prince princess soldier emperor bishop pope president minister author writer poet painter composer child lady gentleman fisherman miller shepherd hunter servant cook baker lad stranger professor lawyer judge priest monk governor general actor actress singer scientist philosopher engineer architect guide boatman innkeeper blacksmith nurse traveller traveler mayor director editor inventor knight duke baron squire colonel major lieutenant sergeant policeman magician widow grandmother grandfather cousin nephew niece maid driver coachman steward mate giant witch wizard fairy".split())
NOT_PERSONS = set("company city town river house ship train church school village museum country state castle bridge road building island lake mountain sea forest garden film book novel song album series show game team club group band government army parliament university college empire kingdom party war battle treaty law name word term language species plant tree animal bird fish dog cat horse cow sun moon earth star planet system process machine engine car boat door window room table tower wall station line route airport port harbour harbor capital area region province district county population economy climate temperature project program programme computer device network organization organisation institution society council court bank fund system method theory law idea story play opera poem magazine newspaper journal website letter box bag key clock bell fire light road path street square park temple palace hall library hospital hotel shop store market farm mill mine factory canal railway tunnel dam valley hill cave coast beach bay ocean desert plain wind storm rain snow".split())
CALLED = "film book novel song album series game team club group band company city town river house ship species bridge church castle museum school university island lake village machine device word language newspaper magazine building tower temple palace station canal railway instrument animal plant bird dog cat horse".split()
NUMBER = r"(?:[Oo]ver |[Aa]bout |[Aa]round |[Mm]ore than |[Nn]early |[Aa]lmost )?(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|a hundred|\d{1,3}(?:,\d{3})*)"
COUNTRIES = [row[0] for row in rows_of("countries")]
KNOWN = [COUNTRIES, CITIES + [row[0] for row in rows_of("cities")], [row[0] for row in rows_of("states")]]
PLACES = {name for names in KNOWN for name in names} | {"Europe", "Asia", "Africa", "North America", "South America", "the United States", "the United Kingdom", "England", "Scotland", "Wales", "the Netherlands", "Antarctica", "Russia", "Britain", "Great Britain", "the Philippines"}
MONTH = "(?:" + "|".join(MONTHS) + ")"
TIMES = re.compile(r"(?i:^| )((?:in|since|by|until|from) (?:early |late |the (?:spring|summer|autumn|winter) of )?(?:" + MONTH + r" )?\d{4}|on \d{1,2} " + MONTH + r"(?: \d{4})?|on " + MONTH + r" \d{1,2}(?:, \d{4})?|in " + MONTH + r"|(?:in|during) the (?:early |late |mid-)?(?:\d{3,4}s|\d\d?(?:th|st|nd|rd) century|(?:nine|eigh|seven|six|fif|four|thir)teenth century|twentieth century|Middle Ages)|in (?:spring|summer|autumn|winter)|(?:at|by) (?:night|dawn|noon|midnight|sunrise|sunset|daybreak)|in the (?:morning|evening|afternoon|night|spring|summer|autumn|winter)|(?:that|the next|the following|the same|one|every|early next|next|early the next) (?:morning|evening|night|day|afternoon|summer|winter|spring)|on (?:" + "|".join(DAYS) + r")|last (?:year|night|week)|during (?:the )?(?:World War I+|(?:First|Second) World War|Civil War|summer|winter|night|storm|day)|after (?:breakfast|dinner|supper|lunch|tea|the war)|before (?:breakfast|dinner|supper|lunch|the war))$")
LASTED = re.compile(r" (for (?:" + NUMBER + r"|many|several|some|a few|a) (?:long )?(?:time|while|year|month|week|day|moment|hour|years|days|hours|months|weeks|minutes|miles|decades))$")
SPOTS = "garden house forest wood woods kitchen room hall barn boat cave church castle river lake sea village town city street road tree table door window fire bed field hill mountain valley park school station bridge shore beach island hotel inn yard library palace cabin camp stable mill tower cellar attic harbour ship train market square meadow orchard shop courtyard".split()
WHERE = re.compile(r" ((?:in|at|near|to|from|on|into|through|outside|inside|under|behind|beside|by|along|across|towards) (?:(?:the|a|an|his|her) (?:(?:old|little|great|big|small|dark|next|front|back|open|green|tall|narrow|royal|nearby|upper|lower|north|south|east|west) )?(?:" + "|".join(SPOTS) + r")|(?:north|south|east|west|northern|southern|eastern|western|central)?(?:^| )?(?:the )?[A-Z][a-zéüöä'’-]+(?: [A-Z][a-zéüöä-]+){0,2}(?:, [A-Z][a-z]+(?: [A-Z][a-z]+)?)?))$")
WHY = re.compile(r",? (because (?!of)[a-z].{8,70}|because of .{6,50}|due to .{6,50}|in order to [a-z]+ .{3,60}|so that [a-z]+ .{8,60})$")
MOVING = {"went", "came", "ran", "stopped", "returned", "travelled", "moved", "hurried", "sailed", "climbed", "walked", "turned", "rose", "stayed", "waited", "left", "paused", "knelt", "sat"}
PURPOSE = re.compile(r" (to (" + "|".join(sorted(set(PAST.values()))) + r")\b .{4,60})$")
STRANDED = {tuple(pair.split()) for pair in "made of|made from|made up of|composed of|known as|known for|famous for|named after|used for|used as|used in|used to|based on|derived from|divided into|covered with|covered by|filled with|surrounded by|replaced by|caused by|followed by|related to|connected to|similar to|responsible for|part of|home to|turned into|converted into|limited to|dedicated to|inspired by|influenced by|called after|full of|rich in|interested in|fond of|proud of|afraid of|tired of|armed with|decorated with|equipped with|lined with|built of|carved from|characterized by|awarded for|renamed to|accompanied by|protected by|powered by".split("|")}
BY = {"written", "founded", "built", "designed", "invented", "discovered", "painted", "directed", "created", "composed", "owned", "led", "established", "married", "published", "introduced", "developed", "produced", "helped", "found", "met", "ruled", "won", "taken", "captured", "raised", "described", "named", "proposed", "opened", "rescued", "saved", "carried", "brought", "awakened"}
OBJECTS = set("attended built wrote founded published created designed invented discovered painted produced released won received sold bought found lost made took carried held opened closed saw heard ate drank wore brought sent kept broke caught drew taught learned studied owned used played joined established introduced developed formed signed crossed reached entered climbed visited followed collected cleaned hid stole threw noticed watched picked lifted pulled pushed dropped grabbed examined cooked prepared contains includes produces provides covers requires protects gained gave showed raised provided increased reduced caused required wanted needed loved liked enjoyed remembered forgot saved destroyed attacked defended conquered captured occupied invaded defeated passed adopted accepted declared announced ended began started completed finished earned spent paid filled grew planted rode drove rang shook struck touched smelled tasted washed wiped tied tore wrapped locked counted got had".split()) - {"had", "got"}


class Text:
    """One document: its title, who is named in it, its paragraphs."""

    def __init__(self, title, people, paragraphs, person):
        self.title, self.people, self.paragraphs, self.person = title, people, paragraphs, person


def plain(paragraph):
    return 120 < len(paragraph) < 2200 and not re.search(r'["“”()\[\]{}|=*_#~<>\\/@^…]|\.\.|‘|[^\x00-\xff—–’]', paragraph)


def load(shards, seed=0):
    """The books and the articles, each cut to plain paragraphs; and the words that stand in small letters, too, so that they are no names."""
    found, counts = ([], []), collections.Counter()
    random = random_module.Random(seed)
    for shard in shards:
        all_ = list(documents(shard))
        for document in random.sample(all_, min(DOCUMENTS, len(all_))):
            text = document["text"]
            if len(text) > CHARACTERS:
                start = random.randrange(len(text) // 50, len(text) - CHARACTERS + 1) if len(text) // 50 < len(text) - CHARACTERS else 0
                text = text[start:start + CHARACTERS]
            book = "title" not in document
            paragraphs = [re.sub(r"\s+", " ", p).strip() for p in re.split(r"\n\n" if book else r"\n", text)]
            paragraphs = [p for p in paragraphs if plain(p) and p[0].isupper()]
            if len(paragraphs) < 2:
                continue
            if random.random() < 0.2:
                counts.update(re.findall(r"(?<![.!?] )\b[a-z]+\b", text[:20000]))
            title = "" if book else re.sub(r" \(.*|,.*", "", document["title"])
            people = collections.Counter(re.findall(r"\b(?:said|cried|asked|replied|answered|exclaimed) ([A-Z][a-z]+)\b", text)) if book else {}
            people = {name for name, number in people.items() if number > 2}
            pronouns = len(re.findall(r"\b(?:he|she|his|her)\b", text, re.I))
            person = not book and pronouns > 12 and bool(re.search(r"\b" + re.escape(title.split()[-1]) + r" (?:was born|married|died|graduated)\b", text)) and not title.startswith("The ") and " of " not in title
            found[0 if book else 1].append(Text(title, people, paragraphs, person))
    small = {word for word, number in counts.items() if number > 1}
    return Texts([[(t, i) for t in texts for i in range(len(t.paragraphs))] for texts in found if texts], small)


ABBREVIATED = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Col|Capt|Lt|Sgt|Rev|vs|etc|No|Mt|Inc|Co|Ltd|Bros|ca|Ave|Vol|Fig|Jan|Feb|Aug|Sept|Oct|Nov|Dec|[A-Z])\.$")


def sentences(paragraph):
    found = []
    for piece in re.split(r"(?<=[a-z0-9’'A-Z][.!?]) (?=[A-Z])", paragraph):
        if found and ABBREVIATED.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


OBJECT = re.compile(r"((?:an?|the|his|her|two|three|four|five|six|several|many|some) (?:[a-z'-]+ ){0,3}?[a-z'-]+(?: of (?:the |a |an |his |her )?(?:[a-z-]+ )?[A-Za-z-]+)?|[A-Z][a-z]+(?: (?:[A-Z][a-z]+|of|the))*)(|(?: (?:" + "|".join(sorted(PREPOSITIONS - {"of", "than", "like", "as", "off", "out", "up", "down", "via", "per"})) + r") [A-Za-z' -]+))$")
MOTION = set("went came ran walked moved travelled traveled returned sailed hurried climbed rode flew marched fled drove crept wandered rushed escaped retired retreated advanced".split())
GOES = re.compile(r"(back |home |out |up |down |away |quickly |slowly |straight )?((?:to|into|towards?|through|across|from|up|down|over) (?:the|a|an|his|her|[A-Z][a-z]+)(?: [A-Za-z'-]+){0,6})$")
RESTING = set("stood sat lay lived hung slept stayed lies stands lives".split())
SEATED = "located situated born buried standing sitting lying seated living hidden".split()
RESTS = re.compile(r"(?:(?:" + "|".join(SEATED) + r") )?(?:in|on|at|under|near|behind|beside|between|along|by|above|upon|against|outside|inside|within) (?:the|a|an|his|her|[A-Z][a-z]+)(?: [A-Za-z',-]+){0,9}$")
HOW = re.compile(r" (by (?!(?:king|evening|morning|being|having)\b)[a-z]+ing [A-Za-z' -]{4,60})$")


LINKED = re.compile(r",|\b(?:" + "|".join(sorted(LINKS - {"for"})) + r")\b")


COUNTED = re.compile(r"(?:" + NUMBER.replace("(?:two", "(?:[Tt]wo").replace("|t", "|[Tt]").replace("|f", "|[Ff]").replace("|s", "|[Ss]").replace("|e", "|[Ee]").replace("|n", "|[Nn]").replace("|a h", "|[Aa] h") + r") (?:(?:[a-z-]+) )?(?:[a-z]{3,}s|people|children|men|women)$")
LONG = re.compile(r"((?:about |around |over |nearly |almost |more than )?(?:[\d,.]+|[a-z-]+) (?:km|kilometres|kilometers|miles|metres|meters|m|feet|ft|inches|yards|cm|years)) (long|high|tall|wide|deep|old|thick|broad)$")


class Asked:
    """What is known of one sentence: who or what (s), its verb (v), the base form behind did or does (b), the rest (r), and what was peeled off."""

    def __init__(self, s, v, aux, b, r, person, plural, peeled, lead, sure):
        self.s, self.v, self.aux, self.b, self.r, self.person, self.plural, self.peeled, self.lead, self.sure = s, v, aux, b, r, person, plural, peeled, lead, sure
        self.mid = s[0].lower() + s[1:] if s.split()[0] in ("The", "A", "An", "His", "Her") or COUNTED.match(s) else s
        self.plain = bool(r is not None) and not LINKED.search(r) and len(r.split()) < 10 and sum(w in PAST and w not in PARTICIPLES or w in AUX for w in r.split()) == 0

    def after(self, rest=None):
        """The question's words behind when, where, why."""
        rest = self.r if rest is None else rest
        return " ".join(f"{self.aux} {self.mid} {self.b} {rest}".split())

    def says(self, more="", rest=None):
        rest = self.r if rest is None else rest
        return " ".join(f"{self.s} {self.v} {rest} {more}".split()) + "."


CLAUSE = re.compile(r"(((?:In|On|At|By|After|During) [^,]{3,30},)?(.{14,}?))(?:, (?:and|but|while|where|which|who|so|although|when|because|then|[a-z]+ing)\b| and (?:" + "|".join(p for p in PAST if p not in ("had", "left")) + r")\b)")


class Reader:
    def __init__(self, small):
        self.small = small

    def subject(self, tokens, text, he, she):
        """Who or what, as words; whether it is a person; whether there are several. None where that is not sure."""
        if not tokens or len(tokens) > 6 or any(t.endswith(",") for t in tokens):
            return None
        first = tokens[0]
        joined = " ".join(tokens)
        if first in ("He", "She") and len(tokens) == 1:
            name = he if first == "He" else she
            return (name, True, False) if name else None
        if first in ("His", "Her") and len(tokens) < 4 and all(t.islower() for t in tokens[1:]) and len(tokens) > 1:
            name = he if first == "His" else she
            if not name:
                return None
            return (name + "'s " + " ".join(tokens[1:]), tokens[-1] in PERSONS, tokens[-1].endswith("s")) if tokens[-1] in PERSONS | NOT_PERSONS else None
        if first in ("The", "A", "An"):
            inner = tokens[1:]
            if "of" in inner and inner.index("of") == len(inner) - 1:
                return None
            head = inner[:inner.index("of")] if "of" in inner else inner
            if not head or any(not re.fullmatch(r"[A-Za-zé'’-]+", t) for t in inner):
                return None
            if any(t in PREPOSITIONS or t in LINKS or t in PAST or t in AUX or t in PARTICIPLES or t.endswith("ing") and t != head[-1] or t.endswith("ly") for t in inner) or re.search("ed$", head[-1]):
                return None
            noun = head[-1]
            if noun in ("first", "second", "third", "last", "two", "three", "result", "latter", "former", "same", "other", "others", "most", "number", "rest", "majority", "few", "old", "following", "best", "only", "one", "ones", "more", "next", "whole", "way", "fact", "reason", "thing", "things", "poor", "time", "day", "year"):
                return None
            person = noun in PERSONS or noun.rstrip("s") in PERSONS or noun == "men"
            return joined, person if person or noun in NOT_PERSONS or noun.endswith("s") and noun[:-1] in NOT_PERSONS or noun.islower() and re.search("(tion|ment|ship|ism|ity|ness|ure|age)s?$", noun) else None, noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
        if COUNTED.match(joined):
            return None if any(t in PREPOSITIONS or t in PAST or t in AUX or t in PARTICIPLES for t in tokens) else (joined, True if tokens[-1] in ("men", "women", "children", "people") or tokens[-1][:-1] in PERSONS else None, True)
        owner = re.fullmatch(r"([A-Z][a-z]+)['’]s ((?:[a-z]+ )?[a-z]+)", joined)
        if owner:
            noun = tokens[-1]
            if noun in PREPOSITIONS or noun in PARTICIPLES or noun in PAST or noun in ADVERBS or noun.endswith(("ing", "ly")) or owner[1] in ("It", "That", "There", "Let", "What", "Here", "Who", "One") or owner[1].lower() in self.small and owner[1] not in NAMED:
                return None
            return joined, noun in PERSONS or None if noun not in NOT_PERSONS else False, noun.endswith("s")
        # A name: words in capitals, one "of" or "the" between.
        if not all(re.fullmatch(r"[A-Z][a-zA-Zéüöäèçñ'’-]+|of|the|and|Mr\.|Mrs\.|Dr\.|St\.|[A-Z]\.", t) for t in tokens) or tokens[-1] in ("of", "the", "and") or not first[0].isupper():
            return None
        if "and" in tokens:
            left, right = joined.split(" and ", 1) if joined.count(" and ") == 1 else ("", "")
            if self.who(left, text) and self.who(right, text):
                return joined, True, True
            return None
        if first.lower() in HEADLESS or first.lower() in self.small and first not in NAMED and first not in TITLES and joined != text.title:
            return None
        if any("'" in t or "’" in t for t in tokens):
            return None
        if self.who(joined, text):
            return joined, True, False
        if joined == text.title and not text.person:
            return joined, False, False
        if joined in PLACES:
            return joined, False, False
        return (joined, None, False) if len(tokens) > 1 or not text.title else None

    def who(self, name, text):
        """Whether this names a person."""
        parts = name.split()
        if not parts or not all(p[0].isupper() for p in parts) or name in PLACES:
            return False
        if text.person and (name == text.title or name == text.title.split()[-1]):
            return True
        if parts[0] in TITLES and len(parts) > 1 or name in text.people:
            return True
        return parts[0] in NAMED and parts[0].lower() not in self.small and (len(parts) == 2 and bool(text.title) and parts[1] not in NOT_SURNAMES or len(parts) == 1 and not text.title)

    def parse(self, sentence, text, he, she):
        """The sentence, or else its first clause, as Asked; None where the pattern does not fit."""
        got = self.whole(sentence, text, he, she)
        if not got:
            found = CLAUSE.match(sentence)
            if found and "," not in found[3]:
                got = self.whole(found[1] + ".", text, he, she)
        return got

    def whole(self, sentence, text, he, she):
        if not sentence.endswith(".") or not 3 < len(sentence.split()) < 27 or NEGATIVE.search(sentence.split(" because ")[0]):
            return None
        body, lead = sentence[:-1], None
        found = re.match(r"([A-Z][^,]{3,32}), (.*)$", body)
        if found and re.match(r"(In|On|At|During|By|After|That|The next|One|Before|The following)\b", found[1]):
            when = found[1][0].lower() + found[1][1:]
            place = re.sub("^in ", "", when) in PLACES
            if not place and (not TIMES.search(" " + when) or TIMES.search(" " + when)[1] != when):
                return None
            lead, body = when, found[2]
            body = body[0].upper() + body[1:] if re.match(r"(the|a|an|he|she|his|her) ", body) else body
        tokens = body.split(" ")
        for n, token in enumerate(tokens[:8]):
            if n and (token in AUX or token in PAST or token in PRESENT):
                break
        else:
            return None
        head = tokens[:n]
        adverb = ""
        if len(head) > 1 and (head[-1] in ADVERBS or re.search("[a-z]{3}ly$", head[-1])) and head[-1] not in ("family",):
            adverb = head.pop()
        made = self.subject(head, text, he, she)
        if not made:
            return None
        s, person, plural = made
        v, rest = tokens[n], tokens[n + 1:]
        if not rest or len(rest) > 20 or v == "used" and rest[0] == "to":
            return None
        nxt = next((t for t in rest[:3] if t not in ADVERBS and not t.endswith("ly")), "")
        if v in ("had", "has", "have") and nxt not in PARTICIPLES | {"been", "become"}:
            if nxt in ("to", "had") or nxt.endswith("ed") or nxt in PAST:
                return None
            aux, b = {"had": "did", "has": "does", "have": "do"}[v], "have"
        elif v in AUX:
            aux, b = v, ""
        elif v in PAST:
            aux, b = "did", PAST[v]
        else:
            aux, b = "does", PRESENT[v]
            if plural:
                return None
        sure = v in AUX or v in PRESENT or v not in PARTICIPLES
        if v in ("could", "would", "might", "should", "may", "must") and aux == v and nxt in ("have", "be") and v in ("would", "might", "should", "may"):
            return None
        linked, joins = False, 0
        for n, t in enumerate(rest):
            bare = t.rstrip(",")
            if bare in LINKS:
                linked = True
            elif not linked and n > 1 and (bare in AUX or bare in PAST and not (sure and bare in PARTICIPLES) or bare in PRESENT and n > 3):
                return None
        if v in PAST and not v in AUX and re.match(r"by\b|in\b|from\b", rest[0]) and v in PARTICIPLES and PAST[v] in TRANSITIVE:
            return None  # "the house built in 1920 ..."
        tail = " " + " ".join(rest)
        peeled = []
        for _ in range(3):
            for kind, pattern in (("time", TIMES), ("why", WHY), ("long", LASTED), ("where", WHERE)):
                got = pattern.search(tail)
                if got and got.start() > 0 - (kind == "where" or kind == "time" or kind == "long") and kind not in [k for k, _ in peeled]:
                    if kind == "where" and not self.place(got[1], tail[:got.start()], v):
                        continue
                    peeled.append((kind, got[1]))
                    tail = tail[:got.start()]
                    break
            else:
                break
        if v in MOVING and not any(k == "why" for k, _ in peeled):
            got = PURPOSE.search(tail)
            if got:
                peeled.append(("why", got[1]))
                tail = tail[:got.start()]
        tail = tail.strip()
        if adverb:
            if v in AUX and not b:
                tail = (adverb + " " + tail).strip()
            else:
                v = adverb + " " + v
                b = adverb + " " + b
        return Asked(s, v, aux, b, tail, person, plural, peeled, lead, sure)

    def place(self, phrase, before, v):
        """Whether in Xyz says where something is or happens."""
        name = re.sub(r"^\w+ (?:(?:north|south|east|west)(?:ern)? |central )?", "", phrase)
        last = before.split()[-1] if before.split() else ""
        if last in LINKS or last in PREPOSITIONS or last == "of" or v in ("believed", "resulted", "engaged"):
            return False
        if name.split()[0] in ("the", "a", "an", "his", "her") and name.split()[-1] in SPOTS:
            return phrase.split()[0] not in ("from", "by", "to", "into", "through", "along", "across", "towards") and (not before.split() or len(before.split()) < 5)
        if name.split(",")[0] in PLACES:
            return phrase.split()[0] in ("in", "at", "near") and not re.search(r"\b(?:of|for|with|than|to|war|king|queen|mayor|interest)\b", before, re.I)
        return phrase.split()[0] in ("in", "at", "near") and name.split()[0] not in NOT_PLACES and last in PLACED


NAMED = set(GIRLS + BOYS) - {"May", "Grace", "Hope", "Ivy", "Joy", "Rose", "June", "Pearl", "Ada", "Mark", "Florian", "Georgia", "Paris", "Charlotte", "Victoria", "Will", "Bill", "Grant", "Violet", "Daisy", "Holly", "Lily", "Jean", "Clara"}
NOT_SURNAMES = set("College University Street River Island Bay County City School Church Castle House Park Lake Mountain Company Museum Hall Award Prize War Airport Islands Ocean Sea Valley Station Records Theatre Theater Award Awards Cup Trophy Bridge Beach Cathedral Hill Hospital Library Palace Foundation Institute Society Center Centre Building Square".split())
NOT_PLACES = set(MONTHS + DAYS + "English French German Latin Greek Spanish Italian Congress Parliament Christianity Islam God Christ He She It The World Old New Middle Buddhism Catholic Protestant Arabic Hebrew Chinese Japanese Russian Roman Hinduism Earth".split()) - {"New"}
PLACED = {"lived", "born", "arrived", "settled", "held", "located", "situated", "built", "live", "lives", "worked", "stayed", "educated", "raised", "buried", "opened", "founded", "stands", "grew up", "published", "produced", "made", "staged", "performed", "stopped", "landed", "found", "studied", "taught", "living", "school", "it", "up"}
TRANSITIVE = {PAST.get(v, v) for v in OBJECTS} | set(PAST.values()) - set("be become begin come go fall fly rise run sit sleep stand live arrive die happen remain return retire walk work travel stay swim wait appear disappear emerge belong exist consist hurry sail climb turn smile laugh nod".split())


def singular(v):
    """The verb behind who or what."""
    return {"were": "was", "are": "is", "have": "has"}.get(v, v)


def peel(phrase):
    """in 1970: 1970"""
    return re.sub(r"^(?:in|on|since|by|until|from) ", "", phrase)


def pick(random, *forms):
    return random.choice(forms)


def short_or_long(random, short, long):
    """A bare phrase about half of the time."""
    short = capital(short.rstrip("."))
    return short + "." if random.random() < 0.5 or len(long.split()) > 16 else long


def ask(random, reader, sentence, text, he, she, passage):
    """All questions that the rules find for a sentence: (its kind, question, answer, the words that the answer stands on)."""
    got = []
    a = reader.parse(sentence, text, he, she)
    patterns(random, sentence, text, passage, got)
    if not a:
        return got
    full = " ".join([a.r] + [p for _, p in reversed(a.peeled)])
    if VAGUE.search(a.r) or len(full.split()) > 18:
        return got
    peeled = list(a.peeled)
    if a.lead:
        kind = "where" if re.sub("^in ", "", a.lead) in PLACES else "time"
        if not any(k == kind for k, _ in peeled):
            peeled.append((kind, a.lead))
    behind = " " + " ".join(p for _, p in reversed(a.peeled)) if a.peeled else ""
    clean = not any(k != "why" and VAGUE.search(p) or re.search(r"\b(?:he|she|it|they)\b", p) and k != "why" for k, p in peeled)
    if a.plain and clean:
        simple = not re.search(r"\bof\b.* (?:in|at|near)\b", a.r)
        for kind, phrase in peeled:
            rest = a.r
            if kind == "time":
                year = re.fullmatch(r"(?:in) (\d{4})", phrase)
                if phrase.startswith(("from", "by", "since", "until")):
                    if phrase.startswith("since"):
                        got.append(("when", f"Since when {a.after()}?", short_or_long(random, phrase, a.says(phrase)), phrase))
                    continue
                forms = [f"When {a.after()}?"] * 2 + ([f"In which year {a.after()}?", f"In what year {a.after()}?", f"What year {a.after()}?"] if year else [f"When exactly {a.after()}?"] if "century" not in phrase else [])
                got.append(("when", random.choice(forms), short_or_long(random, random.choice([phrase, peel(phrase)]) if year else phrase, a.says(phrase)), phrase))
                other = [p for k, p in a.peeled if k == "where"]
                if other:
                    got.append(("when", f"When {a.after(a.r + ' ' + other[0])}?", short_or_long(random, phrase, a.says(other[0] + " " + phrase)), phrase))
                main = a.says(" ".join(p for k, p in reversed(a.peeled) if k != "time"))
                if a.person and a.aux == "did" and a.b != "have":
                    got.append(("did", f"What did {a.mid} do {phrase}?", main, a.r or a.v))
                elif not a.person and a.v in ("was", "were") and a.r.split() and a.r.split()[0] in PARTICIPLES:
                    got.append(("happened", f"What happened {phrase}?", main, a.r))
            elif kind == "where" and simple:
                q = pick(random, f"Where {a.after()}?", f"Where {a.after()}?", f"In which place {a.after()}?" if phrase.startswith("in ") else f"Where {a.after()}?")
                got.append(("where", q, short_or_long(random, phrase, a.says(phrase)), phrase))
            elif kind == "long":
                if phrase.endswith("miles"):
                    got.append(("far", f"How far {a.after()}?", short_or_long(random, phrase, a.says(phrase)), phrase))
                else:
                    got.append(("long", pick(random, f"How long {a.after()}?", f"For how long {a.after()}?"), short_or_long(random, phrase, a.says(phrase)), phrase))
            elif kind == "why":
                others = [p for k, p in a.peeled if k == "where"]
                rest = (a.r + " " + " ".join(others)).strip()
                if re.search(r"\b(?:this|these|them|their)\b", phrase) or re.search(r"\bthey\b", phrase) and not a.plural or re.search(r"\bits?\b(?! (?:was|is) (?:too |so |very |getting |already )?(?:cold|dark|late|hot|raining|snowing|warm|early|winter|night|summer)\b)", phrase) and (a.person is not False or a.plural) or re.search(r"\b(?:he|she)\b", phrase) and not a.person:
                    continue
                got.append(("why", pick(random, f"Why {a.after(rest)}?", f"Why {a.after(rest)}?", f"For what reason {a.after(rest)}?", f"What is the reason that {a.mid} {a.v} {rest}?"), short_or_long(random, phrase, a.says(phrase, rest)), phrase))
                if a.person and not a.v in AUX:
                    got.append(("did", f"What did {a.mid} do {phrase}?", a.says("", rest), rest)) if phrase.startswith(("in order", "to ")) else None
        whole = (a.r + behind).strip()
        claim = a.says(behind.strip())
        if len(claim.split()) < 16:
            q = f"{capital(a.aux)} {a.mid} {a.b + ' ' if a.b else ''}{whole}?"
            wrong = changed(random, behind + " " + a.r, passage)
            if wrong and random.random() < 0.6:
                old, new = wrong
                exchange = lambda text: re.sub(r"\b" + re.escape(old) + r"\b", new, text, count=1)
                lie = exchange(claim)
                if lie != claim and exchange(q) != q:
                    got.append(("false", pick(random, exchange(q), f"True or false: {lie}", f"Is it true that {a.mid}{lie[len(a.s):-1]}?"), None, (claim, False)))
            elif random.random() < 0.35:
                got.append(("true", pick(random, q, f"True or false: {claim}", f"Is it true that {a.mid}{claim[len(a.s):-1]}?"), None, (claim, True)))
    # Who or what does it: the rest may be longer here.
    whole = re.sub(r", (?:[a-z]+ing|who|which|where|when|while|although|but|and)\b.*", "", (a.r + behind).strip())
    if whole.count(",") and whole != (a.r + behind).strip():
        whole = ""  # a list that was cut
    if a.person is not None and clean and 2 < len(whole.split()) < 13 and not re.search(r"\b(?:he|she|it|they)\b", whole) and not (a.person is False and re.search(r"\b(?:his|her)\b", whole)):
        lead = f" {a.lead}" if a.lead and random.random() < 0.6 else ""
        if not re.match(r"(?:an?|the|one of) ", a.r) or a.v not in AUX:
            wh = "Who" if a.person else "What"
            verb = singular(a.v)
            got.append(("who" if a.person else "what", f"{wh} {verb} {whole}{lead}?", short_or_long(random, a.s, a.says(behind.strip() + (" " + a.lead if lead else ""))), a.s))
            noun = a.s.split()[-1]
            if not a.person and noun in CALLED and a.s.startswith("The ") and " of " not in a.s and len(a.s.split()) > 2 and not a.plural:
                got.append(("which", f"Which {noun} {verb} {whole}{lead}?", short_or_long(random, a.s, a.says(behind.strip())), a.s))
    # What somebody does, has, becomes.
    thing = OBJECT.match(a.r)
    first = a.v.split()[-1]
    if thing and a.plain and clean and not any(t in PREPOSITIONS or t in PARTICIPLES or t in PAST or t in LINKS or t.endswith("ly") or t in ADVERBS for t in thing[1].replace(" of ", " ").split()):
        noun, more = thing[1], thing[2]
        people = set(re.findall(r"[a-z]+", noun)) & PERSONS or re.search(r"(?:men|women|people|children|boys|girls|friends?|wife|family)$", noun) or noun[0].isupper() and (reader.who(noun, text) or first in ("saw", "followed", "watched", "noticed"))
        time = a.lead or next((p for k, p in a.peeled if k in ("time", "where")), "")
        more = (more if random.random() < 0.7 and not more.startswith(" to ") or first in ("gave", "showed", "brought", "sent", "taught") else "") + (" " + time if time and random.random() < 0.7 else "")
        if first in OBJECTS and not people and a.b and (first not in ("kept", "made", "found", "painted", "declared") or re.match("an? |some |several ", noun)):
            got.append(("object", f"What {a.aux} {a.mid} {a.b}{more}?", short_or_long(random, noun, a.says(more.strip(), noun)), noun))
        if first == "became" and re.match("an? ", noun) and a.person:
            got.append(("became", f"What did {a.mid} become{more}?", short_or_long(random, noun, a.says(more.strip(), noun)), noun))
        if first in ("had", "has") and a.b == "have" and not people:
            got.append(("has", f"What {a.aux} {a.mid} have{more}?", short_or_long(random, noun, a.says(more.strip(), noun)), noun))
    # Where somebody goes or stands.
    goes = GOES.match(full)
    if a.plain and clean and first in MOTION and goes and a.person is not None and not TIMES.search(" " + goes[2]):
        way = " from" if goes[2].startswith("from") else " to" if goes[1] and goes[2].startswith("to ") else ""
        phrase = goes[2]
        got.append(("where", f"Where did {a.mid} {(a.b + ' ' + (goes[1] or '')).strip()}{way}?", short_or_long(random, phrase, a.says("", full)), phrase))
    rests = RESTS.match(full)
    if a.plain and clean and rests and (first in RESTING or a.v in ("was", "is", "were", "are") and a.person is not None and not a.b) and not TIMES.search(" " + rests[0]):
        stay = re.match(r"[a-z]+(?= (?:in|on|at|under|near|behind|beside|between|along|by|above|upon|against|outside|inside|within) )", full)
        stay = stay[0] if stay and stay[0] in SEATED else ""
        phrase = full[len(stay):].strip()
        got.append(("where", f"Where {a.after(stay)}?", short_or_long(random, phrase, a.says("", full)), phrase))
    how = HOW.search(" " + full)
    if how and a.lead is None and not LINKED.search(full) and (not a.v in AUX or a.b or re.match("[a-z]+ed\\b|made|built|done", a.r)):
        rest = (" " + full)[:how.start()].strip()
        got.append(("how", f"How {a.after(rest)}?", short_or_long(random, how[1], a.says(how[1], rest)), how[1]))
    if a.person and a.aux == "did" and a.b != "have" and clean and passage.count(a.s) == 1 and random.random() < 0.4 and first not in ("felt", "seemed", "looked", "appeared", "became", "heard", "saw", "knew"):
        got.append(("did", f"What did {a.mid} do?", short_or_long(random, a.v + " " + full, a.says("", full)) if random.random() < 0.3 else a.says("", full), full))
    # What something is.
    if a.v in ("is", "was", "are", "were") and a.lead is None and re.match(r"(?:an?|the|one of the) ", a.r) and not re.search(r"\b(?:he|she|it|they|his|her|their|its)\b", full) and a.r.split()[0] + a.r.split()[1] not in ("alot", "thefirst"):
        if " " in a.r and not re.match(r"an? (?:few|little|bit|lot|great deal|number|result|part)\b", a.r):
            wh = "Who" if a.person else "What"
            if a.person is not None or a.s == text.title:
                got.append(("is", pick(random, f"{wh} {a.v} {a.mid}?", f"{wh} {a.v} {a.mid}?", f"{wh} {a.v} {a.mid}, according to the text?"), short_or_long(random, full, a.says(behind.strip())), full))
            if a.person is not None and a.r.startswith(("the ", "one of the ")) and "," not in full:
                got.append(("who", f"{wh} {singular(a.v)} {full}?", short_or_long(random, a.s, a.says(behind.strip())), a.s))
    # made of, known as, used for, followed by
    tokens = a.r.split()
    for cut in (2, 3):
        if a.v in ("is", "was", "are", "were") and tuple(tokens[:cut]) in STRANDED and len(tokens) > cut and a.lead is None and not re.search(r",", a.r):
            phrase = re.sub(r" (?:but|which|that|who|where|and (?:is|was|are|were|has|have))\b.*", "", " ".join(tokens[cut:] + behind.split()))
            if tokens[cut] in ("which", "that", "and", "or") or len(phrase.split()) > 12:
                continue
            stem = " ".join(tokens[:cut])
            if stem == "used to":
                if tokens[cut] in set(PAST.values()):
                    got.append(("stranded", f"What {a.v} {a.mid} used for?", short_or_long(random, "to " + phrase, a.says(behind.strip())), phrase))
                continue
            got.append(("stranded", f"What {a.v} {a.mid} {stem}?", short_or_long(random, pick(random, phrase, tokens[cut - 1] + " " + phrase) if tokens[cut - 1] not in ("to", "in") else phrase, a.says(behind.strip())), phrase))
    if a.v in ("is", "was", "are", "were") and tokens and tokens[0] in ("called", "named") and len(tokens) > 1 and tokens[1][0].isupper() and not a.peeled and tokens[1] not in ("after", "by", "for", "in", "on", "to", "upon", "the", "a", "an", "as", "one") and len(tokens) < 7 and a.plain:
        name = " ".join(tokens[1:])
        got.append(("called", pick(random, f"What {a.v} {a.mid} called?", f"What {a.v} the name of {a.mid}?"), short_or_long(random, name, a.says()), name))
    if tokens and first == "consists" and tokens[0] == "of":
        got.append(("stranded", f"What does {a.mid} consist of?", short_or_long(random, " ".join(tokens[1:]) + behind, a.says(behind.strip())), " ".join(tokens[1:])))
    # by whom
    by = re.match(r"((?:[a-z]+ly )?([a-z]+))((?: [a-z]+)*) by ((?:the |a )?[A-Za-z. '-]+?)$", a.r)
    if by and a.v in ("was", "were", "is", "are") and by[2] in BY and a.plain:
        agent = by[4]
        if reader.who(agent, text) or agent.split()[-1] in PERSONS and agent.startswith(("the ", "a ")) and len(agent.split()) < 4 or len(agent.split()) == 2 and agent.split()[0] in NAMED and agent.split()[1] not in NOT_SURNAMES:
            middle = by[1] + by[3]
            got.append(("by", pick(random, f"Who {a.v} {a.mid} {middle} by?", f"By whom {a.v} {a.mid} {middle}?"), short_or_long(random, pick(random, agent, "by " + agent), a.says(behind.strip())), agent))
            if by[2] in ("written", "founded", "built", "designed", "invented", "discovered", "painted", "directed", "created", "composed"):
                past = {"written": "wrote"}.get(by[2], by[2])
                got.append(("by", f"Who {past} {a.mid}?", short_or_long(random, agent, a.says(behind.strip())), agent))
    # how many
    many = re.match(r"(" + NUMBER + r") ((?:[a-z]+ ){0,1}?(?:[a-z]{3,}s|people|children|men|women))((?: .*)?)$", a.r)
    if many and a.plain and clean and a.b and not re.search(r"(ss|ous|less|us)$|^(?:hundreds|thousands|times|years|others|hundred|thousand|million|days|hours)\b", many[2]) and "million" not in many[2] and not re.match("[0-9]{4}$", many[1]):
        more = many[3] + (behind if random.random() < 0.7 else "")
        got.append(("many", f"How many {many[2]} {a.aux} {a.mid} {a.b}{more}?", short_or_long(random, pick(random, many[1], many[1] + " " + many[2]), a.says(more.replace(many[3], "", 1).strip())), many[1]))
    counted = COUNTED.match(a.s)
    if counted and clean and len(whole.split()) > 1 and not re.search(r"\b(?:hundreds|years|days|times|others|hours|months|weeks|minutes)\b", a.s) and not (a.v in AUX and re.match("(?:an?|the) ", a.r)):
        number = re.match(NUMBER + r"(?= )", a.mid[0].lower() + a.mid[1:])
        if number:
            got.append(("many", f"How many {a.s[number.end() + 1:]} {a.v} {whole}?", short_or_long(random, number[0], a.says(behind.strip())), number[0]))
    size = LONG.match(full)
    if size and a.v in ("is", "was") and a.person is not True:
        got.append(("size", f"How {size[2]} {a.v} {a.mid}?", short_or_long(random, pick(random, size[1], full), a.says("", full)), size[1]))
    owned = re.match(r"([A-Z][a-z]+)['’]s ([a-z ]+)$", a.s)
    if owned and clean and len(whole.split()) > 1:
        got.append(("whose", f"Whose {owned[2]} {a.v} {whole}?", short_or_long(random, owned[1] + "'s", a.says(behind.strip())), owned[1]))
    if a.v in ("is", "was") and a.s.startswith("The ") and a.plain and not a.lead and re.fullmatch(r"(?:the )?[A-Z][a-zé-]+(?: (?:[A-Z][a-zé-]+|of|the)){0,4}", full) and a.s.split()[-1] not in ("man", "woman", "boy", "girl"):
        got.append(("is", f"{'Who' if reader.who(full, text) or a.person else 'What'} {a.v} {a.mid}?", short_or_long(random, full, a.says("", full)), full))
    if text.title and a.s in (text.title, text.title.split()[-1]) or a.person and len(a.s.split()) < 3 or not a.person and len(a.s.split()) < 4 and a.person is not None:
        if passage.count(a.s) == 1 and not a.lead and len(full.split()) > 3:
            got.append(("says", pick(random, f"What does the text say about {a.mid}?", f"What do we learn about {a.mid}?", f"What is said about {a.mid}?", f"What does the passage tell us about {a.mid}?"), a.says(behind.strip()), full))
    return got


LIST = re.compile(r"\b([a-z]{3,}s),? (?:such as|including) ((?:[A-Za-z-]+(?: [A-Za-z-]+)?, ){1,3}[A-Za-z-]+(?: [A-Za-z-]+)?,? and [A-Za-z-]+(?: [a-zA-Z-]+)?)\.$")
COLOURED = re.compile(r"\b(?:an?|the|his|her) (" + "|".join(c for c in COLOURS if c not in ("gold", "silver", "black", "white", "violet", "orange", "rose")) + r"|white|black) ([a-z]{3,}?)(?=[.,]| (?:in|on|at|with|of|and|was|were|is|that|which|to|from|under|over|near)\b)")
ANY_COLOUR = re.compile(r"\b(?:" + "|".join(COLOURS) + r")\b")
THERE = re.compile(r"There (was|were) (" + NUMBER + r"|an?) ((?:[a-z]+ )?[a-z]+) ((?:in|on|at|near|under|behind|before|beside) (?:the|a|his|her) [a-z ]{3,25})\.$", re.I)
STARTED = re.compile(r"(When|After|Before|While|As soon as) ((?:the|[A-Z][a-z]+|a) [^,]{8,50}), ((?:the|a|[A-Z][a-z]+) .{8,70})\.$")


def patterns(random, sentence, text, passage, got):
    """Questions for which no verb has to be known."""
    found = LIST.search(sentence)
    if found and not VAGUE.search(found[2]) and found[1] not in ("others", "ways", "times", "has", "was", "boys", "girls") and found[1][:-1] not in PERSONS and not re.match(r"[a-z]+ing\b", found[2]):
        got.append(("list", pick(random, f"Which {found[1]} are named?", f"Which {found[1]} does the text name?", f"What {found[1]} are mentioned in the text?", f"Give examples of {found[1]} from the text."), capital(found[2]) + ".", found[2]))
    found = COLOURED.search(sentence)
    if found and passage.lower().count(found[2]) == 1 and found[2] not in PERSONS and not found[2].endswith(("ish", "ed", "man", "men", "and", "like", "people")) and len(set(ANY_COLOUR.findall(passage))) <= 2:
        noun, colour = found[2], found[1]
        be = "are" if noun.endswith("s") and not noun.endswith(("ss", "as", "us", "is", "lens")) else "is"
        got.append(("colour", pick(random, f"What colour {be} the {noun}?", f"Which colour {'do' if be == 'are' else 'does'} the {noun} have?", f"What color {be} the {noun}?"), short_or_long(random, colour, f"The {noun} {be} {colour}."), colour))
    found = THERE.match(sentence)
    if found and not VAGUE.search(found[3] + " " + found[4]):
        if found[2] in ("a", "an"):
            person = found[3].split()[-1] in PERSONS
            got.append(("there", f"{'Who' if person else 'What'} was {found[4]}?", short_or_long(random, found[2] + " " + found[3], sentence), found[3]))
        elif found[1] == "were":
            got.append(("many", f"How many {found[3]} were there {found[4]}?", short_or_long(random, found[2], sentence), found[2]))
    found = STARTED.match(sentence)
    if found and not VAGUE.search(found[2] + found[3]) and not re.search(r"\b(?:he|she|they|his|her)\b", found[2]) and "," not in found[3] and not re.match(r"[A-Z][a-z]+ing\b", found[3]):
        got.append(("happened", f"What happened {found[1].lower()} {found[2]}?", capital(found[3]) + ".", found[3]))
    years = set(re.findall(r"\b1\d{3}\b|\b20[012]\d\b", passage))
    if len(years) == 1 and random.random() < 0.05 and list(years)[0] in sentence:
        year = years.pop()
        got.append(("year", pick(random, "Which year is named in the text?", "What year does the text mention?", "Find the year in this text."), pick(random, f"The year {year}.", year + ".", f"The text names the year {year}."), year))


EXCHANGED = [(names, re.compile(r"\b(?:" + "|".join(names) + r")\b")) for names in KNOWN + [COLOURS, DAYS, MONTHS, ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], ["morning", "evening", "afternoon"], ["north", "south", "east", "west"], ["spring", "summer", "autumn", "winter"]]]


def changed(random, part, passage):
    """A detail of the text and another of its kind that the text does not name."""
    options = []
    for year in re.findall(r"\b(?:1[5-9]\d\d|20[01]\d)\b", part):
        options.append((year, str(int(year) + random.choice([-40, -20, -10, -5, -2, 2, 3, 5, 10, 20]))))
    for names, pattern in EXCHANGED:
        found = pattern.search(part)
        if found:
            options.append((found[0], random.choice([n for n in names if n not in passage] or [found[0]])))
    options = [(old, new) for old, new in options if new not in passage and old != "May" and new != "May" and old + "'s" not in part]
    return random.choice(options) if options else None


def verdict(random, question, claim, true):
    """The answer to true or false, is it true, did he."""
    if question.startswith("True or false"):
        word = "True" if true else "False"
    else:
        word = "Yes" if true else "No"
    draw = random.random()
    if true:
        return word + "." if draw < 0.4 else f"{word}. {claim}" if draw < 0.8 else f"{word}, that is what the text says." if draw < 0.9 else f"{word}, the text says so."
    return f"{word}. {claim}" if draw < 0.75 else word + "."


SUM = ["Sum up the text in one sentence.", "What is the main point?", "Summarise it in one sentence.", "Shorten this to one sentence.", "What is the text mainly about?", "Give me the first point of the text.", "What does the text begin with?", "Which is the first thing the text tells us?"]
ABOUT = ["What is this text about?", "What is the subject of this text?", "Name the topic of the text.", "What topic is this?", "Who or what is it about?"]
ABSENT = ["How tall is the author of this text?", "What did it cost?", "Who wrote this text?", "What is the phone number given?", "How many people have read this?", "What is the weather like today?", "What does a ticket cost?", "Who took the photographs?"]
ABSENT_OF = ["How old is {n}?", "What is {n}'s favourite food?", "What colour are {n}'s eyes?", "How many brothers does {n} have?", "What is {n}'s middle name?", "What did {n} eat for breakfast?", "How tall is {n}?", "Which languages does {n} speak?", "What does {n}'s mother do?", "Where did {n} go to school?", "What is the name of {n}'s dog?", "When is {n}'s birthday?", "What does {n} like to read?"]

WAYS = ["{p} {q}", "{p} {q}", "{p} {q}", "{p} {l}", "{p} {l}", "{p}\n{q}", "{p}\n{l}", "{p}\n\n{l}", "{q}\n{p}", "{l}\n\n{p}", "{l} {p}", '{q} "{p}"', '{l} "{p}"', '"{p}" - {q}', '"{p}" {l}', "{q}\n\n\"{p}\"", "> {p}\n{q}", "{p} // {q}", "{p} >> {l}", "{p} ({q})", "{p}\n\n* {q}", "[{p}] {q}", "{q} [{p}]",
        "I found this on the web: {p} {q}", "This is from a book I read: {p} {q}", "From an old book: {p}\n\n{q}", "My book says: {p} {q}", "An article says: {p} {q}", "Found in an encyclopedia: {p} {q}", "It says here: {p} {q}", "Homework. {p} {q}", "For school I must read this: {p} And answer: {q}", "We read this in class: {p} {q}", "Text for today: {p} {q}", "Here's a paragraph: {p} {q}",
        "{q} Look here: {p}", "{q} This is what I have: {p}", "{q} See: {p}", "{q} Here's the passage.\n{p}", "{q} Use this paragraph:\n\n{p}", "{q} It's in this text: {p}", "{q} The text: {p}", "Question: {q}\n\nParagraph: {p}", "Q: {q}\n{p}", "Q: {q}\nP: {p}\nA:", "P: {p}\nQ: {q}", "Paragraph: {p}\n{q}", "Excerpt: {p}\n\n{q}", "EXCERPT\n{p}\n\nQUESTION\n{q}", "Extract: {p} {q}", "Lines from a story: {p} {q}",
        "Can you help me understand this? {p} {q}", "I don't get this text: {p} {q}", "Just read: {p} {q}", "Please answer my question about this paragraph. {p} {q}", "Answer shortly. {p} {q}", "Short answer please: {q} {p}", "One question about this: {p} {q}", "A question about a text. {p} {q}", "{p} Tell me, {q2}", "{p} Please tell me: {q2}", "{p} So my question is: {q2}", "{p} I'd like to know: {q2}", "{p} Do you see it? {q}", "{p} That's the text. {q}", "{p} End of text. {q}",
        "After reading this, {q2} {p}", "Reading this, {q2} {p}", "From this, {q2}\n{p}", "Judging from the text, {q2}\n\n{p}", "According to this passage, {q2} {p}", "In the following text, {q2}\n{p}", "By this text, {q2} {p}", "Text 1: {p}\nQuestion 1: {q}", "1) {p}\n2) {q}", "text: {p} question: {l}", "txt: {p} q: {l}", "read: {p} now: {l}", "here: {p} {l}", "so it says {p} {l}", "hey, {l} {p}", "Hi! {p} {q}", "Hello, could you read this? {p} {q}", "Samba, read this: {p} {q}", "What I copied: {p}\n\nWhat I ask: {q}", "---\n{p}\n---\n{q}", "===\n{p}\n===\n{l}", "<text>{p}</text> {q}", "“{p}”\n{l}", "'{p}'\n\n{q}"]


def in_small(random, q):
    """A question in small letters, or without its mark."""
    return q.lower().rstrip("?.") if random.random() < 0.6 else q.lower()


def wrapped(random, passage, q):
    frame = random.choice(FRAMES if random.random() < 0.4 else WAYS)
    while re.search("text|passage|learn", q) and re.search("[Aa]ccording|[Ii]n th|Judging|[Bb]y this|From", frame) or not q.endswith("?") and re.search("{q2}|{l}", frame):
        frame = random.choice(WAYS)
    if "{l}" not in frame and random.random() < 0.2:
        q = in_small(random, q) if random.random() < 0.5 else q.rstrip("?.")
    return frame.format(p=passage, q=q, q2=lower_first(q), l=in_small(random, q))


def people_of(reader, text, passage):
    """Whom he and she mean, where only one can be meant."""
    if text.person:
        name = text.title.split()[-1]
        if name in re.split(r"\b(?:[Hh]e|[Ss]he|[Hh]is|[Hh]er)\b", passage)[0]:
            others = [n for n in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+ [A-Z][a-z]+", passage) if reader.who(n, text) and name not in n]
            if not others:
                she, he = len(re.findall(r"\bshe\b", passage, re.I)), len(re.findall(r"\bhe\b", passage, re.I))
                if bool(she) != bool(he):
                    return (name, None) if he else (None, name)
        return None, None
    if text.title:
        return None, None
    names = {n for n in re.findall(r"\b[A-Z][a-z]+\b", passage) if n in text.people or n in NAMED or n.lower() not in reader.small and n not in PLACES}
    if len(names) != 1 or not passage.startswith(tuple(name + " " for name in names)):
        return None, None
    name = names.pop()
    if set(re.findall(r"[a-z]+", passage)) & PERSONS:
        return None, None
    return (name if name in BOYS else None, name if name in GIRLS else None) if name in NAMED else (None, None)


KEPT = {"who": 0.35, "what": 0.25, "says": 0.08, "is": 0.6, "true": 0.3, "false": 0.7, "year": 0.25, "happened": 0.8, "did": 0.6}  # how much of the common kinds


class Texts:
    """Paragraphs in an order by chance, and what was found in the last of them."""

    def __init__(self, groups, small):
        self.groups, self.reader, self.waiting = groups, Reader(small), []
        self.left = [[] for _ in groups]

    def next(self, random):
        """A passage with all questions about it. Every paragraph that fits gives several."""
        for _ in range(20000):
            if self.waiting:
                return self.waiting.pop()
            group = random.randrange(len(self.groups))
            if not self.left[group]:
                self.left[group] = random.sample(self.groups[group], len(self.groups[group]))
            text, number = self.left[group].pop()
            lines = sentences(text.paragraphs[number])
            if len(lines) > 1:
                self.mine(random, text, number, lines)
        raise ValueError("reading: the texts give no questions: name other shards")

    def mine(self, random, text, number, lines):
        able = None
        for at, line in enumerate(lines):
            if not 20 < len(line) < 170 or re.search("[;:—–%$£&?!]|--|\\d\\.\\d", line) or len(self.waiting) > 7 or not self.promising(line, text):
                continue
            able = able or [20 < len(line) < 260 and line[0].isupper() and line[-1] in ".!?" and not BROKEN.search(line) and not UNKIND.search(line) for line in lines]
            if not able[at]:
                continue
            first = last = at
            n = random.choice([2, 2, 3, 3, 3, 4, 4, 5, 6])
            while last - first + 1 < n:
                sides = [side for side, k in ((0, first - 1), (1, last + 1)) if 0 <= k < len(lines) and able[k]]
                if not sides:
                    break
                if random.choice(sides):
                    last += 1
                else:
                    first -= 1
            part = lines[first:last + 1]
            passage = " ".join(part)
            if len(part) < 2 or not 15 < len(passage.split()) < 130 or DANGLING.match(passage):
                continue
            he, she = people_of(self.reader, text, passage)
            found = self.found(random, line, text, he, she, passage)
            if not found:
                continue
            more = []
            for other in part:
                if other != line and not re.search("[;:—–%$£&?!]|--|\\d\\.\\d", other) and len(more) < 3 and random.random() < 0.5:
                    more += self.found(random, other, text, he, she, passage)
            self.waiting.append((text, number, part, passage, found, more))

    def promising(self, line, text):
        return self.reader.parse(line, text, "Tom", "Ann") or THERE.match(line) or STARTED.match(line) or COLOURED.search(line) or LIST.search(line)

    def found(self, random, line, text, he, she, passage):
        got = {}
        for kind, q, r, basis in ask(random, self.reader, line, text, he, she, passage):
            if random.random() < KEPT.get(kind, 1) and sound(q) and (r is None or sound(r)):
                got.setdefault(q, r if r is not None else verdict(random, q, *basis))
        return list(got.items())


DANGLING = re.compile(r"(?:However|Therefore|Thus|But|And|Also|This|These|Such|Instead|So|Those|Moreover|Furthermore|Nevertheless|Or|Nor)\b")
BROKEN = re.compile(r"\b(?:has|have|had|covers|about|approximately|over|than|by|to|is|was|of|at|with|and|nearly|from|measures) of\b|\b(?:at|by|of|is|was|than|about|from) (?:in|above|and|by|long|high|tall|wide)\b|\b(?:an?|the) (?:and|is|was|of|in)\b|[,;] ?[,.]| [,.;]| -[a-z]")


def sound(sentence):
    """No slip of the rules."""
    return not re.search(r"  |[,;] ?[?.]$| ,|\b(the|a|an|of|in|by|and|with|to be) ?\?$|\.\.|\b(\w+) \2\b|,$", sentence) and len(sentence.split()) < 26


def reading(random, other, texts):
    """A passage and one to three questions about it."""
    text, number, lines, passage, found, more = texts.next(random)
    chosen = [random.choice(found)]
    pool = [pair for pair in found + more if pair != chosen[0]]
    chosen += random.sample(pool, min(len(pool), random.choice([0, 0, 0, 1, 1, 2])))
    draw = random.random()
    if draw < 0.2:
        missing = unknown(random, texts.reader, text, number, passage)
        if missing:
            chosen[random.randrange(len(chosen))] = (missing, random.choice(UNKNOWN))
    elif draw < 0.24 and len(lines[0].split()) < 24 and lines[0].endswith(".") and not re.search(r"\b(?:he|she|it|they|this|these|his|her|their|I|we|my)\b", lines[0], re.I):
        chosen.append((random.choice(SUM), lines[0]))
    elif draw < 0.27 and text.title and text.title in passage:
        title = text.title.lower() if text.title.lower() in texts.reader.small else text.title
        chosen.append((random.choice(ABOUT), capital(random.choice(["It is about {t}.", "The text is about {t}.", "{t}."]).format(t=title))))
    if draw > 0.7 or draw < 0.27:
        random.shuffle(chosen)
    return framed(random, other, passage, chosen)


def unknown(random, reader, text, number, passage):
    """A question that the passage leaves open: about another part of the same text, or about somebody named in it."""
    names = [n for n in re.findall(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)?\b", passage) if reader.who(n, text)]
    draw = random.random()
    if names and draw < 0.4:
        question = random.choice(ABSENT_OF)
        return question.format(n=random.choice(names)) if not re.search(r"old\b|years|school|birthday|born|brother|mother|tall|language|dog|read", passage) else None
    if draw < 0.93:
        for _ in range(40):
            at = random.randrange(len(text.paragraphs))
            if at == number:
                continue
            far = sentences(text.paragraphs[at])
            line = random.choice(far)
            if not 20 < len(line) < 200 or re.search("[;:—–%$£&?!]|--", line) or BROKEN.search(line) or UNKIND.search(line):
                continue
            asked = [(kind, q, basis) for kind, q, r, basis in ask(random, reader, line, text, None, None, line) if kind in ("when", "where", "why", "many", "object", "by", "stranded", "long", "called", "became") and isinstance(basis, str)]
            for kind, q, basis in asked:
                told = {w.lower() for w in re.findall(r"[A-Za-z0-9]{4,}", basis)}
                verbs_ = {w.lower() for w in re.findall(r"[a-z0-9]{5,}", q)}
                have = {w.lower() for w in re.findall(r"[A-Za-z0-9]{4,}", passage)}
                if not told & have and len(verbs_ & have) < 2 and sound(q):
                    return q
    return random.choice(ABSENT) if draw > 0.93 else None


def framed(random, other, passage, chosen):
    q, r = chosen[0]
    if len(chosen) > 1 and random.random() < 0.12:
        asked = "\n".join(f"{n}. {q}" for n, (q, _) in enumerate(chosen, 1)) if random.random() < 0.6 else " ".join(q for q, _ in chosen)
        answers = "\n".join(f"{n}. {r}" for n, (_, r) in enumerate(chosen, 1)) if "\n" in asked else " ".join(r for _, r in chosen)
        return [(random.choice(["{p}\n\n{a}", "{p}\n{a}", "Read and answer.\n\n{p}\n\n{a}", "{a}\n\n{p}", "Text: {p}\nQuestions:\n{a}", "Please answer the questions.\n{p}\n\n{a}"]).format(p=passage, a=asked), answers)]
    if random.random() < 0.15:
        turns = [(random.choice(GIVEN).format(p=passage), random.choice(READ))]
        if other and random.random() < 0.15:
            turns += other(random)[:1]
        return turns + [(styled(random, q), r) for q, r in chosen]
    return [(wrapped(random, passage, q), r)] + [(styled(random, q), r) for q, r in chosen[1:]]
