"""What was told, among more of its kind: several pets, plans, places, codes and people; what follows from it; what was never told.

Each form draws a state first (who has what), tells it in turns of other talk, changes some of it, and answers from the state."""
import re

from .lists import BOYS, CITIES, COLOURS, DAYS, FOODS, GIRLS, HER, HIS, HOBBIES, JOBS, KEPT, NAMES, PET_NAMES, PETS, RELATIVES, SHOP, SINGULAR_KEPT, SPOTS, THINGS
from .memory import NOTED, REMINDING, between, fact, facts, yours
from .phrasing import a, capital, listed, lower_first, pick, styled, told

NEVER = ["You have not told me that.", "You never told me that.", "You didn't tell me.", "I don't know, because you have not told me.", "That you have not told me yet.", "I can't know that. You have not said so in this chat."]


GAPS = [0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 8]  # exchanges of other talk between telling and asking


class Several:
    """Things of one sort, each with a value: this one's name, that one's place. Forms have {k} for the thing, {v} for its value."""

    def __init__(self, keys, values, tells, queries, answers, back=(), back_answers=(), changed=()):
        self.keys, self.values, self.tells, self.queries, self.answers, self.back, self.back_answers, self.changed = keys, values, tells, queries, answers, back, back_answers, changed

    def fill(self, random, forms, k, v):
        return pick(random, forms, k=k, v=v, y=yours(" " + v).strip(), ak=a(k), av=a(v), yk=yours(" " + k).strip(), are="is" if k not in KEPT or k in SINGULAR_KEPT else "are", they="it" if k not in KEPT or k in SINGULAR_KEPT else "they")


