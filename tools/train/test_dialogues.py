"""Tests of the dialogues made by rule, and of the check that keeps out of them what answers are judged by."""
import calendar
import collections
import datetime
import json
import random
import re
import unittest
from fractions import Fraction

import questions
from dialogues import KINDS, Making
from dialogues import dates, everyday, feelings, memory, notes, passages, phrasing, reading, stories, sums, tales, texts, told, words, world
from dialogues.lists import NAMES, PETS, RELATIVES
from dialogues.rows import Pairs, rows
from dialogues.rows import questions as facts

MADE = 400


def many(maker, number=MADE, seed=0):
    """Question and answer of this many dialogues of a kind, with little talk about other things between."""
    rng = random.Random(seed)
    return [maker(rng) for _ in range(number)]


def nothing(rng):
    return [("Nice day!", "It is.")]


class Numbers(unittest.TestCase):
    def test_every_equation_in_an_answer_holds(self):
        checked = 0
        for turns in many(sums.sums, 3000):
            for _, answer in turns:
                for left, right in re.findall(r"(?<![\d./^])((?:\(?\d[\d./]*\)? ?[-+×÷] ?)+\d[\d./]*) = (-?\d[\d/.]*\d|\d)", answer):
                    terms = re.sub(r"\d+\.\d+|\d+", lambda m: f"Fraction('{m.group()}')", left.replace("×", "*").replace("÷", "/"))
                    self.assertEqual(eval(terms, {"Fraction": Fraction}), Fraction(right), answer)
                    checked += 1
        self.assertGreater(checked, 1500)

    def test_a_plain_sum_ends_in_its_result(self):
        signs = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "x": lambda a, b: a * b, "*": lambda a, b: a * b, "/": lambda a, b: Fraction(a, b)}
        checked = 0
        for turns in many(sums.sums, 4000):
            found = re.fullmatch(r"(\d+) ?([-+*x/]) ?(\d+)(?: ?= ?\??)?", turns[0][0])
            if found and turns[0][1].count("remainder") == 0:
                value = signs[found[2]](int(found[1]), int(found[3]))
                if Fraction(value).denominator == 1 and not re.fullmatch(r"\d/\d+", turns[0][0]):
                    self.assertIn(str(value), re.findall(r"-?\d+", turns[0][1].replace("- ", "-")), turns[0])
                    checked += 1
        self.assertGreater(checked, 100)

    def test_sorting_counting_and_comparing(self):
        for turns in many(sums.compare, 600) + many(sums.count, 300):
            for question, answer in turns:
                given, got = [list(map(int, re.findall(r"\d+", text))) for text in (question, answer)]
                if re.search("sort|order|arrange", question, re.I):
                    down = re.search("largest to|descending|high to|biggest first", question, re.I)
                    self.assertEqual(got, sorted(given, reverse=bool(down)), question)
                elif re.search(r"largest|biggest|highest|greatest", question, re.I) and len(given) > 2:
                    self.assertEqual(got, [max(given)], question)

    def test_percentages(self):
        checked = 0
        for turns in many(sums.part_of, 800):
            found = re.search(r"(\d+) ?(?:%|per ?cent) of (\d+)", turns[0][0], re.I)
            if found:
                value = Fraction(int(found[1]) * int(found[2]), 100)
                self.assertIn(value, [Fraction(number) for number in re.findall(r"\d+", turns[0][1])], turns)
                checked += 1
        self.assertGreater(checked, 150)


class Dates(unittest.TestCase):
    def test_weekdays_agree_with_the_calendar(self):
        names = list(calendar.day_name)
        checked = 0
        for turns in many(dates.weekdays, 1500):
            question, answer = turns[0]
            found = re.search(r"(?i)\b(" + "|".join(names) + r")\b.*?(\d+) days (from now|after|ago)|(?i:today is|it is|if today is) (\w+day).*? in (\d+) days", question)
            if found and found[4]:
                day, shift = found[4].capitalize(), int(found[5])
            elif found and found[3] == "ago":
                day, shift = found[1].capitalize(), -int(found[2])
            else:
                continue
            expected = datetime.date(2024, 1, 1) + datetime.timedelta(names.index(day) + shift)
            self.assertIn(expected.strftime("%A"), answer, turns)
            checked += 1
        self.assertGreater(checked, 50)

    def test_leap_years_and_months(self):
        for turns in many(dates.years, 400):
            found = re.search(r"(\d{4}) is (not )?a leap year", turns[0][1])
            if found:
                self.assertEqual(found[2] is None, calendar.isleap(int(found[1])))
        for turns in many(dates.months, 400):
            found = re.fullmatch(r"(\w+) has (\d+) days\.", turns[0][1])
            if found:
                self.assertEqual(int(found[2]), calendar.monthrange(2023, list(calendar.month_name).index(found[1]))[1])

    def test_the_clock(self):
        for turns in many(dates.clock, 800):
            found = re.search(r"(\d+) minutes (after|before) (\d+):(\d\d) (?:it )?is (\d+):(\d\d)", turns[0][1])
            if found:
                start = datetime.datetime(2024, 1, 1, int(found[3]), int(found[4]))
                end = start + datetime.timedelta(minutes=int(found[1])) * (1 if found[2] == "after" else -1)
                self.assertEqual((end.hour, end.minute), (int(found[5]), int(found[6])), turns)


