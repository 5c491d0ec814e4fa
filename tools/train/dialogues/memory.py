"""Looking back: what was said in one turn is asked for turns later, with other talk between."""
from .lists import (BOYS, CITIES, COLOURS, DAYS, DRINKS, FOODS, GIRLS, HER, HIS, HOBBIES, INSTRUMENTS, JOBS, KEPT, MONTHS, NAMES, PET_NAMES, PETS, RELATIVES, SHOP,
                    SINGULAR_KEPT, SPORTS, SPOTS, SUBJECTS, SURNAMES, THINGS)
from .numbers import ORDINALS, ordinal
from .phrasing import a, ask, capital, listed, lower_first, pick, styled, told

NOTED = ["Noted.", "Okay, I will remember that in this chat.", "Got it.", "All right.", "Thanks for telling me.", "I will keep that in mind.", "Good to know.", "Understood.", "Okay.", "Thank you, noted.", "Sure, I will remember it here."]

REMINDING = ["Memory test: {l}", "Let me see if you paid attention. {q}", "Back to what I told you. {q}", "{q} I told you before.", "{q} You should know it.", "I told you earlier: {l}", "Do you still remember? {q}", "Now a question about me: {l}", "Think back. {q}", "Earlier I told you something. {q}", "{q} I forgot.",
             "{q} I said it above.", "I need to check: {l}", "{q} You may look above.", "Can you recall? {q}", "Please remind me. {q}", "Test: {l}", "And now: {l}"]


class Fact:
    """Something a visitor says of themselves: ways to tell it, ways to ask for it, ways to answer."""

    def __init__(self, kind, value, tell, query, answer, reply=(), **more):
        self.kind, self.value, self.forms, self.queries, self.answers, self.replies, self.more = kind, value, tell, query, answer, list(reply), more

    def tell(self, random):
        return told(random, pick(random, self.forms, v=self.value, **self.more))

    def plain(self, random):
        """Told in a whole sentence without noise, for joining with others."""
        return pick(random, self.forms[:3], v=self.value, **self.more).rstrip(".!")

    def noted(self, random):
        forms = self.replies * 2 + [*NOTED[:5]] if self.replies else NOTED
        return pick(random, forms, v=self.value, **self.more)

    def ask(self, random):
        if random.random() < 0.2:
            query = pick(random, self.queries, v=self.value, **self.more)
            return pick(random, REMINDING, q=query, l=lower_first(query))
        return ask(random, self.queries, v=self.value, **self.more)

    def answer(self, random):
        return pick(random, self.answers + [self.answers[0]] * 3, v=self.value, **self.more)


def name(random):
    v = random.choice(NAMES)
    return Fact("name", v, ["My name is {v}.", "I am {v}.", "I'm called {v}.", "Hi, I'm {v}.", "Hello, my name is {v}.", "You can call me {v}.", "Call me {v}.", "hey im {v}", "{v} here.", "The name's {v}.", "Hi! {v} here, nice to meet you.", "My name's {v}, what's yours?",
                            "People call me {v}."],
                ["What is my name?", "What's my name?", "Do you remember my name?", "Who am I?", "what was my name again", "Do you still know my name?", "How am I called?", "Can you tell me my name?", "What did I say my name was?", "What name did I give you?", "Tell me my name.", "Do you know who I am?", "By what name do you know me?", "Who is talking to you?", "Which name did I tell you?", "Say my name.",
                 "what am i called", "Have you forgotten my name?|n"],
                ["Your name is {v}.", "You are {v}.", "You told me that your name is {v}.", "{v}.", "Yes, your name is {v}.", "You said your name is {v}."],
                ["Nice to meet you, {v}!", "Hello, {v}! How can I help you?", "Hi {v}, nice to meet you. I am Samba.", "Welcome, {v}! What can I do for you?", "Hello {v}!", "Pleased to meet you, {v}."])


def simple(kind, values, tell, query, answer, reply=()):
    def make(random):
        v = random.choice(values)
        return Fact(kind, v, tell, query, answer, reply, an=a(v) if isinstance(v, str) else "", x=v.removeprefix("my "))
    return make


def pet(random):
    p, v, c = random.choice(PETS), random.choice(PET_NAMES), random.choice(["black", "white", "brown", "grey", "old", "young", "small", "big", "little"])
    return Fact("pet", v, ["I have {an} called {v}.", "My {p} is called {v}.", "The name of my {p} is {v}.", "I've got {an} named {v}.", "My {p}'s name is {v}.", "We have a {c} {p}. Its name is {v}.", "This is my {p} {v}.", "I just got {an}! We named it {v}."],
                ["What is my {p} called?", "What's the name of my {p}?", "what is my {p}s name", "Do you remember my {p}'s name?", "How is my {p} called?", "What was my {p}'s name again?", "Which name does my {p} have?", "What is the name of my pet?", "What did I call my {p}?", "Tell me my {p}'s name."],
                ["Your {p} is called {v}.", "Your {p}'s name is {v}.", "{v}.", "It is called {v}.", "Your {p} is {v}.", "You told me that your {p} is called {v}."],
                ["{v} is a lovely name for {an}.", "How nice! {v} sounds sweet.", "Say hello to {v} from me.", "I like the name {v}."], p=p, an=a(p), c=c)


def pet_kind(random):
    p, v = random.choice(PETS), random.choice(PET_NAMES)
    return Fact("pet", p, ["I have {an} called {n}.", "My {v} is called {n}.", "I've got {an} named {n}.", "{n} is my {v}.", "{n} is the name of my {v}."],
                ["What animal is {n}?", "What kind of animal do I have?", "What pet do I have?", "Which pet do I have?", "Who is {n}?", "what is {n}", "Do I have a pet?", "What sort of animal is {n}?"],
                ["{n} is your {v}.", "{n} is your {v}.", "You have {an} called {n}.", "Your {v} is called {n}."], ["{n} is a nice name for {an}.", "How lovely, {an}!"], n=v, an=a(p))


def age(random):
    v = random.randint(6, 89)
    return Fact("age", v, ["I am {v} years old.", "I'm {v}.", "My age is {v}.", "I turned {v} last week.", "I just turned {v}.", "im {v} years old", "I am {v} now."],
                ["How old am I?", "What is my age?", "Do you remember how old I am?", "how old did i say i am", "What age am I?", "Tell me my age."], ["You are {v} years old.", "You are {v}.", "You told me that you are {v}.", "{v}."], ["{v} is a fine age.", "A good age!"])