ERRANDS = ["visit the dentist", "meet my boss", "play tennis", "see the doctor", "go to the gym", "have a piano lesson", "take the car to the garage", "have lunch with Nora", "give a talk", "clean the flat", "go to the cinema", "have a job interview", "pick up the parcel", "have my hair cut", "bake bread", "go swimming", "fly to Rome", "cook for my friends", "return the library books", "have choir practice", "paint the kitchen", "visit my aunt", "buy a new phone", "take the dog to the vet", "have a maths test", "sign the contract", "plant the tomatoes", "fix the bike"]
CLOCK = [f"{h}:{m}" for h in range(7, 22) for m in ("00", "15", "30", "45")]
SEVERAL = [
    Several(PETS, PET_NAMES, ["My {k} is called {v}.", "I have {ak} called {v}.", "My {k}'s name is {v}.", "We named our {k} {v}.", "The {k} is {v}.", "{v} is my {k}."], ["What is my {k} called?", "What's my {k}'s name?", "And the name of the {k}?", "Which name does my {k} have?", "what was the {k} called again", "How did we name the {k}?", "Tell me the {k}'s name."], ["Your {k} is called {v}.", "{v}.", "The {k} is {v}."],
            ["Which of my pets is {v}?", "What animal is {v}?", "Who is {v}?", "{v} is which animal?", "What kind of pet is {v}?"], ["{v} is your {k}.", "Your {k}.", "{v} is the {k}."], ["we renamed the {k}: it is {v} now", "the {k} is called {v}", "my {k}'s name is {v}"]),
    Several(KEPT, SPOTS, ["I put my {k} {v}.", "My {k} {are} {v}.", "I left the {k} {v}.", "The {k} {are} {v}.", "I've put the {k} {v}.", "I keep the {k} {v}."], ["Where {are} my {k}?", "Where did I put the {k}?", "Where do I find my {k}?", "where did i leave my {k}", "I'm looking for my {k}.", "I need the {k}. Where {are} {they}?", "Remind me where the {k} {are}."], ["Your {k} {are} {y}.", "{y}.", "You put your {k} {y}."],
            ["What did I put {v}?", "What is {v}?", "What do I find {v}?", "Which thing lies {v}?"], ["Your {k}.", "You put your {k} {y}.", "{y} you find your {k}."], ["I moved the {k}: {they} {are} {v} now", "the {k} {are} {v}", "I put the {k} {v}"]),
    Several(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], ERRANDS, ["On {k} I {v}.", "On {k} I will {v}.", "I have to {v} on {k}.", "{k}: {v}.", "I'm going to {v} on {k}.", "On {k} I must {v}."], ["What do I do on {k}?", "What are my plans for {k}?", "What will I do on {k}?", "what's on {k}", "Do I have plans for {k}?", "What must I do on {k}?", "What did I plan for {k}?", "And on {k}?"], ["On {k} you {y}.", "You will {y}.", "On {k} you will {y}."],
            ["When do I {v}?", "On which day do I {v}?", "Which day will I {v}?", "When will I {v}?", "what day do i {v}"], ["On {k}.", "You {y} on {k}.", "You will {y} on {k}."], ["on {k} I {v}", "I {v} on {k}"]),
    Several(["dentist appointment", "meeting", "train", "English lesson", "dinner with Paul", "yoga class", "film", "flight", "haircut", "football match", "phone call with the bank", "concert", "choir", "parents' evening", "job interview", "bus to town"], CLOCK, ["My {k} is at {v}.", "The {k} is at {v}.", "{k}: {v}.", "I have the {k} at {v}.", "At {v} there is my {k}."], ["When is my {k}?", "What time is the {k}?", "At what time is my {k}?", "When do I have the {k}?", "what time was the {k}", "And the {k}?"], ["Your {k} is at {v}.", "At {v}.", "The {k} is at {v}."],
            ["What do I have at {v}?", "What is at {v}?", "Which appointment is at {v}?", "And at {v}, what is there?"], ["Your {k}.", "At {v} you have your {k}."], ["the {k} is at {v}", "the {k} has moved to {v}"]),
    Several(["door", "bike lock", "suitcase", "alarm", "phone", "safe", "locker", "garage", "gate", "office"], [str(n) for n in range(1000, 9999, 7)], ["The code for the {k} is {v}.", "My {k} code is {v}.", "{k} code: {v}.", "The {k} opens with {v}.", "Use {v} for the {k}."], ["What is the code for the {k}?", "What's the {k} code?", "How do I open the {k}?", "which number opens the {k}", "I need the code of the {k}.", "And for the {k}?", "Tell me the {k} code."], ["The code for the {k} is {v}.", "{v}.", "The {k} opens with {v}."],
            ["What is {v} for?", "What does {v} open?", "Which code is {v}?", "Where do I use {v}?"], ["{v} is the code for the {k}.", "It is for the {k}."], ["the {k} code is {v}", "the code for the {k} is {v} now"]),
    Several([r for r in RELATIVES if r in HER | HIS], [], ["My {k} is called {v}.", "My {k}'s name is {v}.", "{v} is my {k}.", "I have {ak} called {v}.", "The name of my {k} is {v}."], ["What is my {k} called?", "What's my {k}'s name?", "Who is my {k}?", "And my {k}?", "which name does my {k} have", "Tell me the name of my {k}."], ["Your {k} is called {v}.", "{v}.", "Your {k} is {v}."],
            ["Who is {v}?", "How am I related to {v}?", "Who was {v} again?", "What is {v} to me?", "Is {v} my friend or family?"], ["{v} is your {k}.", "Your {k}.", "You told me that {v} is your {k}."], ["my {k} is called {v}", "my {k}'s name is {v}"]),
    Several(RELATIVES, CITIES, ["My {k} lives in {v}.", "My {k}'s home is in {v}.", "My {k} moved to {v}.", "My {k} has a flat in {v}."], ["Where does my {k} live?", "Which city is my {k}'s home?", "In which city does my {k} live?", "And where does my {k} live?", "what city is my {k} in"], ["Your {k} lives in {v}.", "In {v}.", "{v}."], ["Who lives in {v}?", "Who of my people lives in {v}?", "Whom can I visit in {v}?"], ["Your {k} lives in {v}.", "Your {k}."], ["my {k} lives in {v}", "my {k} moved to {v}"]),
    Several(RELATIVES, JOBS, ["My {k} is {av}.", "My {k} works as {av}.", "My {k} earns a living as {av}."], ["What does my {k} do?", "What is my {k}'s job?", "What does my {k} work as?", "And what does my {k} do?", "whats my {k}s job"], ["Your {k} is {av}.", "Your {k} works as {av}.", "{av}."], ["Who is {av}?", "Who works as {av}?", "Which of them is {av}?"], ["Your {k} is {av}.", "Your {k}."], ["my {k} is {av} now", "my {k} works as {av}"]),
    Several(["colour", "food", "drink", "animal", "season", "sport", "city", "number", "day", "fruit", "hobby"], [], ["My favourite {k} is {v}.", "{v} is my favourite {k}.", "The {k} I like best is {v}.", "As for my favourite {k}, it is {v}."], ["What is my favourite {k}?", "Which {k} do I like best?", "And my favourite {k}?", "whats my favorite {k}", "Do you remember my favourite {k}?", "Which {k} do I love?"], ["Your favourite {k} is {v}.", "{v}.", "You like {v} best."], [], [], ["my favourite {k} is {v}"]),
    Several(RELATIVES, FOODS, ["For my {k} I will cook {v}.", "My {k} loves {v}.", "My {k} always eats {v}.", "My {k} is fond of {v}."], ["What does my {k} like to eat?", "What does my {k} love?", "Which food does my {k} like?", "And my {k}, what does my {k} like?"], ["Your {k} loves {v}.", "{v}.", "Your {k} likes {v}."], ["Who loves {v}?", "Who likes {v}?", "For whom is {v} right?"], ["Your {k} loves {v}.", "Your {k}."], ["my {k} loves {v}"]),
    Several(["red bag", "blue bag", "black suitcase", "green box", "brown box", "rucksack", "yellow folder", "top drawer", "bottom drawer", "big basket"], ["the books", "the towels", "the tools", "the photos", "the shoes", "the letters", "the medicine", "the candles", "the toys", "the tea cups", "the maps", "the winter coats", "the batteries", "the Christmas lights", "the bills", "the tents"], ["In the {k} are {v}.", "The {k} holds {v}.", "I packed {v} in the {k}.", "{v} are in the {k}.", "I put {v} into the {k}."], ["What is in the {k}?", "What did I put in the {k}?", "What does the {k} hold?", "And in the {k}?"], ["In the {k} are {v}.", "{v}."],
            ["Where are {v}?", "Where did I pack {v}?", "Which one has {v}?", "I need {v}. Where are they?", "in what did i put {v}"], ["In the {k}.", "{v} are in the {k}."], ["in the {k} there are only {v} now", "I emptied the {k} and put {v} in it", "the {k} holds {v}, nothing else"]),
]
FAVOURITES = {"colour": COLOURS, "food": FOODS, "drink": ["tea", "coffee", "milk", "lemonade", "orange juice", "hot chocolate"], "animal": ["the elephant", "the owl", "the fox", "the dolphin", "the tiger", "the penguin"], "season": ["spring", "summer", "autumn", "winter"], "sport": ["football", "tennis", "rowing", "skiing", "basketball", "judo"], "city": CITIES, "number": [str(n) for n in range(2, 99)], "day": DAYS, "fruit": ["mango", "cherry", "pear", "plum", "melon", "grape"], "hobby": HOBBIES}