class Words(unittest.TestCase):
    def test_letters_are_counted_and_spelled_right(self):
        checked = 0
        for turns in many(words.letters, 1500):
            question, answer = turns[0]
            found = re.search(r"(\w+) has (\w+) letters: ([\w-]+)\.", answer)
            if found:
                self.assertEqual(found[3].replace("-", "").lower(), found[1].lower())
                self.assertEqual(words.numeral(len(found[1])), found[2])
                checked += 1
            if "lphabet" in question and "," in answer:
                listed = answer.rstrip(".").split(", ")
                self.assertEqual(listed, sorted(listed))
        self.assertGreater(checked, 80)

    def test_the_odd_one_out_is_of_another_kind(self):
        for turns in many(words.kinds, 1500):
            question, answer = turns[0]
            if "The others are " in answer:
                odd = answer.split(".")[0].split(" ")[0]
                kind = answer.split("The others are ")[1].rstrip(".")
                items = [items for name, items in words.KINDS.items() if words.PLURAL_OF.get(name, name + "s") == kind]
                self.assertTrue(items, answer)
                self.assertNotIn(odd.lower(), [item.lower() for item in items[0]])

    def test_lists_hold_no_word_twice(self):
        for kind, items in words.KINDS.items():
            self.assertEqual(len(items), len(set(items)), kind)
        for group in words.SYNONYMS + words.RHYMES:
            self.assertEqual(len(group), len(set(group)), group)


class World(unittest.TestCase):
    def test_tables(self):
        for name, fields in (("countries", 6), ("cities", 2), ("states", 2), ("elements", 4), ("animals", 8)):
            table = rows(name)
            self.assertEqual({len(row) for row in table}, {fields}, name)
            self.assertEqual(len({row[0] for row in table}), len(table), name)
        self.assertEqual(len(rows("states")), 50)
        numbers = [int(row[2]) for row in rows("elements")]
        self.assertEqual(len(set(numbers)), len(numbers))
        for name in ("facts", "science", "talk", "howto", "jokes", "meanings"):
            for forms, answers in facts(name):
                self.assertTrue(all(forms) and all(answers), (name, forms))

    def test_yes_and_no(self):
        capitals = {a: b for a, b in world.CAPITALS.pairs}
        rng = random.Random(1)
        for _ in range(3000):
            for question, answer in world.CAPITALS.turns(rng):
                found = re.match(r"Is (?!it true)(.+) the capital of ([^?]+)\?$", question)
                if found and found[2].strip() in capitals:  # not where a finger slipped
                    self.assertEqual(answer.startswith("Yes"), capitals[found[2].strip()] == found[1], (question, answer))

    def test_a_part_of_the_right_answer_is_never_called_wrong(self):
        for table in (world.CONTINENT, world.CAPITALS, world.CITIES):
            for a, b in table.pairs:
                self.assertFalse([v for v in table.others(a) if v in b or b in v])

    def test_a_back_question_has_one_answer(self):
        pairs = Pairs([("x", "1"), ("y", "1"), ("z", "2")], ["{a}?"], ["{b}."], ["Who has {b}?"], ["{a} has it."])
        rng = random.Random(0)
        for _ in range(300):
            for question, _ in pairs.turns(rng):
                self.assertNotIn("has 1", question.lower())


class LookingBack(unittest.TestCase):
    def test_an_answer_holds_what_was_told(self):
        rng = random.Random(0)
        for _ in range(3000):
            one = memory.fact(rng)
            value = memory.yours(" " + str(one.value)).strip()
            self.assertIn(value.lower(), (one.answer(rng)).lower())
            self.assertTrue(any(part.lower() in one.tell(rng).lower() for part in str(one.value).split()), one.kind)

    def test_a_correction_wins(self):
        rng = random.Random(0)
        seen = 0
        for _ in range(1500):
            turns = memory.corrected(rng, nothing)
            self.assertGreaterEqual(len(turns), 2)
            seen += any("actually" in q.lower() or "wrong" in q.lower() for q, _ in turns)
        self.assertGreater(seen, 100)

    def test_the_nth_of_a_list(self):
        rng = random.Random(2)
        checked = 0
        for _ in range(8000):
            turns = memory.a_list(rng, nothing)
            text, first = turns[0]
            found = re.search(r"(?:numbers:|numbers are|the numbers|Numbers:) ([\d, and]+)\.? (?:What is the|Which is the|Tell me the|Say only the|What did I name|Which did I say|Do you remember the) (\w+)\b", text)
            if found and found[2] in memory.ORDINALS:
                items = re.findall(r"\d+", found[1])
                self.assertIn(items[memory.ORDINALS.index(found[2]) - 1], re.findall(r"\d+", first))
                checked += 1
        self.assertGreater(checked, 5)