def relative(random):
    r = random.choice(RELATIVES)
    v = random.choice(GIRLS if r in HER else BOYS if r in HIS else NAMES)
    return Fact("relative " + r, v, ["My {r} is called {v}.", "My {r}'s name is {v}.", "I have {ar} called {v}." if r not in ("mother", "father", "wife", "husband", "boss", "best friend") else "My {r} is {v}.", "{v} is my {r}.", "The name of my {r} is {v}.", "my {r} {v} is here today", "I live near my {r} {v}."],
                ["What is my {r}'s name?", "What is my {r} called?", "What's the name of my {r}?", "Who is {v}?|w", "How is my {r} called?", "what was my {r}s name", "Do you remember my {r}'s name?", "Tell me my {r}'s name.", "What name does my {r} have?"],
                ["Your {r} is called {v}.", "Your {r}'s name is {v}.", "{v}.", "{v} is your {r}.", "You said your {r} is called {v}."], ["Say hello to {v}!", "{v} is a nice name."], r=r, ar=a(r))


def place_of(random):
    thing, v = random.choice(KEPT), random.choice(SPOTS)
    one = thing in SINGULAR_KEPT
    return Fact("place " + thing, v, ["I put my {t} {v}.", "My {t} {is_} {v}.", "I left my {t} {v}.", "The {t} {is_} {v}.", "I keep my {t} {v}.", "Remember: my {t} {is_} {v}.", "I have hidden the {t} {v}.", "Please remember that I put the {t} {v}."],
                ["Where {is_} my {t}?", "Where did I put my {t}?", "Where can I find my {t}?", "where {is_} the {t}", "Where did I leave the {t}?", "I can't find my {t}. Where {is_} {it}?", "Do you know where my {t} {is_}?", "Remind me where my {t} {is_}.", "Where was it that I put the {t}?"],
                ["Your {t} {is_} {y}.", "You put your {t} {y}.", "{It} {is_} {y}.", "{y}.", "You said your {t} {is_} {y}."], ["Noted: your {t} {is_} {y}.", "Okay, the {t} {is_} {y}."],
                t=thing, y=yours(" " + v).strip(), is_="is" if one else "are", it="it" if one else "they", It="It" if one else "They")


def yours(text):
    return text.replace(" my ", " your ")


def code(random):
    what, v = random.choice([("door code", str(random.randint(1000, 9999))), ("secret number", str(random.randint(1, 999))), ("room number", str(random.randint(1, 420))), ("locker number", str(random.randint(1, 300))), ("favourite number", str(random.randint(1, 99))), ("lucky number", str(random.randint(1, 99))),
                             ("order number", str(random.randint(10000, 99999))), ("house number", str(random.randint(1, 199))), ("bus number", str(random.randint(1, 99))), ("table number", str(random.randint(1, 40))), ("seat", random.choice("ABCDEF") + str(random.randint(1, 40))), ("PIN", str(random.randint(1000, 9999))),
                             ("password", random.choice(COLOURS) + random.choice(PETS).replace(" ", "") + str(random.randint(1, 99))), ("secret word", random.choice([t[0] for t in THINGS])), ("code word", random.choice(FOODS + PETS)), ("flight number", random.choice(["LH", "BA", "AF", "KL"]) + str(random.randint(100, 999))),
                             ("gate", random.choice("ABCD") + str(random.randint(1, 40))), ("platform", str(random.randint(1, 14)))])
    return Fact("code " + what, v, ["My {w} is {v}.", "The {w} is {v}.", "Please remember my {w}: {v}.", "Remember this {w}: {v}", "Remember: the {w} is {v}.", "{w}: {v}", "Can you remember my {w}? It's {v}.", "I want you to remember the {w} {v}.", "Keep in mind that my {w} is {v}."],
                ["What is my {w}?", "What was the {w}?", "What's the {w}?", "Do you remember my {w}?", "Tell me the {w}.", "which {w} did i give you", "What {w} did I tell you?", "Remind me of the {w}.", "What was my {w} again?", "Repeat the {w}, please.", "Can you tell me my {w}?"],
                ["Your {w} is {v}.", "The {w} is {v}.", "It is {v}.", "{v}.", "{v}", "You told me that the {w} is {v}."], ["Okay, your {w} is {v}.", "I will remember {v} in this chat.", "Noted: {v}."], w=what)


def like(random):
    what, values = random.choice([("colour", COLOURS), ("food", FOODS), ("drink", DRINKS), ("sport", SPORTS), ("subject", SUBJECTS), ("animal", PETS + ["elephant", "tiger", "dolphin", "owl", "penguin", "fox", "bear", "whale"]), ("season", ["spring", "summer", "autumn", "winter"]), ("day", DAYS), ("month", MONTHS), ("city", CITIES), ("hobby", HOBBIES),
                                  ("fruit", ["apples", "pears", "mangoes", "bananas", "grapes", "cherries", "plums", "peaches", "melons", "kiwis", "oranges"]), ("flower", ["roses", "tulips", "lilies", "sunflowers", "daisies", "orchids"]), ("instrument", ["the piano", "the guitar", "the violin", "the flute", "the drums", "the cello", "the harp"]),
                                  ("cake", ["chocolate cake", "carrot cake", "lemon cake", "cheesecake", "apple cake"]), ("ice cream", ["vanilla", "strawberry", "chocolate", "mint", "pistachio", "lemon"])])
    v = random.choice(values)
    is_ = "are" if what in ("fruit", "flower") else "is"
    return Fact("like " + what, v, ["My favourite {w} is {v}.", "{v} {is_} my favourite {w}.", "The {w} I like most is {v}.", "I like {v} best of all. It's my favourite {w}.", "My favorite {w} is {v}.", "I love {v}, my favourite {w}.", "As for the {w} I like best: {v}."],
                ["What is my favourite {w}?", "What's my favorite {w}?", "Which {w} do I like best?", "what {w} do i like most", "Do you remember my favourite {w}?", "What did I say my favourite {w} was?", "Which {w} is my favourite?", "Tell me my favourite {w}.", "What {w} do I love?"],
                ["Your favourite {w} is {v}.", "You like {v} best.", "{v}.", "You said that your favourite {w} is {v}.", "It is {v}."], ["{v}, a fine choice!", "Nice, {v}!", "{v} is a good choice."], w=what, is_=is_)