def similar(random, other, sort=None):
    """Two to five things of one sort told, other talk between, then asked for one by one; corrections; what was not told."""
    sort = sort or random.choice(SEVERAL)
    number = random.choice([2, 2, 3, 3, 4, 5])
    keys = random.sample(sort.keys, number + 1)
    if sort.values:
        values = random.sample(sort.values, number + 2)
    else:
        values, taken = [], set()
        for key in keys + [keys[0]]:
            pool = FAVOURITES[key] if key in FAVOURITES else GIRLS if key in HER else BOYS
            values.append(random.choice([v for v in pool if v not in taken]))
            taken.add(values[-1])
    stranger, key_of = keys.pop(), dict(zip(keys, values))

    def say(k):
        return sort.fill(random, sort.tells, k, key_of[k])
    turns = []
    if random.random() < 0.45:
        text = " ".join(say(k) for k in keys)
        turns.append((told(random, text), random.choice(NOTED)))
    else:
        for k in keys:
            turns.append((told(random, say(k)), random.choice(NOTED)))
            if random.random() < 0.2:
                turns += between(random, other, 1)
    turns += between(random, other, random.choice(GAPS))
    if random.random() < 0.3:
        k, new = random.choice(keys), values[-1] if sort.values else None
        if new:
            key_of[k] = new
            change = sort.fill(random, sort.changed, k, new)
            turns.append((told(random, random.choice(["Sorry, {t}.", "Correction: {t}.", "No wait, {t}.", "Actually, {t}.", "I was wrong, {t}.", "It changed: {t}.", "Hm, no: {t}."]).format(t=change[0].lower() + change[1:] if not change.startswith("I ") and change.split()[0].strip(":,.'s") not in set(NAMES) | set(DAYS) else change)), random.choice(["Okay, I have changed that.", "Thanks for the correction.", "All right, I will go by that.", "Noted."])))
            turns += between(random, other, random.choice([0, 0, 1, 2]))
    order = random.sample(keys, random.randint(1, min(3, number)))
    for i, k in enumerate(order):
        v = key_of[k]
        if sort.back and random.random() < 0.4:
            q, r = sort.fill(random, sort.back, k, v), sort.fill(random, sort.back_answers, k, v)
        else:
            forms = sort.queries if i else [q for q in sort.queries if not q.startswith("And ")]
            q, r = sort.fill(random, forms, k, v), sort.fill(random, sort.answers[:1] + sort.answers, k, v)
        turns.append((reminded(random, q), r))
    if random.random() < 0.2:
        q = sort.fill(random, [q for q in sort.queries if not q.startswith("I'm ")], stranger, "it")
        turns.append((styled(random, q), random.choice(NEVER)))
    return turns


def reminded(random, q):
    return pick(random, REMINDING, q=q, l=lower_first(q)) if random.random() < 0.12 else styled(random, q)


ALLERGIES = {"nuts": (["peanut butter", "walnut cake", "hazelnut cream", "marzipan", "pesto with nuts", "almond biscuits", "nut bread"], "nuts"), "milk": (["cheese", "butter", "yoghurt", "ice cream", "cream cake", "milk chocolate", "pancakes made with milk"], "milk"), "eggs": (["an omelette", "scrambled eggs", "mayonnaise", "pancakes", "sponge cake", "meringue"], "eggs"), "fish": (["tuna salad", "salmon", "sushi with tuna", "fish fingers", "fish soup"], "fish"),
             "wheat": (["white bread", "pasta", "pizza", "cake", "biscuits", "couscous"], "wheat"), "shellfish": (["shrimps", "crab salad", "lobster", "mussels", "prawn curry"], "shellfish"), "soya": (["tofu", "soy sauce", "a tofu burger", "miso soup"], "soya"), "strawberries": (["strawberry jam", "a strawberry tart", "strawberry ice cream"], "strawberries")}
SAFE = ["an apple", "rice", "boiled potatoes", "carrots", "a banana", "a green salad", "lentil soup", "grilled chicken", "steamed broccoli", "plain tomatoes"]
MEAT = ["a beef burger", "a ham sandwich", "chicken soup", "bacon", "a pork sausage", "turkey", "salami pizza"]


