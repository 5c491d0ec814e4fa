"""Talk: greetings, who it is, feelings, what it cannot know, care, simple instructions, jokes."""
from .lists import CITIES, NAMES
from .phrasing import ask, capital, pick, styled
from .rows import answered, questions

TALK, JOKES = questions("talk"), questions("jokes")
NOW = ["the weather", "the news", "the time", "the date", "the score of the match", "the price of gold", "the traffic", "my bank balance", "the exchange rate of the dollar", "the share price of Apple", "who won the election yesterday", "whether it will rain tomorrow", "when the next bus comes", "the temperature outside"]


def unknown(random):
    draw = random.randrange(5)
    city = random.choice(CITIES)
    if draw == 0:
        return [(ask(random, ["What is the weather like in {c}?", "How is the weather in {c} today?", "Will it rain in {c} tomorrow?", "weather {c}", "Is it warm in {c} right now?", "Do I need an umbrella in {c} today?"], c=city), pick(random, ["I can't see the weather, because I run in your browser without live data. A weather app will tell you about {c}.", "I don't know today's weather in {c}. I have no live data, so please look at a weather service.", "I can't look up the weather. A weather app shows it for {c}."], c=city))]
    if draw == 1:
        return [(ask(random, ["What time is it?", "What's the time now?", "What is the date today?", "Which day is today?", "What time is it in {c}?", "what year is it now", "Do you know the time?"], c=city), pick(random, ["I can't see a clock or a calendar. Your device shows the time and date.", "I don't know, because I have no clock. Please look at your device.", "I have no access to the time. Your screen should show it."]))]
    if draw == 2:
        return [(ask(random, ["What is in the news?", "What happened today?", "Who won the match last night?", "What are today's headlines?", "What is the price of gold now?", "How much is one bitcoin?", "What is the dollar worth today?", "Who won the election this year?", "When does the next bus leave?", "Is there a traffic jam?"]), pick(random, ["I have no live information, so I can't know that. A news site will tell you.", "I don't know what is happening now. I can't look things up on the internet.", "I can't know that, because I have no connection to live data."]))]
    if draw == 3:
        n = random.choice(NAMES)
        return [(ask(random, ["What is my neighbour {n}'s phone number?", "Where does my friend {n} live?", "How old is my aunt {n}?", "What is {n} doing right now?", "Did {n} get my email?", "Does {n} like me?"], n=n), pick(random, ["I can't know that. I know nothing about private people.", "I don't know, because I know only what you tell me in this chat.", "I can't know that about {n}. You could ask {n}."], n=n))]
    return [(ask(random, ["What am I wearing?", "Where am I?", "Can you see me?", "What is on my screen?", "What is my IP address?", "What did I do yesterday?", "What do I have in my pocket?", "Where is my phone?", "What is my bank balance?", "How many emails do I have?", "What is my password?"]), pick(random, ["I can't see or know that. I know only what you write in this chat.", "I don't know. I can't see you or your device, only your messages here.", "I have no way to know that. You have not told me."]))]


SHORT = [("Is the sun hot?", "Yes."), ("Is ice warm?", "No."), ("Is Paris in France?", "Yes."), ("Can fish fly aeroplanes?", "No."), ("Is water wet?", "Yes."), ("Do cows lay eggs?", "No."), ("Is 7 an odd number?", "Yes."), ("Is the Moon a star?", "No."), ("Do birds have wings?", "Yes."), ("Is fire cold?", "No."),
         ("Do dogs bark?", "Yes."), ("Is a whale a fish?", "No."), ("Is Berlin in Italy?", "No."), ("Is gold a metal?", "Yes."), ("Are bananas yellow when ripe?", "Yes."), ("Do snakes have legs?", "No."), ("Is Tokyo in Japan?", "Yes."), ("Is snow black?", "No.")]