def plan(random):
    when = random.choice(["tomorrow", "on " + random.choice(DAYS), "next week", "in " + random.choice(MONTHS), "this weekend", "tonight", "next " + random.choice(DAYS), "in the summer"])
    v = random.choice(["visit {r}", "go to {c}", "see the dentist", "bake {f}", "go swimming", "clean the kitchen", "play {s}", "paint the {x}", "meet {n}", "buy a new {t}", "start a course in {h}", "plant tomatoes", "go to a concert", "fix my bike", "write to {n}", "wash the car", "see a film with {n}", "fly to {c}", "take the cat to the vet", "run ten kilometres", "cook {f}", "visit {n} in {c}"])
    v = v.format(r="my " + random.choice(RELATIVES), c=random.choice(CITIES), f=random.choice(FOODS), s=random.choice(["football", "tennis", "chess", "golf", "badminton", "the piano"]), x=random.choice(["fence", "wall", "door", "shed", "hall"]), n=random.choice(NAMES), t=random.choice(["bike", "lamp", "phone", "coat", "chair", "camera"]), h=random.choice(HOBBIES))
    return Fact("plan " + when, v, ["I will {v} {w}.", "I am going to {v} {w}.", "{W} I will {v}.", "{W} I want to {v}.", "I plan to {v} {w}.", "My plan for {p} is to {v}.", "I have to {v} {w}.", "{W} it is time to {v}.", "Don't let me forget: {w} I must {v}.", "I decided to {v} {w}.", "{W} I am going to {v}."],
                ["What will I do {w}?", "What am I going to do {w}?", "What is my plan for {p}?", "what did i say i would do {w}", "What do I want to do {w}?", "Do you remember what I will do {w}?", "What are my plans for {p}?", "Remind me what I planned for {p}.", "What is on my programme {w}?", "What did I plan {w}?", "what have i got to do {w}", "What shall I not forget to do {w}?", "Did I plan something {w}? What?"],
                ["You will {y} {w}.", "You are going to {y} {w}.", "{W} you will {y}.", "You said you would {y} {w}.", "Your plan is to {y}."], ["That sounds good.", "Have fun!", "I hope it goes well.", "A good plan."], w=when, W=capital(when), p=when[3:] if when.startswith(("on ", "in ")) else when, y=yours(" " + v).strip())


def time_of(random):
    what = random.choice(["train", "bus", "flight", "meeting", "lesson", "film", "concert", "appointment with the doctor", "piano lesson", "dinner", "exam", "interview", "ferry", "football match", "party", "class"])
    v = random.choice([f"{random.randint(6, 22)}:{random.choice(['00', '15', '30', '45', '10', '20', '40', '50', '05'])}", f"{random.randint(1, 12)} o'clock", f"{random.randint(1, 11)} pm", f"{random.randint(6, 11)} am", f"half past {random.choice(['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'])}", "noon"])
    leaves = what in ("train", "bus", "flight", "ferry")
    return Fact("time " + what, v, ["My {w} {s} at {v}.", "The {w} {s} at {v}.", "I have a {w} at {v}." if what[0] not in "aei" and not leaves and what != "dinner" else "My {w} {s} at {v}.", "My {w} is at {v}.", "Remember that my {w} is at {v}.", "Note: {w} at {v}."],
                ["When is my {w}?", "What time is my {w}?", "When does my {w} {b}?", "At what time is the {w}?", "what time did i say my {w} is", "Remind me when my {w} is.", "Do you remember when my {w} is?"],
                ["Your {w} is at {v}.", "Your {w} {s} at {v}.", "At {v}.", "It is at {v}.", "You said your {w} is at {v}."], ["Okay, {w} at {v}.", "Noted: {v}."], w=what, s="leaves" if leaves else "starts", b="leave" if leaves else "start")


def birthday(random):
    v = f"{random.randint(1, 28)} {random.choice(MONTHS)}"
    return Fact("birthday", v, ["My birthday is on {v}.", "I was born on {v}.", "I have my birthday on {v}.", "My birthday's {v}."], ["When is my birthday?", "What date is my birthday?", "When was I born?", "do you know when my birthday is", "When did I say my birthday is?"],
                ["Your birthday is on {v}.", "It is on {v}.", "On {v}.", "You said that your birthday is on {v}."], ["I will try to remember it in this chat."])


def colour_of(random):
    """The colour of a thing."""
    thing, v = random.choice(OWNED), random.choice([colour for colour in COLOURS if colour != "orange"])
    return Fact("colour " + thing, v, ["My {t} is {v}.", "I have {an} {t}.", "The colour of my {t} is {v}.", "I painted my {t} {v}." if thing in PAINTED else "I got a new {t}. It's {v}.", "My new {t} is {v}.", "{V} is the colour of my {t}.", "As for my {t}, it is {v}."],
                ["What colour is my {t}?", "Which colour does my {t} have?", "what color is my {t}", "Tell me the colour of my {t}.", "What is the colour of my {t}?", "In what colour is my {t}?", "Do you remember the colour of my {t}?", "How does my {t} look, which colour?"],
                ["Your {t} is {v}.", "It is {v}.", "{v}.", "You said your {t} is {v}.", "The colour of your {t} is {v}."], ["Nice, {v}!", "Noted: a {t} in {v}."], t=thing, an=a(v), V=capital(v))


def relative_does(random):
    """A relative's job, home or age."""
    r = random.choice(RELATIVES)
    she = "she" if r in HER else "he" if r in HIS else "they"
    draw = random.randrange(4)
    if draw == 0:
        v = random.choice(JOBS)
        return Fact("relative job " + r, v, ["My {r} is {an}.", "My {r} works as {an}.", "My {r} has a job as {an}.", "The job of my {r} is {v}.", "You know, my {r} is {an} by trade."], ["What is my {r}'s job?", "What does my {r} do for a living?", "What does my {r} work as?", "which job does my {r} have", "Who or what is my {r} by trade?", "Do you remember my {r}'s job?"],
                    ["Your {r} is {an}.", "Your {r} works as {an}.", "{An}.", "You said that your {r} is {an}."], ["That is a good job."], r=r, an=a(v), An=capital(a(v)))
    if draw == 1:
        v = random.choice(CITIES)
        return Fact("relative home " + r, v, ["My {r} lives in {v}.", "My {r} moved to {v}.", "My {r} has a flat in {v}.", "I visit my {r} in {v} every year.", "In {v} lives my {r}."], ["Where does my {r} live?", "Which city does my {r} live in?", "In which town is my {r}'s home?", "where is my {r} living", "What city did I name for my {r}?"],
                    ["Your {r} lives in {v}.", "In {v}.", "{v}.", "You said your {r} lives in {v}."], ["{v} is a nice place."], r=r)
    if draw == 2:
        v = random.randint(3, 95)
        return Fact("relative age " + r, v, ["My {r} is {v} years old.", "My {r} is {v}.", "My {r} turned {v} this year.", "My {r} just had a birthday and is {v} now."], ["How old is my {r}?", "What is my {r}'s age?", "what age is my {r}", "Tell me how old my {r} is.", "Do you remember my {r}'s age?"],
                    ["Your {r} is {v} years old.", "Your {r} is {v}.", "{v}.", "You said your {r} is {v}."], ["Noted: {v}."], r=r)
    v = random.choice(FOODS + ["the " + instrument for instrument in INSTRUMENTS] + HOBBIES)
    return Fact("relative likes " + r, v, ["My {r} loves {v}.", "My {r} likes {v} very much.", "The thing that my {r} likes best is {v}.", "{V} makes my {r} happy."], ["What does my {r} love?", "What does my {r} like?", "what makes my {r} happy", "What did I say my {r} likes?", "Which thing does my {r} like best?"],
                ["Your {r} loves {v}.", "Your {r} likes {v}.", "{v}.", "You said your {r} loves {v}."], ["How nice!"], r=r, V=capital(v))