def used(random, other):
    """What was told is used: a greeting by name, may I eat this, is it free that day, what to wear, what fits."""
    draw = random.randrange(9)
    gap = between(random, other, random.choice(GAPS))
    if draw == 0:
        n = random.choice(NAMES)
        turns = [(told(random, pick(random, ["My name is {n}.", "I'm {n}.", "Hi, I am {n}.", "Call me {n}.", "{n} here.", "You can call me {n}.", "People call me {n}."], n=n)), pick(random, ["Nice to meet you, {n}!", "Hello, {n}! What can I do for you?", "Hi {n}!"], n=n))] + gap
        ask = random.choice([(["Write a greeting to me by name.", "Greet me by my name.", "Say hello to me by name.", "Say hi to me and use my name.", "Write a short welcome for me with my name in it."], ["Hello, {n}! It is nice to talk with you.", "Hi {n}, I hope you have a lovely day!", "Welcome, {n}! I'm glad that you are here."]), (["Wish me a good night by name.", "Say good night to me with my name."], ["Good night, {n}! Sleep well.", "Sleep well, {n}!"]), (["Sign this for me: Best wishes,", "How do I end my letter? Put my name under it.", "Write the last line of my letter with my name."], ["Best wishes, {n}", "Kind regards, {n}"]),
                             (["Wish me luck, and use my name.", "Wish me good luck by name."], ["Good luck, {n}! You can do it.", "I wish you the best of luck, {n}!"]), (["Congratulate me on my birthday by name.", "Sing happy birthday for me, with my name.", "Wish me a happy birthday with my name."], ["Happy birthday, dear {n}!", "Happy birthday to you, {n}! All the best."]), (["What is the first letter of my name?", "With which letter does my name begin?"], ["Your name, {n}, begins with {l}.", "{l}, as in {n}."]), (["How many letters does my name have?", "Count the letters of my name."], ["{n} has {k} letters."]), (["Write my name in capital letters.", "My name in all caps, please."], ["{u}", "{u}."])])
        return turns + [(styled(random, random.choice(ask[0])), pick(random, ask[1], n=n, l=n[0], k=len(n), u=n.upper()))]
    if draw in (1, 2):
        what = random.choice(list(ALLERGIES))
        foods, word = ALLERGIES[what]
        turns = [(told(random, pick(random, ["I am allergic to {w}.", "I have an allergy to {w}.", "I can't eat {w}, because I'm allergic.", "By the way, I'm allergic to {w}.", "{w} make me ill, I'm allergic to them." if what not in ("milk", "fish", "wheat", "soya", "shellfish") else "{w} makes me ill, I'm allergic to it.", "My doctor says I'm allergic to {w}."], w=what)), random.choice(["Thanks for telling me. I will keep it in mind.", f"All right, no {word} for you.", "Noted. Be careful with that."]))] + gap
        for _ in range(random.choice([1, 1, 2])):
            bad = random.random() < 0.55
            f = random.choice(foods if bad else SAFE)
            forms = ["Can I eat {f}?", "May I have {f}?", "Is {f} all right for me?", "I'd like {f}. Is that safe for me?", "Somebody offers me {f}. Should I eat it?", "Could I eat {f}, given my allergy?", "What about {f} for me?", "There is {f} for dinner. Can I eat it?", "Is it okay if I eat {f}?"]
            turns.append((styled(random, pick(random, forms, f=f)), pick(random, [f"Better not. You are allergic to {word}, and {{f}} may contain {word if word != 'wheat' else 'wheat'}.", f"No, you told me that you are allergic to {word}.", f"No. {{f}} is not for you, because of your allergy to {word}." if not f.endswith("s") else f"No, because of your allergy to {word}."] if bad else
                         [f"Yes, {{f}} should be fine: there is no {word} in that." if what in ("milk", "fish", "wheat", "soya", "shellfish") else f"Yes, {{f}} should be fine: there are no {word} in that.", f"Yes. You are allergic to {word}, and {{f}} should be free of that.", f"It should be fine with your allergy to {word}, but check what was added."], f=f)))
        return turns
    if draw == 3:
        vegan = random.choice(["vegetarian", "vegetarian", "vegan"])
        turns = [(told(random, pick(random, ["I am {v}.", "I'm {v}.", "I eat no meat, I'm {v}.", "I have been {v} for years.", "I became {v} last year."], v=a(vegan) if random.random() < 0.2 else vegan)), random.choice(NOTED + ["Good to know, no meat then."]))] + gap
        f = random.choice(MEAT + SAFE[:6]) if random.random() < 0.8 else random.choice(["tofu", "lentil curry", "hummus"])
        return turns + [(styled(random, pick(random, ["Can I eat {f}?", "Is {f} something for me?", "Would {f} be right for me?", "Shall I order {f}?", "May I have {f}?"], f=f)), f"No, you are {vegan}, and there is meat in that." if f in MEAT else f"Yes, that fits: you are {vegan}, and there is no meat in it.")]
    if draw in (4, 5):
        days = random.sample(DAYS, random.choice([2, 3]))
        plans = random.sample(ERRANDS, len(days))
        turns = []
        if random.random() < 0.5:
            turns.append((told(random, listed([f"On {d} I {p}" if not i else f"on {d} I {p}" for i, (d, p) in enumerate(zip(days, plans))]) + "."), random.choice(NOTED)))
        else:
            turns += [(told(random, f"On {d} I {p}."), random.choice(NOTED)) for d, p in zip(days, plans)]
        turns += gap
        free = random.choice([d for d in DAYS if d not in days])
        d = random.choice(days + [free])
        q = pick(random, ["Am I free on {d}?", "Do I have time on {d}?", "Can I meet a friend on {d}?", "Is {d} still free?", "Could I go out on {d}?", "Do I have anything on {d}?"], d=d)
        busy = d in days
        doing = yours(" " + plans[days.index(d)]).strip() if busy else ""
        yes_busy = q.startswith("Do I have anything")
        turns.append((styled(random, q), (f"{'Yes' if yes_busy else 'No'}, on {d} you {doing}." if busy else f"{'No' if yes_busy else 'Yes'}, you told me of no plans for {d}.")))
        if random.random() < 0.35:
            first = min(days, key=DAYS.index)
            turns.append((styled(random, random.choice(["Which of my plans comes first in the week?", "What do I do first in the week?", "What is the first thing on my plan, from Monday on?"])), f"First comes {first}: you {yours(' ' + plans[days.index(first)]).strip()}."))
        return turns
    if draw == 6:
        items = random.sample(SHOP, random.choice([3, 4, 5, 6]))
        got = random.sample(items, random.randint(1, len(items) - 1))
        left = [item for item in items if item not in got]
        turns = [(told(random, pick(random, ["I need to buy {l}.", "My shopping list: {l}.", "We need {l}.", "Please remember: {l}.", "I must get {l}.", "From the market I want {l}."], l=listed(items))), random.choice(NOTED))] + gap
        turns.append((told(random, pick(random, ["I have bought {l}.", "I've got {l} now.", "{l}: done.", "I already have {l}.", "I found {l}."], l=listed(got))), random.choice(["Good.", "Okay, ticked off.", "Well done.", "Noted."])))
        turns += between(random, other, random.choice([0, 0, 1]))
        return turns + [(styled(random, random.choice(["What do I still need?", "What is still missing?", "What is left to buy?", "What else do I have to buy?", "which things are left", "So what's left on my list?"])), pick(random, ["You still need {l}.", "Still missing: {l}.", "{l}."], l=listed(left)))]
    if draw == 7:
        n, m = random.randint(18, 80), random.randint(1, 20)
        r = random.choice(["brother", "sister", "cousin", "best friend"])
        older = random.random() < 0.5
        turns = [(told(random, pick(random, ["I am {n} years old, and my {r} is {m} {u} {o}.", "I'm {n}. My {r} is {m} {u} {o}.", "My age is {n}. My {r} is {m} {u} {o} than me."], n=n, m=m, r=r, u="year" if m == 1 else "years", o="older" if older else "younger")), random.choice(NOTED))] + gap
        if n - m < 1:
            return used(random, other)
        value = n + m if older else n - m
        return turns + [(styled(random, pick(random, ["How old is my {r}?", "What is my {r}'s age?", "So how old is my {r}?"], r=r)), f"{n} {'+' if older else '-'} {m} = {value}, so your {r} is {value} years old.")] if random.random() < 0.6 else turns + [(styled(random, pick(random, ["Who is older, my {r} or I?", "Am I older than my {r}?", "Which of us is younger, my {r} or I?"], r=r)), f"Your {r} is {m} {'year' if m == 1 else 'years'} {'older' if older else 'younger'} than you.")]
    x, y = random.sample(PETS, 2)
    m, n = random.sample(PET_NAMES, 2)
    turns = [(told(random, f"I have {a(x)} called {m} and {a(y)} called {n}."), random.choice(NOTED + [f"{m} and {n}, what lovely names!"]))] + gap
    turns.append(random.choice([(f"My {x} is ill.", f"I'm sorry that {m} is ill. A vet can help best."), (f"My {y} had its birthday today!", f"Happy birthday to {n}!"), (f"The {x} hides under the sofa.", f"Perhaps {m} wants some quiet."), (f"Write a short line for my {y}.", f"{n} is the best {y} in the world."), (f"Say hello to my {x}.", f"Hello, {m}!"), (f"Which of them should I take for a walk, the {x} or the {y}? Say the name.", f"{m if x in ('dog', 'puppy') else n if y in ('dog', 'puppy') else 'Neither'}." if {x, y} & {"dog", "puppy"} and not {"dog", "puppy"} <= {x, y} else f"That is up to you: {m} or {n}."), (f"How many pets do I have?", f"You have two: {m} and {n}.")]))
    return turns