class Told(unittest.TestCase):
    def test_of_several_things_the_last_word_about_the_one_asked_for_counts(self):
        """The last sentence that names the thing holds the value answered; corrections come after what they correct."""
        rng = random.Random(0)
        silent = lambda rng: [("Go on!", "Gladly.")]
        checked, meant = 0, {}
        for word, slips in phrasing.SLIPS.items():
            for slip in slips:
                meant.setdefault(slip, []).append(word)
        for sort in told.SEVERAL:
            for _ in range(60):
                turns, said = told.similar(rng, silent, sort), []
                for question, answer in turns:
                    named = [k for k in sort.keys if re.search(rf"\b{k}\b", question, re.I)]
                    asked = re.match(r"(?i)(\W*)(what|where|which|when|how|who|tell)\b", question) and len(named) == 1
                    about = [s for s in said if named and re.search(rf"\b{named[0]}\b", s, re.I)]
                    if asked and about and answer not in told.NEVER and sort.values != told.JOBS:
                        value = re.sub(r"(?i)^your .* is (called |at )?|^at |^in |[.]$", "", answer)
                        words_ = set(re.findall(r"\w+", value.lower())) & {w for v in sort.values or [*NAMES, *(v for values in told.FAVOURITES.values() for v in values)] for w in re.findall(r"\w+", v.lower())}
                        self.assertTrue({w for w in words_ if w not in {"my", "your", "the"} | set(named[0].lower().split())} <= {word for w in re.findall(r"\w+", about[-1].lower()) for word in (w, *meant.get(w, ()))} | {"put", "you"}, (turns, about))
                        checked += 1
                    said += re.split(r"(?<=\w)[.!] ", question)
        self.assertGreater(checked, 250)

    def test_names_keep_their_capital_behind_that(self):
        for name in [*NAMES, "James", "Paris"]:
            for form in ("{} is here.", "{}'s dog is here.", "{}, Ann and Bo are here."):
                if name in texts.KEPT_CAPITALS:
                    self.assertEqual(texts.low(form.format(name)), form.format(name))
        self.assertEqual(texts.low("The dog is here."), "the dog is here.")

    def test_what_may_be_eaten_follows_from_the_allergy(self):
        checked = [0, 0]
        for turns in [told.used(rng, nothing) for rng in [random.Random(1)] for _ in range(2000)]:
            allergy = next((what for what in told.ALLERGIES if re.search(rf"(?i)allergic to {what}|allergy to {what}|{what} makes? me ill|eat {what}, because", turns[0][0])), None)
            for question, answer in turns[1:] if allergy else []:
                food = next((f for f in told.ALLERGIES[allergy][0] if f.lower() in question.lower()), None)
                harmless = next((f for f in told.SAFE if f.lower() in question.lower()), None)
                if food or harmless:
                    self.assertEqual(bool(food), answer.startswith(("No", "Better not")), (turns, food))
                    checked[bool(food)] += 1
        self.assertGreater(min(checked), 50)

    def test_what_is_left_of_a_list_and_which_day_is_free(self):
        seen = [0, 0]
        for turns in [told.used(rng, nothing) for rng in [random.Random(2)] for _ in range(2000)]:
            if re.search(r"(?i)still|left|else", turns[-1][0]) and re.search("(?i)buy|need|list|missing|left", turns[-1][0]) and "free" not in turns[-1][0].lower():
                listed = {item for item in told.SHOP if re.search(rf"(?<![\w ]){item}\b|[ ,:]{item}\b", turns[0][0], re.I)}
                got = next(q for q, a in turns[1:] if re.search("(?i)bought|got|done|already|found", q))
                for item in told.SHOP:
                    if re.search(rf"\b{item}\b", turns[-1][1], re.I):
                        self.assertIn(item, listed)
                        self.assertNotRegex(got.lower(), rf"(?<![\w ]){item}\b")
                seen[0] += 1
            found = re.search(r"(?i)(free|time|friend|go out|anything) on (\w+day)|is (\w+day) still free", turns[-1][0])
            if found:
                day = (found[2] or found[3]).capitalize()
                busy = any(re.search(rf"on {day}", q, re.I) for q, _ in turns[:-1])
                self.assertEqual("no plans" not in turns[-1][1], busy, turns)
                seen[1] += 1
        self.assertGreater(min(seen), 50)

    def test_details_are_those_told(self):
        for turns in [told.record(rng, nothing) for rng in [random.Random(4)] for _ in range(1500)]:
            first = turns[0][0].lower()
            for question, answer in turns[1:]:
                for word in re.findall(r"(?<=[a-z] )[A-Z]\w+|\d+|^[A-Z][a-z]+(?=\.$)", answer):
                    if (question, answer) != nothing(None)[0] and word.lower() not in ("two", "three", "four", "five"):
                        self.assertIn(word.lower(), first, turns)

    def test_family(self):
        checked = 0
        for turns in [told.family(rng, nothing) for rng in [random.Random(3)] for _ in range(1500)]:
            for question, answer in turns:
                found = re.fullmatch(r"(\w+) is (\w+?)(?:'s|') ([\w ]+)\.", answer)
                if found:
                    x, y, relation = found.groups()
                    line = [s for q, _ in turns for s in re.split(r"[.] ", q) if re.search(rf"\b{x}\b", s, re.I) and re.search(rf"\b{y}\b", s, re.I) and relation in s.lower()]
                    self.assertTrue(line, turns)
                    checked += 1
        self.assertGreater(checked, 300)


class Notes(unittest.TestCase):
    def made(self, form, number=400):
        rng = random.Random(3)
        return [form(rng, nothing) for _ in range(number)]

    def test_every_kind_is_told_and_asked_in_many_ways(self):
        self.assertGreater(len(notes.TOPICS), 90)
        self.assertGreater(len(set(notes.CORRECT + notes.LATE)), 60)
        for topic in notes.TOPICS:
            self.assertGreater(len(topic.values), 3)
            self.assertTrue(topic.direct and all("{v}" in clause for clause in topic.tells), topic.indirect)
            self.assertNotRegex(topic.full("x") + topic.brief("x"), r"\b(I|my|me|am)\b")

    def test_nothing_is_left_open_and_the_seed_decides(self):
        made = [self.made(notes.notes, 2000) for _ in range(2)]
        self.assertEqual(*made)
        for turns in made[0]:
            self.assertNotRegex(" ".join(q + a for q, a in turns), r"[{}]|\ba [aeio]\w+|  ")

    def test_what_was_told_is_answered(self):
        for turns in self.made(notes.kept):
            code = re.fullmatch(r"(?:.*\D)?(\d+)\.?", turns[-1][1])
            if code:
                self.assertIn(code[1], re.findall(r"\d+", " ".join(q for q, _ in turns[:-1])), turns)

    def test_the_last_correction_wins(self):
        checked = 0
        for turns in self.made(notes.corrected, 2000):
            if len(turns) == 3 and turns[1] != nothing(None)[0] and len(re.findall(r"\d+", turns[2][1])) == 1:
                number = re.findall(r"\d+", turns[2][1])[0]
                if re.search(r"\d", turns[0][0]) and len(set(re.findall(r"\d+", turns[1][0]))) == 1:
                    self.assertEqual({number}, set(re.findall(r"\d+", turns[1][0])), turns)
                    checked += 1
        self.assertGreater(checked, 30)

    def test_what_was_not_told_is_not_known(self):
        for turns in self.made(notes.missing):
            self.assertTrue(any(re.search("have not|never said|did not tell", a) for _, a in turns), turns)

    def test_differences_and_counts(self):
        checked = 0
        for turns in self.made(notes.compared, 1500):
            if re.match(r"\d+ (years|cent|kilo|points)", turns[-1][1]):
                given = [int(n) for q, _ in turns[:-1] for n in re.findall(r"\d+", q)]
                self.assertEqual(int(turns[-1][1].split()[0]), max(given) - min(given), turns)
                checked += 1
        self.assertGreater(checked, 20)
        for turns in self.made(notes.counted, 1500):
            found = re.match(r"(?:You \w+ )?(\w+)(?: things)?: (.*)\.", turns[-1][1])
            if found:
                self.assertEqual(notes.COUNTS.index(found[1].lower()), len(re.split(", | and ", found[2])), turns)