def to_keep(random):
    """A word, name or sentence to remember."""
    what, v = random.choice([("word", random.choice(THINGS)[0]), ("word", random.choice(FOODS)), ("word", random.choice(PETS)), ("name", random.choice(NAMES)), ("city", random.choice(CITIES)), ("colour", random.choice(COLOURS)), ("number", str(random.randint(2, 9999))), ("two words", f"{random.choice(COLOURS)} {random.choice(THINGS)[0]}"),
                             ("day", random.choice(DAYS)), ("month", random.choice(MONTHS)), ("surname", random.choice(SURNAMES)), ("hint for my password", random.choice(["the first pet", "grandma's garden", "the red boat", "the old school", "the song of summer", "the third tree", "a rainy Sunday", "uncle's bike", "the blue door"]))])
    w = yours(" " + what).strip()
    return Fact("kept " + what, v, ["Remember the {w}: {v}.", "Please keep this {w} in mind: {v}." if what not in ("two words",) and not what.startswith("hint") else "Please keep this in mind: {v}.", "The {w} to remember: {v}.", "I want you to remember the {w} {v}.", "Memorise this: {v}. It is the {w}.", "Don't forget the {w}: {v}", "I will ask you later for the {w}: {v}"],
                ["Which {w} should you remember?" if what != "two words" else "Which two words should you remember?", "What was the {w}?" if what != "two words" else "What were the two words?", "Tell me the {w} I asked you to remember.", "What did I ask you to remember?", "What did I want you to keep in mind?", "Say the {w} again.", "What should you not forget?", "do you still know the {w}"],
                ["The {y}: {v}.", "{v}.", "You asked me to remember: {v}.", "It is {v}." if what != "two words" else "{v}."], ["I will keep in mind: {v}.", "Okay: {v}."], w=what, y=w)


OWNED = ["car", "bike", "house", "door", "coat", "bag", "umbrella", "phone", "sofa", "hat", "suitcase", "scarf", "kitchen", "boat", "desk", "jacket", "tent", "cup", "towel", "rucksack", "notebook", "bedroom", "toothbrush", "dress", "jumper", "lamp"]
PAINTED = {"house", "door", "kitchen", "boat", "desk", "bedroom", "bike"}


MAKERS = [name, name, name, pet, pet, pet_kind, age, relative, relative, place_of, place_of, code, code, code, like, like, like, plan, time_of, birthday,
          colour_of, colour_of, relative_does, relative_does, relative_does, to_keep, to_keep,
          simple("shoe size", [str(n) for n in range(28, 49)], ["My shoe size is {v}.", "I wear shoes in size {v}.", "I take size {v} in shoes.", "Size {v} fits my feet."], ["What is my shoe size?", "Which shoe size do I have?", "what size are my shoes", "Which size of shoes do I need?"], ["Your shoe size is {v}.", "You wear size {v}.", "{v}."]),
          simple("height", [f"{n} cm" for n in range(110, 206)], ["I am {v} tall.", "My height is {v}.", "I measure {v}."], ["How tall am I?", "What is my height?", "how tall did i say i am"], ["You are {v} tall.", "{v}.", "Your height is {v}."]),
          simple("learning", ["French", "Spanish", "Japanese", "Greek", "Italian", "German", "Polish", "Turkish", "Dutch", "Chinese", "Arabic", "Swedish", "Korean", "Portuguese"], ["I am learning {v}.", "I take lessons in {v}.", "I want to learn {v}.", "At the moment I study {v} every evening."], ["Which language am I learning?", "What language do I study?", "what language am i learning", "Which language did I say I learn?"], ["You are learning {v}.", "{v}.", "You said you are learning {v}."], ["{v} is a fine language.", "Good luck with {v}!"]),
          simple("dislike", FOODS, ["I don't like {v}.", "I hate {v}.", "I can't stand {v}.", "I never eat {v}."], ["What food don't I like?", "What do I never eat?", "Which food do I hate?", "what can't i stand"], ["You don't like {v}.", "You hate {v}.", "{v}."], ["Noted, no {v} for you."]),
          simple("bought", ["a " + t[0] for t in THINGS if t[0][0] not in "aeiou"], ["I bought {v} today.", "I have bought {v}.", "Yesterday I got myself {v}.", "I came home with {v}."], ["What did I buy?", "What have I bought?", "what did i get", "Which thing did I buy?", "What did I come home with?"], ["You bought {v}.", "{v}.", "You told me you bought {v}."], ["Enjoy it!"]),
          simple("lost", ["my " + kept for kept in sorted(SINGULAR_KEPT)], ["I lost {v}.", "I can't find {v}.", "Someone stole {v}.", "I have lost {v} on the bus."], ["What did I lose?", "What am I missing?", "what is it that i lost", "Which thing did I lose?"], ["You lost your {x}.", "Your {x}.", "You told me that you lost your {x}."], ["I'm sorry to hear that."]),
          simple("street", [f"{s} Street" for s in SURNAMES] + ["Station Road", "Church Lane", "Mill Lane", "Park Road", "High Street", "River Walk", "Garden Row", "Bridge Street"], ["My street is {v}.", "My address is in {v}.", "My house is in {v}.", "The name of my street is {v}."], ["Which street do I live in?", "What is my street?", "What street is my house in?", "what is my street called"], ["You live in {v}.", "Your street is {v}.", "{v}."]),
          simple("drink", DRINKS, ["I am drinking {v} right now.", "I just had a cup of {v}.", "I always drink {v} in the morning.", "My morning starts with {v}."], ["What do I drink?", "What did I say I drink?", "which drink did i name", "What is my drink?"], ["You drink {v}.", "{v}.", "You told me about {v}."], ["Enjoy it!"]),
          simple("visitor", NAMES, ["{v} is coming to see me tonight.", "My guest tonight is {v}.", "I have invited {v} for dinner.", "Tonight {v} will visit me."], ["Who is coming tonight?", "Who is my guest?", "Who will visit me?", "who did i invite", "Whom did I invite for dinner?"], ["{v} is coming.", "{v}.", "Your guest is {v}.", "You invited {v}."], ["Have a nice evening with {v}!"]),
          simple("doctor", [f"Dr. {s}" for s in SURNAMES], ["My doctor is {v}.", "My doctor's name is {v}.", "I go to {v} when I am ill.", "{v} is my doctor."], ["Who is my doctor?", "What is my doctor's name?", "what is the name of my doctor", "To whom do I go when I am ill?"], ["Your doctor is {v}.", "{v}.", "You go to {v}."]),
          simple("book", ["Treasure Island", "Heidi", "Dracula", "Emma", "Jane Eyre", "The Hobbit", "Oliver Twist", "Moby Dick", "Robinson Crusoe", "Pinocchio", "Peter Pan", "Black Beauty", "The Secret Garden", "Little Women", "Frankenstein", "Don Quixote"], ["I am reading {v}.", "The book I read now is {v}.", "My book at the moment is {v}.", "Right now I read {v}."], ["Which book am I reading?", "What am I reading?", "what is the book i read", "Which title did I name?"], ["You are reading {v}.", "{v}.", "You said you are reading {v}."], ["Enjoy the book!"]),
          simple("city", CITIES, ["I live in {v}.", "I am from {v}.", "My home is in {v}.", "I come from {v}.", "I moved to {v}.", "im living in {v}", "I'm in {v} these days."], ["Where do I live?", "Which city do I live in?", "What city am I from?", "Where am I from?", "do you remember where i live", "In which town do I live?", "Where is my home?", "What did I say, where do I live?"],
                 ["You live in {v}.", "You said that you live in {v}.", "In {v}.", "{v}.", "Your home is in {v}."], ["{v} is a fine place.", "{v}, how nice!", "I hope you like it in {v}."]),
          simple("job", JOBS, ["I work as {an}.", "I am {an}.", "I'm {an} by trade.", "My job is {v}.", "I earn my living as {an}.", "im {an}"], ["What is my job?", "What do I do for a living?", "What do I work as?", "What's my profession?", "do you remember my job", "What did I say I work as?", "Which job do I have?"],
                 ["You are {an}.", "You work as {an}.", "You said that you are {an}.", "{An}."], ["That is a good job.", "An interesting job!"]),
          simple("instrument", INSTRUMENTS, ["I play the {v}.", "I am learning to play the {v}.", "My instrument is the {v}.", "I have played the {v} for years."], ["What instrument do I play?", "Which instrument do I play?", "What do I play?", "what's my instrument"], ["You play the {v}.", "The {v}.", "You said you play the {v}."], ["The {v} sounds lovely."]),
          simple("hobby", HOBBIES, ["My hobby is {v}.", "I like {v} in my free time.", "In my free time I do a lot of {v}.", "I love {v}."], ["What is my hobby?", "What do I like to do in my free time?", "What do I love doing?", "which hobby do i have"], ["Your hobby is {v}.", "You like {v}.", "You said you like {v}."], ["{v} is fun!", "That is a nice hobby."]),
          simple("eaten", FOODS, ["I had {v} for lunch.", "For dinner I ate {v}.", "Today I ate {v}.", "I just ate {v}."], ["What did I eat?", "What did I have to eat?", "what did i say i ate", "What was my meal?"], ["You ate {v}.", "You had {v}.", "You told me you ate {v}."], ["{v}, yum!", "I hope it tasted good."]),
          simple("allergy", ["nuts", "milk", "eggs", "fish", "cats", "pollen", "wheat", "strawberries", "dust", "bees", "soya", "shellfish"], ["I am allergic to {v}.", "I have an allergy to {v}.", "I can't have {v}, I'm allergic."], ["What am I allergic to?", "Which allergy do I have?", "do you remember my allergy", "What can't I have?"],
                 ["You are allergic to {v}.", "To {v}.", "You said you are allergic to {v}."], ["Thanks for telling me. I will keep it in mind."]),
          simple("car", COLOURS, ["My car is {v}.", "I drive {an} car." , "My new car is {v}."], ["What colour is my car?", "Which colour does my car have?", "what color is my car"], ["Your car is {v}.", "It is {v}.", "{v}."], ["{An} car sounds nice." ]),
          simple("bike", COLOURS, ["My bike is {v}.", "I ride {an} bike.", "The bike I ride is {v}."], ["What colour is my bike?", "Which colour does my bike have?", "what color is my bike"], ["Your bike is {v}.", "It is {v}.", "{v}."])]