def family(random, other):
    """Who is whose sister, wife or colleague; asked both ways and over two steps."""
    names = random.sample(GIRLS, 3) + random.sample(BOYS, 3)
    random.shuffle(names)
    links = []
    for i in range(random.choice([1, 2, 2, 3])):
        x, y = names[2 * i], names[2 * i + 1]
        links.append((x, random.choice(["sister", "cousin", "aunt", "neighbour", "boss", "teacher", "mother", "wife"] if x in GIRLS else ["brother", "cousin", "uncle", "neighbour", "boss", "teacher", "father", "husband"]) if not (x in GIRLS and y in GIRLS or x in BOYS and y in BOYS) else random.choice(["cousin", "neighbour", "boss", "teacher", "best friend", "sister" if x in GIRLS else "brother"]), y))
    say = [pick(random, ["{x} is {y}'s {r}.", "{y}'s {r} is {x}.", "{x} is the {r} of {y}.", "{y} has {ar} called {x}." if r in ("sister", "brother", "cousin", "aunt", "uncle", "neighbour") else "{y}'s {r} is called {x}."], x=x, r=r, y=y, ar=a(r)) for x, r, y in links]
    extra = random.random() < 0.5
    city = random.choice(CITIES)
    if extra:
        say.append(f"{links[0][0]} lives in {city}.")
    turns = [(told(random, " ".join(say)), random.choice(NOTED))] if random.random() < 0.6 else [(told(random, text), random.choice(NOTED)) for text in say]
    turns += between(random, other, random.choice(GAPS))
    for x, r, y in random.sample(links, random.randint(1, min(2, len(links)))):
        if random.random() < 0.5:
            turns.append((reminded(random, pick(random, ["Who is {y}'s {r}?", "What is {y}'s {r} called?", "How is {y}'s {r} called?", "Tell me the name of {y}'s {r}.", "who was the {r} of {y}"], x=x, y=y, r=r)), pick(random, ["{x} is {y}'s {r}.", "{x}.", "{y}'s {r} is {x}."], x=x, y=y, r=r)))
        else:
            turns.append((reminded(random, pick(random, ["Whose {r} is {x}?", "Who is {x}?", "How is {x} related to {y}?" if r not in ("boss", "teacher", "neighbour", "best friend") else "What is {x} to {y}?", "{x} is whose {r}?"], x=x, y=y, r=r)), pick(random, ["{x} is {y}'s {r}.", "{y}'s {r}."], x=x, y=y, r=r)))
    if extra and random.random() < 0.7:
        x, r, y = links[0]
        turns.append((styled(random, pick(random, ["Where does {y}'s {r} live?", "In which city does {y}'s {r} live?", "Where does {x} live?"], x=x, y=y, r=r)), pick(random, ["{x} lives in {c}.", "In {c}.", "{y}'s {r} {x} lives in {c}."], x=x, y=y, r=r, c=city)))
    return turns