class Stories(unittest.TestCase):
    def test_what_was_asked_for_stands_in_the_story(self):
        self.assertGreater(len(stories.PLOTS) + len(stories.SKY_PLOTS), 59)
        wanted = set(stories.ANIMALS + list(stories.PEOPLE) + stories.BEINGS + stories.THINGS + stories.LOOKS + stories.TEMPERS + stories.PET_LIKE) - {"little", "tiny", "old", "funny", "boy", "girl"}
        for turns in many(stories.stories, 3000):
            question, story = turns[0]
            self.assertNotRegex(question + story, r"[{}]|\ba [aeio]\w+|  |\.\.")
            self.assertRegex(story, r'[.!?"]$')
            asked = re.sub(r"(?i)for my little sister|my (son|daughter|kids)|for (the class|children)|sweet story|nice story|fairy tale", "", question)
            for word in re.findall(r"[A-Za-z]+", asked):
                if word in wanted:
                    self.assertRegex(story, rf"(?i)\b{word}\b", question)
            for place in stories.PLACES:
                if re.search(rf"\b{place}\b", asked):
                    self.assertIn(place, story.replace(story[0], story[0].lower(), 1).lower(), question)

    def test_it_has_as_many_sentences_as_asked(self):
        for turns in many(stories.stories, 2000):
            found = re.search(r"(?i)\b(two|three|four|five|[2-5]) sentences", turns[0][0])
            if found:
                number = ["two", "three", "four", "five"].index(found[1].lower()) + 2 if found[1].isalpha() else int(found[1])
                self.assertEqual(len(re.findall(r"[.!?](?= [A-Z]|$)", turns[0][1].replace("said: Shall we be friends?", "said so."))), number, turns)


class Feelings(unittest.TestCase):
    def test_bad_news_is_never_congratulated(self):
        for turns in many(feelings.grief, 1500):
            self.assertNotRegex(turns[0][1], r"(?i)congrat|wonderful|great|glad|nice|good news|enjoy", turns)
            self.assertRegex(turns[0][1], r"sorry", turns)
        bad = r"(?i)\b(died|fired|failed|stolen|cancer\.|laid off|left me|miscarriage|burned down|bully)"
        good = r"(?i)\b(got the job|passed (my|her|his|their) |promoted|engaged|pregnant|we won|negative|came back|lost (five|ten) kilos|beaten cancer)"
        seen = [0, 0]
        for turns in many(feelings.situation, 6000):
            question, answer = turns[0]
            if re.search(good, question):
                seen[0] += 1
                self.assertNotRegex(answer, r"(?i)\bsorry\b|\bpity\b", turns)
            elif re.search(bad, question) and "beaten" not in question:
                seen[1] += 1
                self.assertNotRegex(answer, r"(?i)congrat|wonderful|good news|\bgreat\b", turns)
        self.assertGreater(min(seen), 200)

    def test_an_answer_speaks_of_whom_the_visitor_spoke(self):
        whom = r"(?i)\b(" + "|".join(sorted({*PETS, *RELATIVES, *feelings.LOST_PEOPLE}, key=len, reverse=True)) + r")\b"
        for turns in many(feelings.situation, 3000) + many(feelings.grief, 1000):
            question, answer = turns[0]
            for person in re.findall(r"(?i)\byour " + whom[4:], answer):
                self.assertIn(person.lower(), question.lower(), turns)
            self.assertNotRegex(answer, r"\bthey is\b|\bis they\b|\bdoes they\b|  |\. [a-z]", turns)

    def test_danger_is_answered_with_where_to_find_help(self):
        for turns in many(feelings.care, 1500):
            question, answer = turns[0]
            self.assertRegex(answer, r"112|988|won't|can't help|doctor|police|talk to someone you trust", turns)
            if re.search(r"(?i)kill myself|end my life|want to live|alive", question):
                self.assertIn("988", answer)

    def test_every_situation_has_its_parts(self):
        for kind, forms, about, back in feelings.SITUATIONS:
            self.assertIn(kind, feelings.OPENINGS)
            self.assertGreaterEqual(len(set(forms)), 2, forms)
            self.assertTrue(all(about) and all(back), forms)