def fact(random):
    made = random.choice(MAKERS)(random)
    if "an" in made.more and made.more["an"]:
        made.more["An"] = capital(made.more["an"])
    made.queries = [q for q in made.queries if "|" not in q]
    return made


SAME = {"pet": "pet", "kept": "code", "code": "code", "street": "city", "eaten": "eaten", "drink": "like drink", "dislike": "like food"}  # asked in like words, so not both in one talk


def facts(random, number):
    """This many facts of different kinds."""
    found = {}
    while len(found) < number:
        one = fact(random)
        key = one.kind if one.kind.split()[0] not in ("relative", "place", "code", "time", "plan", "like") else one.kind
        key = SAME.get(key.split()[0], key)
        if key in ("colour car", "colour bike"):
            key = key[7:]
        if one.kind in ("like hobby", "like instrument", "like food"):
            continue
        found.setdefault(key, one)
    return list(found.values())


def between(random, other, number):
    """Turns about something else."""
    turns = []
    while len(turns) < number:
        turns += other(random)
    return turns


def told_and_asked(random, other):
    """One to four facts told in turns of their own, other talk, then questions back."""
    known = facts(random, random.choice([1, 1, 1, 2, 2, 3, 4]))
    turns = []
    for one in known:
        turns.append((one.tell(random), one.noted(random)))
        if random.random() < 0.3:
            turns += between(random, other, 1)
    turns += between(random, other, random.choice([0, 1, 1, 2, 3, 4]))
    asked = random.sample(known, random.choice([1, len(known)]))
    for one in asked:
        turns.append((one.ask(random), one.answer(random)))
        if random.random() < 0.15:
            turns += between(random, other, 1)
    return turns


def at_once(random, other):
    """Two to four facts in one message."""
    known = facts(random, random.choice([2, 2, 3, 4]))
    text = ". ".join(one.plain(random) for one in known) + "."
    if random.random() < 0.3:
        text = known[0].plain(random) + " and " + lower_first(known[1].plain(random)) + "."
        known = known[:2]
    turns = [(told(random, text), random.choice(NOTED + [known[0].noted(random)]))]
    turns += between(random, other, random.choice([0, 0, 1, 2]))
    for one in random.sample(known, random.choice([1, 1, 2])):
        turns.append((one.ask(random), one.answer(random)))
    return turns


def one_message(random, other):
    """Told and asked in the same message."""
    known = facts(random, random.choice([1, 2, 2, 3]))
    one = random.choice(known)
    text = ". ".join(f.plain(random) for f in known) + ". " + pick(random, one.queries, v=one.value, **one.more)
    return [(styled(random, text, after=False), one.answer(random))]


CORRECT = ["No, actually {t}.", "Sorry, I was wrong: {t}.", "Correction: {t}.", "Wait, {t}.", "I made a mistake. {T}.", "Oops, {t}.", "Actually, {t}.", "Forget that. {T}.", "Not right: {t} now.", "It changed: {t}.", "I mixed that up, {t}.", "Change of plan: {t}.", "No wait, {t}.", "That was wrong. {T}.", "Please change that: {t}.", "I said it wrong, {t}.", "Update: {t}.", "Scratch that, {t}.", "Hmm no, {t}.", "Let me correct myself: {t}.", "Not any more: {t}.", "I lied, {t}."]
CORRECTED = ["Okay, I have changed that.", "Thanks for the correction.", "All right, so {v}.", "Got it: {v}.", "No problem, I will use the new one.", "Okay, {v} then.", "Noted, {v} it is."]