def summary(random, other):
    """Several facts told, then: what do you know about me?"""
    known = []
    for one in facts(random, random.choice([2, 3, 3, 4])):
        if one.kind not in ("car", "bike", "visitor", "eaten", "bought", "lost") and not one.kind.startswith("kept") and "," not in one.answers[0]:
            known.append(one)
    if not known:
        return similar(random, other)
    turns = []
    for one in known:
        turns.append((one.tell(random), one.noted(random)))
        if random.random() < 0.25:
            turns += between(random, other, 1)
    turns += between(random, other, random.choice([0, 0, 1, 2]))
    parts = [pick(random, one.answers[:1], v=one.value, **one.more).rstrip(".") for one in known]
    parts = [parts[0]] + [p[0].lower() + p[1:] if p.startswith(("You ", "Your ", "The ", "In ", "It ")) else p for p in parts[1:]]
    turns.append((styled(random, random.choice(["What do you know about me?", "What have I told you about myself?", "Sum up what I told you.", "Tell me everything you know about me.", "What did I tell you so far?", "Repeat what you know about me.", "Summarise what I said about myself.", "What do you remember about me?", "Which things did I tell you about me?", "List what I have told you.", "So what do you know of me by now?"])), random.choice([listed(parts) + ".", ". ".join(capital(p) for p in parts) + ".", "\n".join("- " + capital(p) + "." for p in parts)])))
    return turns


CLAIMS = ["Did I say that {c}?", "Did I tell you that {c}?", "Have I said that {c}?", "Have I told you that {c}?", "Was it me who said that {c}?"]


def claimed(answer):
    """An answer as the visitor would claim it: my name is Tom."""
    return answer.rstrip(".").replace("Your ", "my ", 1).replace("You are", "I am", 1).replace("You ", "I ", 1).replace(" your ", " my ")


def never_told(random, other):
    """Some things told, a like thing asked that was not; also a wrong claim about what was said."""
    first, missing = facts(random, 2)
    turns = [(first.tell(random), first.noted(random))] + between(random, other, random.choice(GAPS))
    if random.random() < 0.5:
        turns.append((missing.ask(random), random.choice(NEVER)))
        if random.random() < 0.6:
            turns.append((first.ask(random), first.answer(random)))
    else:
        while first.kind.startswith("kept"):
            first = fact(random)
            turns[0] = (first.tell(random), first.noted(random))
        true = pick(random, first.answers[:1], v=first.value, **first.more)
        if random.random() < 0.4:
            turns.append((styled(random, random.choice(CLAIMS).format(c=claimed(true))), random.choice(["Yes. ", "Yes, you did. ", "Yes, that is right. "]) + true))
            return turns
        for _ in range(60):
            rival = fact(random)
            if rival.kind == first.kind and rival.value != first.value and {k: v for k, v in rival.more.items() if k not in ("an", "An", "c", "V", "y")} == {k: v for k, v in first.more.items() if k not in ("an", "An", "c", "V", "y")}:
                break
        else:
            turns.append((missing.ask(random), random.choice(NEVER)))
            return turns
        turns.append((styled(random, random.choice(CLAIMS).format(c=claimed(pick(random, rival.answers[:1], v=rival.value, **rival.more)))), random.choice(["No. ", "No, you did not say that. "]) + true))
    return turns