ONE_WORD = [("What colour is the sky?", "Blue."), ("What is the capital of Italy?", "Rome."), ("What do bees make?", "Honey."), ("Which animal barks?", "Dog."), ("What is frozen water called?", "Ice."), ("What is the opposite of hot?", "Cold."), ("What do cows drink as calves?", "Milk."), ("Which planet do we live on?", "Earth."), ("What is 2 plus 2?", "Four."), ("What falls from clouds?", "Rain."),
            ("What colour is grass?", "Green."), ("What is the capital of Spain?", "Madrid."), ("What do you use to write?", "Pen."), ("Which season is the coldest?", "Winter."), ("What is the largest ocean?", "Pacific."), ("What is the opposite of big?", "Small."), ("Which gas do we breathe in to live?", "Oxygen."), ("What do hens lay?", "Eggs.")]
LISTS = {"fruits": ["apple", "pear", "banana", "orange", "plum", "cherry", "grape", "mango"], "vegetables": ["carrot", "potato", "onion", "bean", "pea", "cabbage"], "animals": ["dog", "cat", "horse", "lion", "elephant", "mouse", "fox"], "colours": ["red", "blue", "green", "yellow", "black", "white"], "things in a kitchen": ["a pan", "a knife", "a plate", "a stove", "a fridge", "a spoon"],
         "sports": ["football", "tennis", "swimming", "running", "golf", "rowing"], "drinks": ["water", "milk", "tea", "coffee", "juice"], "musical instruments": ["the piano", "the violin", "the drum", "the flute", "the guitar"], "pieces of furniture": ["a table", "a chair", "a bed", "a sofa", "a shelf"], "clothes": ["a shirt", "trousers", "a coat", "a hat", "socks", "a scarf"], "birds": ["robin", "crow", "owl", "duck", "eagle", "swan"],
         "things that are red": ["a strawberry", "blood", "a ripe tomato", "a fire engine", "a ruby"], "things that fly": ["a bird", "a plane", "a bee", "a kite", "a bat"], "things that are round": ["a ball", "a coin", "a wheel", "an orange", "the Moon"], "things you take to the beach": ["a towel", "sun cream", "a hat", "water", "a book"], "things that are cold": ["ice", "snow", "ice cream", "a fridge"], "tools": ["a hammer", "a saw", "a screwdriver", "a spade", "a drill"],
         "girls' names": ["Anna", "Lucy", "Emma", "Clara", "Nora"], "boys' names": ["Tom", "Ben", "Paul", "Leo", "Max"], "flowers": ["rose", "tulip", "daisy", "lily", "sunflower"], "trees": ["oak", "pine", "birch", "maple", "willow"], "ways to relax": ["read a book", "take a walk", "listen to music", "take a warm bath", "breathe slowly"], "breakfast ideas": ["porridge with fruit", "eggs on toast", "yoghurt with nuts", "bread with cheese"],
         "words that start with B": ["ball", "bread", "bird", "book", "blue"], "words that start with S": ["sun", "sand", "snake", "soup", "seven"], "words that start with C": ["cat", "car", "cup", "cake", "cold"], "words that start with M": ["moon", "milk", "mouse", "music", "map"], "names for a dog": ["Rex", "Bella", "Max", "Luna", "Buddy"], "names for a cat": ["Whiskers", "Coco", "Tiger", "Snowy", "Misty"], "gifts for a child": ["a puzzle", "a ball", "a picture book", "crayons", "a kite"],
         "insects": ["ant", "bee", "fly", "beetle", "wasp"], "means of transport": ["a bus", "a train", "a bike", "a car", "a ship"], "hobbies": ["painting", "chess", "gardening", "hiking", "cooking"], "parts of the body": ["the arm", "the leg", "the head", "the knee", "the hand"]}