def corrected(random, other):
    """A correction wins over what was said first."""
    maker = random.choice(MAKERS)
    first, second = maker(random), maker(random)
    for _ in range(80):
        if first.kind == second.kind and first.value != second.value and first.more.get("p") == second.more.get("p") and first.more.get("n") == second.more.get("n"):
            break
        second = maker(random)
    else:
        return told_and_asked(random, other)
    for one in (first, second):
        one.queries = [q for q in one.queries if "|" not in q]
        if one.more.get("an"):
            one.more["An"] = capital(one.more["an"])
    plain = second.plain(random)
    new = plain if plain.startswith(("I ", "I'm", "I've")) or plain.split()[0] in NAMES + CITIES + DAYS + MONTHS + PET_NAMES else plain[0].lower() + plain[1:]
    turns = [(first.tell(random), first.noted(random))]
    turns += between(random, other, random.choice([0, 0, 1]))
    turns.append((told(random, random.choice(CORRECT).format(t=new, T=capital(new))), random.choice(CORRECTED).format(v=yours(f" {second.value}").strip() if second.kind.split()[0] != "plan" else "a new plan")))
    turns += between(random, other, random.choice([0, 1, 1, 2]))
    turns.append((second.ask(random), second.answer(random)))
    return turns


BOUND = ["Who is the one that {t}?", "Which of them {t}?", "Who was it that {t}?", "I forgot who {t}. Who was it?", "Which person {t}?", "Can you tell me who {t}?", "Name the one who {t}.", "who {t}", "Of all of them, who {t}?", "Do you remember who {t}?"]


def people(random, other):
    """Several facts about several people."""
    names = random.sample(NAMES, random.choice([2, 2, 3, 3, 4]))
    aspect = random.choice([("lives in {v}", CITIES, ["Where does {n} live?", "Which city does {n} live in?", "In which city is {n}'s home?"], ["{n} lives in {v}.", "In {v}."], ["Who lives in {v}?"]),
                            ("works as {av}", JOBS, ["What does {n} do?", "What is {n}'s job?", "What does {n} work as?"], ["{n} works as {av}.", "{n} is {av}."], ["Who is {av}?", "Who works as {av}?"]),
                            ("has {av}", PETS, ["What pet does {n} have?", "Which animal does {n} have?", "What does {n} have?"], ["{n} has {av}."], ["Who has {av}?", "Who owns {av}?"]),
                            ("likes {v}", FOODS + HOBBIES, ["What does {n} like?", "What did I say {n} likes?"], ["{n} likes {v}."], ["Who likes {v}?"]),
                            ("is {v} years old", list(map(str, range(5, 90))), ["How old is {n}?", "What is {n}'s age?"], ["{n} is {v} years old.", "{n} is {v}."], ["Who is {v} years old?", "Who is {v}?"]),
                            ("wears a {v} hat", [c for c in COLOURS if c != "orange"], ["What colour is {n}'s hat?", "Which hat does {n} wear?"], ["{n} wears a {v} hat."], ["Who wears a {v} hat?", "Who has the {v} hat?"]),
                            ("was born in {v}", list(map(str, range(1940, 2016))), ["When was {n} born?", "In which year was {n} born?"], ["{n} was born in {v}.", "In {v}."], ["Who was born in {v}?"]),
                            ("plays the {v}", INSTRUMENTS, ["What does {n} play?", "Which instrument does {n} play?"], ["{n} plays the {v}.", "The {v}."], ["Who plays the {v}?"]),
                            ("sits in row {v}", list(map(str, range(1, 30))), ["Which row does {n} sit in?", "Where does {n} sit?"], ["{n} sits in row {v}."], ["Who sits in row {v}?"]),
                            ("comes on {v}", DAYS, ["When does {n} come?", "On which day does {n} come?"], ["{n} comes on {v}."], ["Who comes on {v}?"]),
                            ("comes from {v}", CITIES, ["Where does {n} come from?", "Which city is {n} from?", "Where is {n} from?"], ["{n} comes from {v}.", "From {v}."], ["Who is from {v}?", "Who comes from {v}?"]),
                            ("carries the {v}", [t[0] for t in THINGS], ["What does {n} carry?", "Which thing does {n} carry?", "What is {n} carrying?"], ["{n} carries the {v}.", "The {v}."], ["Who carries the {v}?", "Who has the {v}?"]),
                            ("bought the {v}", [t[0] for t in THINGS], ["What did {n} buy?", "Which thing did {n} buy?"], ["{n} bought the {v}.", "The {v}."], ["Who bought the {v}?", "Who got the {v}?"]),
                            ("brings {v}", FOODS + DRINKS, ["What does {n} bring?", "What will {n} bring?"], ["{n} brings {v}."], ["Who brings {v}?"]),
                            ("is allergic to {v}", ["nuts", "milk", "eggs", "fish", "cats", "pollen", "wheat", "strawberries", "dust", "bees", "soya", "shellfish", "dogs", "wool"], ["What is {n} allergic to?", "Which allergy does {n} have?", "What must {n} avoid?"], ["{n} is allergic to {v}.", "To {v}."], ["Who is allergic to {v}?", "Who can't have {v}?"]),
                            ("has a cat called {v}", PET_NAMES, ["What is {n}'s cat called?", "What is the name of {n}'s cat?"], ["{n}'s cat is called {v}.", "{v}."], ["Whose cat is called {v}?", "Whose cat is {v}?"]),
                            ("speaks {v}", ["French", "Spanish", "Japanese", "Greek", "Italian", "German", "Polish", "Turkish", "Dutch", "Chinese", "Arabic", "Swedish"], ["Which language does {n} speak?", "What does {n} speak?"], ["{n} speaks {v}."], ["Who speaks {v}?"]),
                            ("drives the {v} car", [c for c in COLOURS if c != "orange"], ["Which car does {n} drive?", "What colour is {n}'s car?"], ["{n} drives the {v} car."], ["Who drives the {v} car?", "Whose car is {v}?"]),
                            ("is in room {v}", list(map(str, range(1, 300))), ["Which room is {n} in?", "In which room is {n}?", "Where is {n}?"], ["{n} is in room {v}.", "In room {v}."], ["Who is in room {v}?"]),
                            ("won the {v}", ["race", "prize", "medal", "cup", "game of chess", "quiz", "swimming race", "painting prize"], ["What did {n} win?"], ["{n} won the {v}.", "The {v}."], ["Who won the {v}?"]),
                            ("drinks {v}", DRINKS, ["What does {n} drink?"], ["{n} drinks {v}."], ["Who drinks {v}?"])])
    tells, queries, _, answers, back = aspect[0], aspect[2], None, aspect[3], aspect[4]
    values = random.sample(aspect[1], len(names))
    rows = [(n, v, a(v)) for n, v in zip(names, values)]
    said = [f"{n} {tells.format(v=v, av=av)}" for n, v, av in rows]
    text = random.choice([". ".join(said) + ".", listed(said) + ".", ", ".join(said[:-1]) + ", and " + said[-1] + "."])

    def question():
        n, v, av = random.choice(rows)
        if random.random() < 0.55:
            return pick(random, queries, n=n), pick(random, answers, n=n, v=v, av=av)
        return pick(random, back + [form.replace("{t}", tells.format(v=v, av=av)) for form in BOUND], v=v, av=av), pick(random, ["{n}.", "{n} {t}.", "{n} {t}.", "It is {n}."], n=n, t=tells.format(v=v, av=av))
    if random.random() < 0.4:
        q, r = question()
        return [(styled(random, text + " " + q, after=False), r)] + ([(styled(random, q2), r2) for q2, r2 in [question()]] if random.random() < 0.4 else [])
    turns = [(told(random, text), random.choice(NOTED))] + between(random, other, random.choice([0, 0, 1, 2]))
    seen = set()
    for _ in range(random.choice([1, 2, 3])):
        q, r = question()
        if q not in seen:
            turns.append((styled(random, q), r))
        seen.add(q)
    if random.random() < 0.15:
        stranger = random.choice([n for n in NAMES if n not in names])
        turns.append((styled(random, pick(random, queries, n=stranger)), pick(random, ["You did not tell me anything about {n}.", "I don't know. You have not told me about {n}.", "You have not mentioned {n} so far."], n=stranger)))
    return turns