# Something told in one breath, with several details. A line: the ways to tell it, apart by ;; then what may be asked and answered,
# question;question=answer;answer. {n} {m} names, {r} relative, {c} {e} cities, {d} {f} days, {t} {u} times, {k} {l} numbers, {p} price,
# {x} food, {j} job, {a} {b} pets, {o} {q} pet names, {g} colour, {h} hobby, {w} place to meet, {s} something bought.
RECORDS = [line.split("|") for line in """I'm meeting {n} at {t} at the {w} on {d}.;On {d} at {t} I meet {n} at the {w}.;Got a date with {n}: {d}, {t}, at the {w}.|Whom do I meet on {d}?;Who am I meeting?;Who is my date with?=You meet {n}.;{n}.|When do I meet {n}?;At what time do I meet {n}?;What time is the meeting with {n}?=On {d} at {t}.;At {t}.|Where do I meet {n}?;Where am I meeting {n}?;What is our meeting place?=At the {w}.;You meet {n} at the {w}.|On which day do I meet {n}?;what day am i meeting {n}=On {d}.
My flight to {c} leaves on {d} at {t} from gate {k}.;I fly to {c} on {d}; it leaves at {t}, gate {k}.;Flight to {c}: {d}, {t}, gate {k}.|Where do I fly?;Where is my flight going?;Which city do I fly to?=You fly to {c}.;To {c}.|When does my flight leave?;What time is my flight?;At what time do I fly?=On {d} at {t}.;Your flight leaves at {t}.|Which gate is my flight?;What is my gate?;which gate do i need=Gate {k}.;Your gate is {k}.|On which day do I fly?;What day is the flight?=On {d}.;You fly on {d}.
I have two pets, {ba} called {o} and {bb} called {q}.;We have {ba}, {o}, and {bb}, {q}.;My pets are {o}, {ba}, and {q}, {bb}.|What are my pets called?;Tell me the names of my pets.;How are my animals called?=They are called {o} and {q}.;{o} and {q}.|What is my {a} called?;What's the name of the {a}?=Your {a} is called {o}.;{o}.|What is my {b} called?;What's the name of the {b}?=Your {b} is called {q}.;{q}.|What kind of animal is {q}?;Who is {q}?=Your {b}.;{q} is your {b}.|How many pets do I have?;how many animals have i got=You have two, {o} and {q}.;Two.
We moved from {c} to {e} in {year}.;In {year} I moved from {c} to {e}.;I used to live in {c}, but in {year} I moved to {e}.|Where do I live now?;Which city do I live in now?;What's my home now?=You live in {e}.;In {e}.|Where did I live before?;Which city did I leave?;Where did I use to live?=You lived in {c} before.;You moved away from {c}.|When did I move?;In which year did I move?=In {year}.;You moved in {year}.
I'm {age}, I live in {c} and I work as {aj}.;{age} years old, {j}, from {c}: that's me.;I am {aj} from {c}, {age} years old.|How old am I?;What is my age?;my age?=You are {age}.;You are {age} years old.|Where do I live?;Which city am I from?=In {c}.;You are from {c}.|What do I do?;What is my job?;what do i work as=You are {aj}.;You work as {aj}.
My {r} {n} is {age} and lives in {c}.;My {r} is called {n}, is {age} years old and lives in {c}.;{n}, my {r}, is {age} and at home in {c}.|What is my {r} called?;What's my {r}'s name?=Your {r} is called {n}.;{n}.|How old is {n}?;How old is my {r}?;What age is {n}?=Your {r} is {age}.;{n} is {age} years old.|Where does {n} live?;Which city does my {r} live in?=In {c}.;{n} lives in {c}.|Who is {n}?;Who was {n} again?=Your {r}.;{n} is your {r}.
I bought {as_} for {p} euros on {d}.;On {d} I got {as_}. It cost {p} euros.;I paid {p} euros for {as_} on {d}.|What did I buy?;What did I get on {d}?;Which thing did I buy?=You bought {as_}.;{As}.|How much did I pay?;What did the {s} cost?;How much was the {s}?=You paid {p} euros.;{p} euros.|When did I buy the {s}?;On which day did I buy it?=On {d}.;You bought it on {d}.
For the party I will bring {x}, {n} brings {y} and {m} brings {z}.;{n} brings {y} to the party, {m} brings {z}, and I bring {x}.;Party plan: {x} from me, {y} from {n}, {z} from {m}.|What will I bring?;What do I bring to the party?;what is my part=You bring {x}.;{X}.|What does {n} bring?;What will {n} bring?=You said {n} brings {y}.;{Y}.|Who brings {z}?;Who is bringing {z}?={m}.;{m} brings {z}.|What does {m} bring?;And {m}, what does {m} bring?={m} brings {z}.;{Z}.
My room is {k} and {n}'s is {l}.;{n} has room {l}, I have room {k}.;I'm in room {k}, and {n} is in {l}.|Which room am I in?;What is my room number?;my room?=You are in room {k}.;Room {k}.|Which room is {n} in?;What is {n}'s room number?;Where is {n}?={n} is in room {l}.;Room {l}.|Who is in room {l}?;Whose room is {l}?={n}.;{n} is in room {l}.
I take one {g} pill at {t} and two drops at {u}.;At {t} I need one {g} pill, at {u} two drops.;My medicine: one {g} pill at {t}, two drops at {u}.|When do I take the pill?;At what time is the pill?=At {t}.;You take the {g} pill at {t}.|When do I take the drops?;What time are the drops?=At {u}.;You take the drops at {u}.|What colour is the pill?;Which colour is my pill?={G}.;The pill is {g}.|How many drops do I take?;how many drops=Two.;Two drops.
I parked the {g} car on level {k2} of the {w} garage, next to pillar {l2}.;The {g} car is on level {k2}, pillar {l2}, in the {w} garage.;Parking: {w} garage, level {k2}, pillar {l2}, {g} car.|Where did I park?;Where is my car?;In which garage is the car?=In the {w} garage, on level {k2}.;On level {k2} of the {w} garage.|Which level did I park on?;What level is my car on?=Level {k2}.;On level {k2}.|Which pillar is the car next to?;What was the pillar?=Pillar {l2}.;Next to pillar {l2}.|What colour is the car?;Which car did I park?={G}.;The {g} one.
{n} owes me {p} euros, and I owe {m} {p2} euros.;I owe {m} {p2} euros. {n} owes me {p} euros.;I lent {n} {p} euros and borrowed {p2} euros from {m}.|Who owes me money?;From whom do I get money?={n} owes you {p} euros.;{n}.|Whom do I owe money?;Who gets money from me?=You owe {m} {p2} euros.;{m}.|How much does {n} owe me?;What do I get from {n}?={p} euros.;{n} owes you {p} euros.|How much do I owe {m}?;What does {m} get from me?={p2} euros.;You owe {m} {p2} euros.
On {d} I have {h} and on {f} my language class, both at {t}.;{d}: {h} at {t}. {f}: language class, also at {t}.;I do {h} on {d} at {t}, and my language class is on {f} at {t}.|When do I have {h}?;On which day is {h}?=On {d} at {t}.;On {d}.|When is my language class?;On which day is the language class?=On {f}.;On {f} at {t}.|What do I do on {f}?;What is on {f}?=You have your language class.;Your language class.|At what time does my class start?;what time is my class=At {t}.
The wifi is called {o}Net and the password is {word}{k}.;Wifi name: {o}Net, password: {word}{k}.;Use the wifi {o}Net with the password {word}{k}.|What is the wifi password?;Password of the wifi?;Remind me of the wifi password.=It is {word}{k}.;The password is {word}{k}.|What is the wifi called?;Which wifi do I use?;wifi name?={o}Net.;It is called {o}Net.
I was born in {c}, grew up in {e} and studied {h2}.;Born in {c}, raised in {e}, I studied {h2}.;I grew up in {e}, but I was born in {c}. I studied {h2}.|Where was I born?;In which city was I born?=In {c}.;You were born in {c}.|Where did I grow up?;Which city did I grow up in?=In {e}.;You grew up in {e}.|What did I study?;Which subject did I study?={H2}.;You studied {h2}.
I have {k3} sisters and {l3} brothers. The oldest is {n}.;There are {k3} sisters and {l3} brothers in my family; {n} is the oldest.;My {k3} sisters and {l3} brothers are all younger than {n}, the oldest.|How many sisters do I have?;how many sisters=You have {k3} sisters.;{K3}.|How many brothers do I have?;And how many brothers have I got?=You have {l3} brothers.;{L3}.|Who is the oldest?;What is the oldest called?={n}.;{n} is the oldest.
The blue key opens the {key1}, the red key the {key2}.;Blue key: {key1}. Red key: {key2}.;For the {key1} I use the blue key, and for the {key2} the red one.|Which key opens the {key1}?;What key do I need for the {key1}?=The blue key.;The blue one.|Which key opens the {key2}?;What key do I need for the {key2}?=The red key.;The red one.|What does the blue key open?;What is the blue key for?=The {key1}.;It opens the {key1}.|What does the red key open?;What is the red key for?=The {key2}.;It opens the {key2}.
I read {k} pages on {d} and {l} on {f}.;On {d} I read {k} pages, on {f} {l}.;{d}: {k} pages read. {f}: {l} pages.|How many pages did I read on {d}?;How much did I read on {d}?={k} pages.;On {d} you read {k} pages.|How many pages did I read on {f}?;How much did I read on {f}?={l} pages.;On {f} you read {l} pages.|On which day did I read more?;When did I read more?=On {more}.
{n} likes {x}, but {m} can't stand it; {m} prefers {y}.;{m} prefers {y} and doesn't like {x}, which {n} likes.;I cook {x} for {n}, and {y} for {m}, who hates {x}.|What does {n} like?;What shall I cook for {n}?={X}.;{n} likes {x}.|What does {m} prefer?;What shall I cook for {m}?={Y}.;{m} prefers {y}.|Who doesn't like {x}?;Who hates {x}?={m}.;{m} doesn't like {x}.
My new neighbour {n} is {aj} and has {ba} called {o}.;{n}, {aj}, moved in next door with {ba} called {o}.;Next door lives {n} now. {n} is {aj}, and the {a} is called {o}.|Who lives next door?;What is my neighbour called?=Your neighbour {n}.;{n}.|What does {n} do?;What is my neighbour's job?=Your neighbour is {aj}.;{n} is {aj}.|What is the neighbour's {a} called?;What is {n}'s {a} called?={o}.;The {a} is called {o}.|Which pet does {n} have?;What animal does my neighbour have?={Ba}.;{n} has {ba} called {o}.""".splitlines()]
KEYS = ["cellar", "garage", "front door", "letter box", "shed", "safe", "office", "garden gate", "boat", "suitcase"]
MEETING = ["station", "market", "cinema", "library", "harbour", "town hall", "museum", "theatre", "airport", "old bridge", "zoo", "castle"]


