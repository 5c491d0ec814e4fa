"""How visitors write: the same question formal and colloquial, with greetings, without capitals, with slips of the fingers."""

BEFORE = ["Hi! ", "Hello. ", "Hey, ", "Hi, ", "Hello! ", "Quick question: ", "Question: ", "Please tell me: ", "Tell me, ", "Ok, ",
          "So, ", "I have a question. ", "Sorry, ", "One more thing: ", "Good morning! ", "Good evening. ", "Let me ask you: ",
          "Help me please: ", "I forgot: ", "For school: ", "My son asks: ", "For a quiz: ", "Just checking: ", "I was wondering, ",
          "Samba, ", "Hey Samba, ", "Now ", "And ", "Well, ", "Um, ", "Excuse me, ", "Hmm, "]
AFTER = [" Please.", " Thanks!", " Thank you.", " please", " thanks", " Do you know?", " I can't remember.", " Thanks in advance.",
         " Please keep it short.", " Answer briefly."]
SLIPS = {"what": ["waht", "wat", "whta", "wht"], "the": ["teh", "hte", "th"], "which": ["wich", "whcih", "witch"],
         "capital": ["captial", "capitol", "capitl"], "how": ["hwo", "ho"], "many": ["mny", "mayn"], "does": ["dose", "deos"],
         "is": ["si", "iz"], "you": ["u", "yuo", "yu"], "are": ["r", "aer"], "where": ["were", "wher"], "country": ["contry", "coutry"],
         "because": ["becuase"], "people": ["poeple"], "opposite": ["oposite", "opposit"], "animal": ["animl", "aminal"],
         "please": ["pls", "plz", "plese"], "mean": ["maen", "men"], "word": ["wrod", "wrd"], "number": ["nubmer", "numbr"],
         "colour": ["color", "coulour"], "whose": ["who's"], "my": ["mi", "ym"], "name": ["nmae", "naem"], "did": ["dd", "did"],
         "language": ["langauge", "languge"], "currency": ["curency", "currancy"], "with": ["wiht", "wth"], "and": ["adn", "nad"],
         "of": ["fo", "of"], "your": ["ur", "yuor"], "about": ["abuot", "abt"], "tell": ["tel"], "have": ["hvae", "hav"],
         "why": ["wy", "whhy"], "plus": ["pluss"], "times": ["tiems"], "there": ["ther", "thier"], "would": ["woud"]}
SHORT = [("What is ", "What's "), ("what is ", "what's "), ("What is ", "Whats "), ("what is ", "whats "), ("Who is ", "Who's "),
         ("do not ", "don't "), ("I am ", "I'm "), ("I am ", "im "), ("I have ", "I've "), ("It is ", "It's "), ("Where is ", "Where's ")]


def slip(random, text):
    """One word mistyped, if it has one of SLIPS."""
    words = text.split(" ")
    able = [i for i, word in enumerate(words) if word.lower() in SLIPS]
    if able:
        i = random.choice(able)
        words[i] = random.choice(SLIPS[words[i].lower()])
    return " ".join(words)


def lower_first(text):
    """For a text behind "Hey, ": a capital of a common first word goes, that of a name stays."""
    first = text.split(" ")[0].strip("?,.!:'\"")
    common = first.lower() in COMMON
    return text[0].lower() + text[1:] if common and first != "I" else text


COMMON = set("""what which who where when why how is are do does can could name tell give say write list find the a an in of and for at
to please my if was were did has have has count add complete spell translate explain put make turn sort solve calculate compute
double half whats what's who's where's how's describe define work will would should on from by between from there it i'd i'll this
that pick choose was round share take multiply divide subtract read answer correct it's we our we're there they today yesterday nobody someone
everybody since losing he she his her no not so yes""".split())


def styled(random, text, after=True):
    """One way in which a visitor could write the question. Its words stay; their order, too."""
    draw = random.random()
    if draw < 0.34:
        return text
    if random.random() < 0.25:
        old, new = random.choice(SHORT)
        text = text.replace(old, new, 1)
    if draw > 0.93:
        text = slip(random, text)
    if draw < 0.46 and "\n" not in text:
        return text.lower().rstrip("?.")
    if draw < 0.52 and "\n" not in text:
        return text.lower()
    if draw < 0.57:
        return text.rstrip("?.")
    if draw < 0.59:
        return text.rstrip("?. ") + random.choice(["??", " ?", "?!", "..."])
    if draw < 0.61 and "\n" not in text and len(text) < 60:
        return text.upper()
    if draw < 0.80:
        text = random.choice(BEFORE) + lower_first(text)
        if random.random() < 0.3:
            text = text.lower().rstrip("?.")
        return text
    if draw < 0.88 and after and text[-1] in "?.":
        return text + random.choice(AFTER)
    return text


TOLD = ["Hi, ", "Hello! ", "By the way, ", "Just so you know: ", "Hey, ", "Listen: ", "Okay, ", "So, ", "Oh, ", "FYI: ", "Well, ", "Please note: ", "You should know: ", "Something about me: "]


def told(random, text):
    """One way in which a visitor could write what is no question."""
    draw = random.random()
    if draw < 0.5:
        return text
    if draw < 0.6:
        return text.lower().rstrip(".")
    if draw < 0.68:
        return text.rstrip(".")
    if draw < 0.72:
        return slip(random, text)
    if draw < 0.76:
        return text.rstrip(".") + "!" if text.endswith(".") else text
    if draw < 0.9 and "\n" not in text:
        text = random.choice(TOLD) + lower_first(text)
        return text.lower() if random.random() < 0.3 else text
    return text


def pick(random, forms, **values):
    """One of the forms, its {places} filled."""
    return capital(random.choice(forms).format(**values).replace("s's ", "s' "))


def capital(text):
    return text[:1].upper() + text[1:]


def ask(random, forms, **values):
    """A question from one of the forms, as some visitor writes it."""
    return styled(random, pick(random, forms, **values))


def a(noun):
    """The noun with its article."""
    if noun.startswith(("uni", "use", "eu", "one", "ute")) and not noun.startswith(("unim", "unin", "unus")):
        return "a " + noun
    return ("an " if noun[0].lower() in "aeiou" or noun.startswith(("hour", "honest", "heir")) else "a ") + noun


def listed(items, word="and"):
    """a, b and c"""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + f" {word} " + items[-1]