class Passages(unittest.TestCase):
    def test_an_answer_stands_in_the_text(self):
        """Every name and number of an answer is of the text or the question, or the result of a sum in it."""
        rng = random.Random(0)
        for _ in range(3000):
            made = rng.choice(passages.MAKERS)(rng)
            question, answer = passages.question(rng, made)
            known = set(re.findall(r"\w+", (made[0] + " " + question).lower()))
            for word in re.findall(r"(?<=[a-z] )[A-Z]\w+|\d+", answer):
                if "=" not in answer and "years" not in answer and word != "I":
                    self.assertIn(word.lower(), known, (made[0], question, answer))

    def test_words_are_counted_and_swapped_right(self):
        rng = random.Random(4)
        counted = 0
        for _ in range(4000):
            question, answer = passages.rewriting(rng, nothing)[0]
            found = re.fullmatch(r"Number of words in: (.+)", question)
            if found:
                self.assertIn(answer.split()[0].lower() if not answer.startswith(("It has", "There are")) else answer.split()[2], [f"{words.numeral(len(found[1].split()))}", f"{words.numeral(len(found[1].split()))}.", str(len(found[1].split()))], (question, answer))
                counted += 1
        self.assertGreater(counted, 5)
        for _ in range(300):
            x, y, before, after = passages.swapped(rng)
            self.assertEqual(before.replace(x, y), after)

    def test_a_slip_is_corrected(self):
        rng = random.Random(5)
        for _ in range(300):
            before, after = passages.wrong(rng)
            self.assertNotEqual(before, after)
            self.assertEqual(len(set(before.split()) ^ set(after.split())), 2, (before, after))

    def test_a_race_ends_as_told(self):
        rng = random.Random(6)
        for _ in range(200):
            text, asked, _, gist, _ = passages.race(rng)
            first = re.search(r"race (\w+) was first", text)[1]
            last = re.search(r"(\w+) fell and", text)
            passing = re.search(r"(\w+) passed", text)
            if passing:
                self.assertTrue(gist.startswith(passing[1] + " won"), (text, gist))
                self.assertIn(f"ahead of {first}", gist)
            else:
                self.assertEqual(last[1], first)
                self.assertTrue(gist.endswith(f"and {first}."), (text, gist))

    def test_makers_give_all_their_parts(self):
        rng = random.Random(1)
        for maker in passages.MAKERS:
            for _ in range(50):
                text, asked, open_, gist, values = maker(rng)
                self.assertTrue(text and gist and open_ and len(asked) >= 4, maker)
                for forms, answers in asked:
                    for form in forms:
                        self.assertNotRegex(form.format(**values), r"[{}]")
                    self.assertTrue(all(answers))


class Texts(unittest.TestCase):
    def made(self, maker, number=80):
        rng = random.Random(7)
        return [maker(rng) for _ in range(number)]

    def test_names_and_numbers_of_an_answer_stand_in_the_text(self):
        for maker in dict.fromkeys(texts.MAKERS):
            for made in self.made(maker, 40):
                known = set(re.findall(r"\w+", made.text.lower()))
                self.assertGreaterEqual(len(made.asked), 4)
                self.assertTrue(made.open and made.claims and made.gist)
                for forms, answers in made.asked:
                    for answer in answers:
                        self.assertRegex(answer, r"[.\"]$")
                        self.assertNotRegex(answer + " ".join(forms), r"[{}]|  |\.\.|\b1 euros|\b1 degrees")
                        for word in re.findall(r"(?<=[a-z] )[A-Z]\w+|\d+", answer):
                            if "=" not in answer and "late, so" not in answer:
                                self.assertTrue(word.lower() in known or word.lower() in " ".join(forms).lower(), (made.text, forms, answer))

    def test_a_false_claim_is_not_in_the_text(self):
        """Of a place, price or time claimed, the text says another in the sentence of the thing itself."""
        for made in self.made(texts.compared, 300) + self.made(texts.order, 100):
            lines = re.split(r"[.;,] |\band\b", made.text)
            for true, false in made.claims:
                for claim, holds in ((true, True), (false, False)):
                    found = re.match(r"(?i)(?:the )?(.+?) (?:costs|is|has|read|weighs|had|needs) (\d+)", claim or "")
                    if found:
                        self.assertEqual(any(re.search(rf"\b{found[1]}\b", line, re.I) and re.search(rf"\b{found[2]}\b", line) for line in lines), holds, (made.text, claim))

    def test_the_largest_the_first_the_winner(self):
        """Computed again from the numbers of the text alone."""
        checked = collections.Counter()
        for made in self.made(texts.timetable, 200):
            times = {}
            for line in re.split(r"(?<=\.) ", made.text):
                found = re.search(r"\b(?:to|for) ([A-Z][\w ]+?)(?: leaves|,|\.).*", line)
                clock = re.search(r"(\d+):(\d\d)", line)
                if found and clock:
                    times[found[1]] = int(clock[1]) * 60 + int(clock[2])
            for forms, answers in made.asked:
                for word, of in (("leaves first", min), ("leaves last", max)):
                    if word in forms[0]:
                        self.assertIn(of(times, key=times.get), answers[0], made.text)
                        checked[word] += 1
        for made in self.made(texts.flats, 200):
            rents = sorted(map(int, re.findall(r"(\d+) euros", made.text)))
            for forms, answers in made.asked:
                if "cheapest" in forms[0] or "most expensive" in forms[0]:
                    self.assertIn(str(rents[0 if "cheapest" in forms[0] else -1]), answers[0])
                    checked["rent"] += 1
        for made in self.made(texts.results, 200):
            for left, how, right, a, b in re.findall(r"([A-Z][\w ]+?) (beat|lost to|against) ([A-Z][\w ]+?) (?:ended )?(\d):(\d)", re.sub(r"On \w+day |.*results: ", "", made.text)):
                winner = left if int(a) > int(b) else right
                for forms, answers in made.asked:
                    if forms[0] in (f"Who won, {left} or {right}?", f"Who won, {right} or {left}?"):
                        self.assertIn(winner, answers[0])
                        checked["match"] += 1
        for made in self.made(texts.moves, 200):
            place = {}
            for line in re.split(r"(?<=\.) ", made.text):
                found = re.search(r"the (\w+) (?:from the \w+ )?(?:to|in) the (\w+)\.", line)
                if found and not line.startswith("In the evening"):
                    place[found[1]] = found[2]
            for forms, answers in made.asked:
                found = re.fullmatch(r"Where is the (\w+)\?", forms[0])
                if found:
                    self.assertIn(place[found[1]], answers[0], made.text)
                    checked["moves"] += 1
        for made in self.made(texts.compared, 300):
            for forms, answers in made.asked:
                found = re.search(r"with (\d+)", answers[-1])
                if found and re.search(r"est\?|most\b.*\?|least\b.*\?|expensive", forms[0]):
                    numbers = sorted(map(int, re.findall(r"\d+", made.text)))
                    self.assertEqual(int(found[1]), numbers[0 if re.search("youngest|shortest|lightest|cheapest|fewest|nearest|least", forms[0]) else -1], (made.text, forms))
                    checked["compared"] += 1
        for name in ("leaves first", "leaves last", "rent", "match", "moves", "compared"):
            self.assertGreater(checked[name], 50, checked)

    def test_true_or_false_is_answered_so(self):
        rng = random.Random(9)
        for _ in range(4000):
            made = rng.choice(texts.MAKERS)(rng)
            question, answer = texts.question(rng, made)
            if "true or false" in question.lower():
                self.assertRegex(answer, r"^(True|False)\.")
                claims = [true for true, false in made.claims if re.search(r"(^|[:?] )" + re.escape(true), question)]
                self.assertEqual(bool(claims), answer.startswith("True"), (question, answer))