def record(random, other):
    """Something with several details told in one breath; one or more of them asked for after other talk, now and then one corrected."""
    tells, *asked = random.choice(RECORDS)
    r = random.choice(RELATIVES)
    (n, m), (c, e), (d, f), (t, u), (k, l), (p, p2), (a_, b), (o, q) = [random.sample(pool, 2) for pool in (NAMES, CITIES, DAYS, CLOCK, range(2, 90), range(3, 90), PETS, PET_NAMES)]
    if "{r}" in tells and r in HER | HIS:
        n = random.choice(GIRLS if r in HER else BOYS)
    (x, y, z), (key1, key2), (k3, l3) = random.sample(FOODS, 3), random.sample(KEYS, 2), random.sample(["two", "three", "four", "five"], 2)
    s, g, j, h2 = random.choice(THINGS)[0], random.choice(COLOURS), random.choice(JOBS), random.choice(["history", "biology", "law", "medicine", "music", "physics", "art", "chemistry", "economics", "geography"])
    values = dict(n=n, m=m, c=c, e=e, d=d, f=f, t=t, u=u, k=k, l=l, p=p, p2=p2, a=a_, b=b, o=o, q=q, ba=a(a_), bb=a(b), Ba=capital(a(a_)), x=x, y=y, z=z, X=capital(x), Y=capital(y), Z=capital(z), key1=key1, key2=key2, k3=k3, l3=l3, K3=capital(k3), L3=capital(l3), s=s, as_=a(s), As=capital(a(s)), g=g, G=capital(g), j=j, aj=a(j), h=random.choice(HOBBIES), h2=h2, H2=capital(h2),
                  w=random.choice(MEETING), year=random.randint(1990, 2024), age=random.randint(18, 85), r=r, k2=random.randint(1, 6), l2=random.randint(7, 60), word=random.choice([thing[0] for thing in THINGS if " " not in thing[0]]), more=d if k > l else f)
    turns = [(told(random, pick(random, split(tells), **values)), random.choice(NOTED))]
    turns += between(random, other, random.choice(GAPS))
    for line in random.sample(asked, random.choice([1, 1, 2, len(asked)])):
        questions, answers = [side.split(";") for side in line.split("=")]
        turns.append((reminded(random, pick(random, questions, **values)), pick(random, answers, **values)))
        if random.random() < 0.1:
            turns += between(random, other, 1)
    return turns


def split(tells):
    """The ways to tell, where a sentence itself has a semicolon followed by a space."""
    return re.split(r";(?! )", tells)


FORMS = [similar] * 7 + [record] * 6 + [used] * 4 + [family] * 3 + [summary] * 1 + [never_told] * 2


def retold(random, other):
    return random.choice(FORMS)(random, other)