LISTS = {"buy": (SHOP, ["I need to buy {l}.", "My shopping list: {l}.", "Shopping list: {l}", "I want to buy {l}.", "From the shop I need {l}.", "Remember my shopping list: {l}.", "For the weekend we need {l}.", "Please get me {l}.", "I am going to the shop for {l}.", "To buy: {l}", "At the market I want {l}."], "shopping list", "buy"),
         "pack": (["socks", "a towel", "a toothbrush", "a book", "a torch", "a map", "a raincoat", "sun cream", "a hat", "a camera", "shoes", "a tent", "a pillow", "a bottle of water", "matches", "a knife", "gloves", "a scarf", "a charger", "sandwiches"],
                  ["For the trip I will pack {l}.", "My packing list: {l}.", "I have to pack {l}.", "Please remember what I pack: {l}.", "In my suitcase go {l}.", "To pack: {l}", "I take {l} with me.", "I must not forget {l}."], "packing list", "pack"),
         "do": (["wash the dishes", "feed the cat", "call my mother", "water the plants", "pay the rent", "write to Anna", "clean the bath", "buy stamps", "mend the chair", "walk the dog", "do my homework", "take out the rubbish", "make the bed", "book a table", "return the books"],
                ["Today I have to {l}.", "My to-do list: {l}.", "I want to {l}.", "Tasks for today: {l}.", "To do: {l}", "I still need to {l}.", "This afternoon I must {l}.", "Before dinner I have to {l}."], "to-do list", "do"),
         "visit": (CITIES, ["I want to visit {l}.", "On my trip I will see {l}, in this order.", "Our tour goes to {l}.", "The train stops in {l}.", "We will drive through {l}.", "My route: {l}.", "First to last, our stops are {l}.", "We fly to {l}."], "list of cities", "visit"),
         "invite": (NAMES, ["I will invite {l}.", "Guests at my party: {l}.", "{l} are coming to dinner.", "My guest list: {l}.", "{l} will be at my wedding.", "I have asked {l} to come.", "On Saturday {l} will be here.", "Guests: {l}"], "guest list", "invite"),
         "words": ([t[0] for t in THINGS] + PETS, ["Remember these words: {l}.", "Here are some words: {l}.", "List: {l}", "Keep these words in mind: {l}.", "Memorise: {l}.", "My words are {l}.", "I say some words: {l}.", "Words to keep: {l}"], "list", None),
         "numbers": ([str(n) for n in range(1, 100)], ["Remember these numbers: {l}.", "My numbers are {l}.", "Here are some numbers: {l}.", "Numbers: {l}", "Keep these numbers in mind: {l}.", "I drew the numbers {l}.", "Memorise these numbers: {l}."], "list of numbers", None),
         "colours": (COLOURS, ["The flags are {l}, from left to right.", "Remember these colours: {l}.", "The cars came in this order: {l}.", "Colours: {l}"], "list of colours", None)}
COUNTS = "zero one two three four five six seven eight nine ten".split()