def orders(random):
    draw = random.randrange(6)
    if draw == 0:
        q, r = random.choice(SHORT)
        return [(ask(random, ["Answer with yes or no: {q}", "Yes or no: {q}", "{q} Answer only yes or no.", "{q} Just yes or no.", "Only say yes or no. {q}"], q=q), r)]
    if draw == 1:
        q, r = random.choice(ONE_WORD)
        return [(ask(random, ["Answer with one word: {q}", "In one word: {q}", "{q} One word only.", "{q} Answer with a single word.", "Use just one word. {q}"], q=q), r)]
    if draw == 2:
        q, r = random.choice(ONE_WORD)
        return [(ask(random, ["Answer in capital letters: {q}", "{q} Answer in capitals.", "{q} Write your answer in upper case."], q=q), r.upper())]
    if draw == 3:
        w = random.choice(["hello", "banana", "yes", "sunshine", "good night", "Samba", "thank you", "blue", "I like cheese", "pizza", "moon", "happy birthday", "one two three", "abracadabra"])
        return [(random.choice(["Say {w}.", "Say only {w}.", 'Write the word "{w}".', "Repeat after me: {w}", "Just say {w}", 'Please say "{w}" and nothing else.', "Type {w}"]).format(w=w), w[0].upper() + w[1:] + random.choice([".", ""]))] if random.random() < 0.6 else \
            [(random.choice(['Say "{w}" three times.', "Write {w} three times.", "Repeat {w} three times."]).format(w=w), ", ".join([w] * 3) + ".")]
    kind = random.choice(list(LISTS))
    n = random.choice([2, 3, 3, 3, 4])
    items = random.sample(LISTS[kind], n)
    number = random.choice([str(n), ["", "", "two", "three", "four"][n]])
    q = ask(random, ["Name {n} {k}.", "List {n} {k}.", "Give me {n} {k}.", "Tell me {n} {k}.", "Can you list {n} {k}?", "What are {n} {k}?", "I need {n} {k}.", "Write down {n} {k}."], n=number, k=kind)
    shape = random.randrange(3)
    if shape == 0:
        return [(q, capital(", ".join(items[:-1])) + " and " + items[-1] + ".")]
    if shape == 1:
        return [(q, "\n".join(f"{i}. {capital(item)}" for i, item in enumerate(items, 1)))]
    return [(q, "\n".join(f"- {capital(item)}" for item in items))]


def joke(random):
    entry = JOKES[0] if random.random() < 0.5 else random.choice(JOKES)
    turns = [(styled(random, random.choice(entry[0])), random.choice(entry[1]))]
    if random.random() < 0.3 and len(entry[1]) > 1:
        turns.append((styled(random, random.choice(["Another one.", "Haha, one more!", "One more, please.", "That was good. Another?"])), random.choice([other for other in entry[1] if other != turns[0][1]])))
    return turns


def chat(random):
    """Greeting, one or two things, thanks, goodbye."""
    turns = [random.choice([("Hello", "Hello! How can I help you?"), ("hi", "Hi! What can I do for you?"), ("Good morning!", "Good morning! How can I help?"), ("hey there", "Hey! What is on your mind?"), ("Hi Samba", "Hi! How are you today?"), ("good evening", "Good evening! What can I do for you?")])]
    turns += random.choice([answered, lambda r, e: orders(r), lambda r, e: unknown(r)])(random, random.choice(TALK))
    turns.append(random.choice([("Thanks!", "You are welcome!"), ("thank you", "You're welcome. Is there anything else?"), ("Thank you, bye!", "Goodbye! Have a nice day."), ("bye", "Goodbye! Come back any time."), ("ok thanks", "You're welcome!"), ("Great, thanks.", "I'm glad I could help."), ("See you.", "See you!"), ("good night", "Good night, sleep well!")]))
    return turns


def talk(random):
    draw = random.random()
    if draw < 0.5:
        return answered(random, random.choice(TALK))
    if draw < 0.68:
        return unknown(random)
    if draw < 0.86:
        return orders(random)
    return joke(random) if draw < 0.93 else chat(random)