class Reading(unittest.TestCase):
    """The passages here are written for the test, so that no corpus is needed."""
    BOOK = ["Tom walked to the market to buy bread. The sun was high and the street was empty. Anna had three brothers in London. Tom's dog barked at the moon. The old farmer saved the house by throwing water on the fire.",
            "Peter opened the window because the room was hot. A blue boat lay on the beach. Five men came to the river in the evening. Captain Smith sailed to the island. The boys stayed in the cave for three days."]
    ARTICLE = ["The bridge was built in 1932 because of heavy traffic. It is 120 metres long. The bridge is made of steel and stone. The company was founded in 1970. Many crops such as rice, wheat and maize are grown there.",
               "The capital of Peru is Lima. In 1954, the museum was moved to Paris. The river was crossed by a ferry until the tunnel opened. The tower is used as a lighthouse. The book was written by Henry Miller."]

    def texts(self):
        made = [reading.Text("", set(), self.BOOK, False), reading.Text("The Bridge", set(), self.ARTICLE, False)]
        small = set(re.findall(r"\b[a-z]+\b", " ".join(self.BOOK + self.ARTICLE)))
        return reading.Texts([[(text, n) for n in range(len(text.paragraphs))] for text in made], small)

    def asked(self, sentence):
        texts = self.texts()
        found = {}
        for seed in range(40):
            for kind, q, r, _ in reading.ask(random.Random(seed), texts.reader, sentence, texts.groups[0][0][0], None, None, sentence):
                found.setdefault(q, set()).add(r)
        return found

    def test_questions_of_one_sentence(self):
        for sentence, question, answers in [
                ("Tom walked to the market to buy bread.", "Why did Tom walk to the market?", None),
                ("Anna went to the market to buy bread.", "Why did Anna go to the market?", {"To buy bread.", "Anna went to the market to buy bread."}),
                ("Anna had three brothers in London.", "How many brothers did Anna have in London?", {"Three.", "Three brothers.", "Anna had three brothers in London."}),
                ("Tom's dog barked at the moon.", "Whose dog barked at the moon?", {"Tom's.", "Tom's dog barked at the moon."}),
                ("The farmer saved the house by throwing water on the fire.", "How did the farmer save the house?", {"By throwing water on the fire.", "The farmer saved the house by throwing water on the fire."}),
                ("The bridge was closed in 1970 because of heavy rain.", "Why was the bridge closed?", {"Because of heavy rain.", "The bridge was closed because of heavy rain."}),
                ("Five men came to the house in the evening.", "How many men came to the house in the evening?", {"Five.", "Five men came to the house in the evening."}),
                ("Captain Smith was buried in the church.", "Where was Captain Smith buried?", {"In the church.", "Captain Smith was buried in the church."}),
                ("The tower is used as a lighthouse.", "What is the tower used as?", {"A lighthouse.", "As a lighthouse.", "The tower is used as a lighthouse."})]:
            found = self.asked(sentence)
            if answers:
                self.assertEqual(found.get(question), answers, (sentence, found))
            else:
                self.assertTrue(found, sentence)

    def test_what_the_pattern_does_not_fit_is_not_asked_about(self):
        for sentence in ["The house built in 1920 was sold.", "They went to the market.", "However, it was late.", "Nobody opened the door.", "He gave it to them."]:
            for question in self.asked(sentence):
                self.assertNotRegex(question, r"house build|they|nobody|\bhe\b|\bit\b", sentence)

    def test_answers_stand_in_the_passage(self):
        texts, rng, checked = self.texts(), random.Random(2), 0
        for _ in range(1500):
            turns = reading.reading(rng, nothing, texts)
            told = " ".join(question for question, _ in turns)
            for question, answer in turns:
                self.assertNotRegex(question + answer, r"[{}]|  |\bNone\b")
                if answer in passages.UNKNOWN + passages.READ or "\n" in answer or re.match(r"(Yes|No|True|False)\b", answer):
                    continue
                for word in re.findall(r"(?<=[a-z] )[A-Z]\w+|\d+", answer):
                    self.assertIn(word.lower(), told.lower(), turns)
                checked += 1
        self.assertGreater(checked, 800)

    def test_true_and_false_are_told_apart(self):
        texts, rng, seen = self.texts(), random.Random(3), collections.Counter()
        whole = " ".join(self.BOOK + self.ARTICLE).lower()
        for _ in range(3000):
            for question, answer in reading.reading(rng, nothing, texts):
                found = re.search(r"true or false: ([^\n?\"”\]]+?)\.?(?:$|\n)", question, re.I)
                if found and re.match("(True|False)", answer):
                    seen[answer.split(".")[0].split(",")[0]] += 1
                    claim = found[1].lower().rstrip(". ")
                    if claim in whole:
                        self.assertTrue(answer.startswith("True"), (question, answer))
        self.assertTrue(seen["True"] and seen["False"], seen)

    def test_a_changed_detail_is_a_word_of_its_own(self):
        rng = random.Random(4)
        for _ in range(200):
            got = reading.changed(rng, "the term was extended by four years", "the term was extended by four years")
            self.assertEqual(got[0], "four")

    def test_base_forms(self):
        for past, base in [("went", "go"), ("stopped", "stop"), ("carried", "carry"), ("moved", "move"), ("opened", "open"), ("wrote", "write"), ("travelled", "travel")]:
            self.assertEqual(reading.PAST[past], base)

    def test_the_same_seed_makes_the_same(self):
        runs = [[reading.reading(rng, nothing, self.texts()) for rng in [random.Random(7)]] for _ in range(2)]
        self.assertEqual(*runs)

    def test_unkind_sentences_are_left_out(self):
        self.assertTrue(reading.UNKIND.search("He was killed by a gun."))
        self.assertFalse(reading.UNKIND.search("She skilfully opened the door."))