def a_list(random, other):
    """A list, then questions: the nth, the last, how many, is X on it, say it all, what changes."""
    kind = random.choice(list(LISTS))
    pool, tells, title, verb = LISTS[kind]
    items = random.sample(pool, random.choice([3, 3, 4, 4, 5, 6]))
    text = pick(random, tells, l=random.choice([listed(items), ", ".join(items)]))
    yourself = [yours(" " + item).strip() for item in items]

    def question(items, yourself):
        draw = random.randrange(9)
        i = random.randrange(len(items))
        if draw < 3:
            place = ORDINALS[i + 1]
            return pick(random, ["What is the {p} item on my {t}?", "What is the {p} one?", "Which one was {p}?", "What was the {p} thing on the {t}?", "what was the {p} item", "Which is the {p}?", "Tell me the {p} one.", "What did I name {p}?", "What's number {i}?", "Item {i}?", "And the {p}?", "Which did I say {p}?", "Say only the {p} one.", "the {p} one was what?", "Give me number {i} of the {t}.", "What stands in place {i}?", "Do you remember the {p} one?", "Which comes {p}?"], p=place, t=title, i=i + 1), \
                pick(random, ["The {p} is {v}.", "{v}.", "The {p} one is {v}.", "Number {i} is {v}."], p=place, v=yourself[i], i=i + 1)
        if draw == 3:
            return pick(random, ["What is the last item?", "Which one is last?", "What came last?", "What is the last one on the {t}?", "and the last one?", "Which did I name last?", "What stands at the end?", "Tell me the final one.", "What is at the end of the {t}?"], t=title), pick(random, ["The last one is {v}.", "{v}.", "Last comes {v}."], v=yourself[-1])
        if draw == 4:
            return pick(random, ["How many items are on my {t}?", "How many things did I name?", "How many are there?", "How many is that?", "how long is my list", "Count them.", "How many did I give you?", "What is the number of items?", "How many are on it?"], t=title), pick(random, ["There are {n}: {l}.", "{n}.", "You named {n}: {l}.", "{N} items."], n=COUNTS[len(items)], N=COUNTS[len(items)].capitalize(), l=listed(yourself))
        if draw == 5:
            inside = random.random() < 0.5
            v = random.choice(items) if inside else random.choice([p for p in pool if p not in items])
            y = yours(" " + v).strip()
            return pick(random, ["Is {v} on my {t}?", "Did I mention {v}?", "Is {v} on it?", "Did I say {v}?", "Does my {t} have {v}?", "Was {v} among them?", "Is {v} there?", "{v}: is it on my {t}?", "Did I name {v}?"] if kind != "do" else ["Did I say I have to {v}?", "Do I have to {v}?"], v=v, t=title), \
                (pick(random, ["Yes, you named {v}.", "Yes, {v} is on it.", "Yes."], v=y) if inside else pick(random, ["No, you did not name {v}.", "No, {v} is not on it.", "No. You named {l}."], v=y, l=listed(yourself)))
        if draw == 6 and len(items) > 2 and i + 1 < len(items):
            return pick(random, ["What comes after {v}?", "Which one follows {v}?", "what is after {v}", "What did I name right after {v}?", "And after {v}?", "Which is next after {v}?"], v=items[i]), pick(random, ["After {v} comes {w}.", "{w}."], v=yourself[i], w=yourself[i + 1])
        if draw == 7 and verb:
            return pick(random, {"buy": ["What do I need to buy?", "What did I want to buy?", "What must I get from the shop?", "Read me my shopping list.", "What do I need from the shop?", "Which things shall I buy?", "What's on my shopping list?"], "pack": ["What will I pack?", "What do I have to pack?", "What's on my packing list?"], "do": ["What do I have to do?", "What are my tasks?", "What's on my to-do list?"],
                                 "visit": ["Which cities did I name?", "Where does the trip go?", "What cities are on my list?"], "invite": ["Who is coming?", "Who will I invite?", "Who are my guests?"]}[verb]), \
                pick(random, {"buy": ["You need to buy {l}.", "You want {l}."], "pack": ["You pack {l}.", "On your packing list are {l}."], "do": ["You have to {l}.", "Your tasks are: {l}."], "visit": ["You named {l}.", "The cities are {l}."], "invite": ["Your guests are {l}.", "You named {l}."]}[verb], l=listed(yourself))
        if draw == 8 and kind in ("words", "numbers", "colours", "visit", "invite", "buy"):
            back = random.random() < 0.4
            if back:
                return pick(random, ["Say them in reverse order.", "List them backwards.", "Now in reverse, please.", "From last to first, please.", "Turn the order around.", "Reverse the {t}."], t=title), capital(", ".join(reversed(items))) + "."
            return pick(random, ["Repeat the {t}.", "Say it all again.", "What was on the {t}?", "List them all.", "Can you repeat them?", "Tell me the whole {t}.", "Read it back to me.", "What is on my {t} now?", "Show me the {t}.", "What did I tell you to remember?", "Give me all of them again.", "So what do we have on the {t}?"], t=title), capital(listed(items)) + "."
        return pick(random, ["What is the first item?", "Which one is first?", "What stands at the top?", "Which did I name first?", "Tell me the first one.", "How does my {t} begin?", "What did I name first?", "what was first on the {t}"], t=title), pick(random, ["The first one is {v}.", "{v}.", "First comes {v}."], v=yourself[0])
    if random.random() < 0.3:
        q, r = question(items, yourself)
        return [(styled(random, text + " " + q, after=False), r)]
    turns = [(told(random, text), random.choice(NOTED + [capital(listed(yourself)) + ". Noted."]))] + between(random, other, random.choice([0, 0, 1, 2]))
    seen = set()
    for _ in range(random.choice([1, 2, 2, 3])):
        if random.random() < 0.2 and kind in ("buy", "pack", "words", "visit", "invite", "colours", "numbers"):
            if random.random() < 0.5:
                new = random.choice([p for p in pool if p not in items])
                items = items + [new]
                turns.append((pick(random, ["Add {v}.", "Also {v}.", "And {v}, please add it.", "Put {v} on it, too.", "One more: {v}.", "{v} as well, please.", "Oh, and {v}.", "Don't forget {v}.", "Please add {v} to the {t}.", "I forgot {v}."], v=new, t=title), pick(random, ["Added. It is now {l}.", "Okay: {l}."], l=listed(items))))
            elif len(items) > 2:
                gone = random.choice(items)
                items = [i for i in items if i != gone]
                turns.append((pick(random, ["Remove {v}.", "Take {v} off the {t}.", "Not {v}, please.", "Delete {v} from it.", "Cross out {v}.", "Not {v} after all.", "Drop {v}.", "I don't want {v} any more.", "Leave out {v}.", "Strike {v}."], v=gone, t=title), pick(random, ["Done. That leaves {l}.", "Okay: {l}."], l=listed(items))))
            yourself = list(items)
            continue
        q, r = question(items, yourself)
        if q not in seen:
            turns.append((styled(random, q), r))
        seen.add(q)
    return turns


def not_told(random, other):
    """Asked for what was never said."""
    one = fact(random)
    turns = []
    if random.random() < 0.5:
        first = fact(random)
        if first.kind.split()[0] != one.kind.split()[0]:
            turns.append((first.tell(random), first.noted(random)))
    turns += between(random, other, random.choice([0, 0, 1]))
    if not turns and random.random() < 0.3:
        turns.append(("Hello!", "Hello! How can I help you?"))
    turns.append((one.ask(random), random.choice(["You have not told me that yet.", "I don't know. You have not told me in this chat.", "You did not say, so I cannot know. Will you tell me?", "I don't know that, because you have not told me.", "You have not mentioned it so far."])))
    if random.random() < 0.6:
        turns.append((one.tell(random), one.noted(random)))
        turns.append((one.ask(random), one.answer(random)))
    return turns


def said_before(random, other):
    """About the talk itself: what was my first question, what did you just say."""
    turns = between(random, other, random.choice([1, 2, 3]))
    draw = random.randrange(4)
    plain = [q.rstrip("?.! ") for q, _ in turns]
    if draw == 0:
        turns.append((styled(random, random.choice(["What was my first question?", "What did I ask you first?", "Which question did I start with?"])), f'Your first question was: "{plain[0]}"'))
    elif draw == 1:
        turns.append((styled(random, random.choice(["What did I just ask you?", "What was my last question?", "Repeat my question."])), f'You asked: "{plain[-1]}"'))
    elif draw == 2:
        turns.append((styled(random, random.choice(["What did you just say?", "Say that again.", "Please repeat your answer.", "Can you repeat that?", "Once more, please."])), turns[-1][1]))
    else:
        n = len(turns)
        turns.append((styled(random, random.choice(["How many questions have I asked so far?", "How many questions did I ask before this one?"])), f"{capital(COUNTS[n])}, before this one." if n < 11 else f"{n}, before this one."))
    return turns


FORMS = [told_and_asked] * 8 + [at_once] * 4 + [one_message] * 3 + [corrected] * 4 + [people] * 5 + [a_list] * 6 + [not_told, said_before]


def memory(random, other):
    return random.choice(FORMS)(random, other)