class Shard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dialogues = {kind: Making(3).dialogues(kind, MADE, questions.held_back, questions.normal) for kind in KINDS}

    def test_forms(self):
        for kind, made in self.dialogues.items():
            for dialogue in made:
                roles = [message["role"] for message in dialogue["messages"]]
                self.assertEqual(roles, ["user", "assistant"] * (len(roles) // 2), dialogue)
                for message in dialogue["messages"]:
                    self.assertTrue(message["content"].strip(), dialogue)
                    self.assertNotRegex(message["content"], r"[{}|]|  |\bNone\b(?!\.$)|\b[Aa] [aeio]\w+ (is|was|has|called)\b", dialogue)

    def test_no_dialogue_stands_twice_and_few_questions_do(self):
        for kind, made in self.dialogues.items():
            asked = [tuple(m["content"] for m in d["messages"] if m["role"] == "user") for d in made]
            self.assertEqual(len(asked), len(set(asked)), kind)
            if made:
                most = collections.Counter(questions.normal(a[0]) for a in asked).most_common(1)[0][1]
                self.assertLess(most, 0.05 * len(asked), kind)

    def test_the_same_seed_makes_the_same(self):
        for kind in ("memory", "world"):
            again = Making(3).dialogues(kind, MADE, questions.held_back, questions.normal)
            self.assertEqual(again, self.dialogues[kind])
            other = Making(4).dialogues(kind, MADE, questions.held_back, questions.normal)
            self.assertNotEqual(other, self.dialogues[kind])

    def test_nothing_of_the_dev_set_is_in_it(self):
        for made in self.dialogues.values():
            for dialogue in made:
                self.assertFalse(questions.held_back(dialogue["messages"]))

    def test_stories_end(self):
        for turns in many(tales.story, 200):
            self.assertRegex(turns[0][1], r"[.!\"]$")
            self.assertGreater(len(turns[0][1].split()), 40)


class Everyday(unittest.TestCase):
    def passages(self, number=4000, seed=0, maker=everyday.passage):
        rng = random.Random(seed)
        return [maker(rng) for _ in range(number)]

    def test_the_table_is_large(self):
        self.assertGreaterEqual(len(everyday.PLACES) + len(everyday.CODED), 45)
        self.assertEqual(len({scene.name for scene in everyday.SCENES}), len(everyday.SCENES))
        self.assertGreaterEqual(sum(fact.sort == "=" for scene in everyday.SCENES for fact in scene.facts), 150)

    def test_every_wording_and_question_can_be_filled(self):
        rng = random.Random(1)
        for scene in everyday.SCENES:
            self.assertTrue(scene.open or scene.name.startswith("causes"), scene.name)
            for fact in scene.facts:
                made = everyday.Passage()
                tell = {"%": everyday.tell_contrast, "=": everyday.tell_cause}.get(fact.sort, everyday.tell_plain)
                tell(rng, everyday.Slots(rng, scene.pools), fact, made, set())
                self.assertTrue(made.questions, fact.says)
                for _, slots, asks, answers in made.questions:
                    for form in asks + answers:
                        self.assertNotRegex(everyday.fill(slots, form), r"[{}<>|;]|  |^.?$", (scene.name, form))

    def test_what_differs_stands_in_the_text_where_it_belongs(self):
        checked = 0
        for made in self.passages():
            for _, slots, asks, answers in made.questions:
                if isinstance(slots, everyday.Local):
                    text = made.text.lower()
                    self.assertIn(str(slots["c"]).lower(), text)
                    self.assertIn(str(slots["v"]).lower(), text)
                    clauses = [c for c in re.split(r"[;,.]? and |, but |[;,.] ", text)]
                    pairs = [c for c in clauses if slots["c"].lower() in c and slots["v"].lower() in c]
                    checked += bool(pairs)
        self.assertGreater(checked, 5000)

    def test_what_is_worked_out_is_worked_out_again(self):
        rng = random.Random(4)
        ends = {"cheapest": min, "most expensive": max}
        for made in self.passages(300, 5, everyday.price_list):
            found = {int(n) for n in re.findall(r"\d+", " ".join(made.sentences))}
            for _, slots, asks, answers in made.questions:
                for word, of in ends.items():
                    if any(f"is the {word}" in ask.lower() for ask in asks):
                        self.assertIn(str(of(found)), " ".join(answers), made.sentences)
        for made in self.passages(300, 6, everyday.departures):
            found = sorted(re.findall(r"\d+:\d\d", " ".join(made.sentences)), key=lambda t: tuple(map(int, t.split(":"))))
            for _, slots, asks, answers in made.questions:
                for word, at in (("first", 0), ("last", -1)):
                    if any(f"leaves {word}?" in ask for ask in asks):
                        self.assertIn(found[at], answers[1], made.sentences)
        for made in self.passages(300, 7, everyday.three_things):
            found = {int(n): f"{x}" for x, n in re.findall(r"(?i)the ([\w]+) \w+ (?:is|has|weighs|needs|lasts|burns for|can carry) (\d+)", " ".join(made.sentences))}
            self.assertEqual(len(found), 3, made.sentences)
            for _, slots, asks, answers in made.questions:
                if re.search("longest|highest|heaviest|tallest|oldest|widest|deepest|the most", asks[0]) and "Which" in asks[0]:
                    self.assertIn(found[max(found)], answers[0], made.sentences)

    def test_people_are_counted_right(self):
        checked = 0
        for made in self.passages():
            if made.counting and len(made.people) > 1:
                named = set(re.findall(r"[^\W\d_]+", made.text)) & set(NAMES)
                self.assertLessEqual(made.people, named)
                checked += made.people == named
        self.assertGreater(checked, 500)

    def test_shares(self):
        rng = random.Random(2)
        number, unknown, differ, bare = 6000, 0, 0, 0
        for made in self.passages(number, 8):
            question, answer = everyday.question(rng, made)
            self.assertNotRegex(question + answer, r"[{}<>|]|  ", made.text)
            unknown += answer in passages.UNKNOWN
            bare += len(answer.split()) <= 4
        self.assertTrue(0.04 < unknown / number < 0.08, unknown)
        self.assertTrue(0.35 < bare / number < 0.65, bare)

    def test_true_or_false(self):
        rng = random.Random(9)
        for made in self.passages(2000, 10):
            for true, false in made.claims:
                self.assertNotEqual(true, false)

    def test_the_same_seed_makes_the_same(self):
        self.assertEqual(many(lambda r: everyday.everyday(r, nothing), 200), many(lambda r: everyday.everyday(r, nothing), 200))
        self.assertEqual(len({turns[0] for turns in many(lambda r: everyday.everyday(r, nothing), 3000)}), 3000)


class HowTo(unittest.TestCase):
    def test_gerunds(self):
        for phrase, doing in (("boil an egg", "boiling an egg"), ("make tea", "making tea"), ("tie a tie", "tying a tie"), ("stop hiccups", "stopping hiccups"), ("dye eggs", "dyeing eggs"), ("free space", "freeing space"), ("swim", "swimming")):
            self.assertEqual(tales.gerund(phrase), doing)

    def test_every_thing_is_asked_in_several_forms(self):
        for forms, answers in tales.HOWTO:
            self.assertGreaterEqual(len(set(forms)), 4, forms)
            self.assertTrue(answers[0], forms)
        rng = random.Random(0)
        known = {answers[0] for _, answers in tales.HOWTO}
        for _ in range(500):
            question, answer = tales.howto(rng)[0]
            self.assertIn(re.sub(r"^\d+\. ", "", answer, flags=re.M).replace("\n", " ") if answer.startswith("1. ") else answer, known)


class Questions(unittest.TestCase):
    def test_the_sets(self):
        for path, number in zip(questions.SETS, (400, 120, 120)):
            loaded = questions.load(path)
            self.assertEqual(len({tuple(question["messages"]) for question in loaded}), number)
            self.assertEqual(len(loaded), number)
            self.assertEqual(set(question["kind"] for question in loaded), set(questions.KINDS))
            for question in loaded:
                re.compile(question["answer"], re.I)
                self.assertIsNone(re.fullmatch(question["answer"], "", re.I), question)

    def asked(self, *turns):
        return [message for turn in turns for message in ({"role": "user", "content": turn}, {"role": "assistant", "content": "Yes."})]

    def test_held_back_whatever_the_dress(self):
        held = questions.Held([{"messages": ["What's the capital of Greece?"]}, {"messages": ["hiya"]}, {"messages": ["I am Tom.", "Who am I?"]}])
        for turn in ("whats the capital of greece", "Hi! What's the capital of Greece? Thanks.", "HIYA!"):
            self.assertTrue(held(self.asked(turn)), turn)
        self.assertTrue(held(self.asked("Hello", "what's the CAPITAL of Greece")))
        self.assertTrue(held(self.asked("I am Tom", "Nice day", "who am i")))
        for turns in (("What is the capital of Italy?",), ("Hiya, what is the time?",), ("I am Tom.",), ("I am Ben.", "Who am I?"), ("Who am I?",)):
            self.assertFalse(held(self.asked(*turns)), turns)

    def test_every_question_is_held_back(self):
        for question in [question for path in questions.SETS for question in questions.load(path)]:
            self.assertTrue(questions.held_back(self.asked(*question["messages"])), json.dumps(question))


if __name__ == "__main__":
    unittest.main()
